// SPDX-License-Identifier: BSD-3-Clause
// The fixed part of the TCP header (RFC 9293 section 3.1) from and to bytes.
#ifndef CHIMNEY_PACKET_TCP_HEADER_H_
#define CHIMNEY_PACKET_TCP_HEADER_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/seq.h"

namespace chimney::packet {

inline constexpr size_t kTcpHeaderBytes = 20;  // without options
inline constexpr size_t kMaxTcpOptionBytes = 40;
inline constexpr size_t kTcpChecksumOffset = 16;  // of the field, in the header

// The eight control bits.
struct TcpFlags {
  uint8_t bits = 0;

  constexpr bool fin() const { return (bits & 0x01) != 0; }
  constexpr bool syn() const { return (bits & 0x02) != 0; }
  constexpr bool rst() const { return (bits & 0x04) != 0; }
  constexpr bool psh() const { return (bits & 0x08) != 0; }
  constexpr bool ack() const { return (bits & 0x10) != 0; }
  constexpr bool urg() const { return (bits & 0x20) != 0; }
  constexpr bool ece() const { return (bits & 0x40) != 0; }
  constexpr bool cwr() const { return (bits & 0x80) != 0; }

  // All of `other` are set, any of `other` is set.
  constexpr bool HasAll(TcpFlags other) const {
    return (bits & other.bits) == other.bits;
  }
  constexpr bool HasAny(TcpFlags other) const {
    return (bits & other.bits) != 0;
  }
  friend constexpr TcpFlags operator|(TcpFlags a, TcpFlags b) {
    return TcpFlags{static_cast<uint8_t>(a.bits | b.bits)};
  }
  friend constexpr TcpFlags operator&(TcpFlags a, TcpFlags b) {
    return TcpFlags{static_cast<uint8_t>(a.bits & b.bits)};
  }
  constexpr TcpFlags& operator|=(TcpFlags other) {
    return *this = *this | other;
  }
  friend constexpr bool operator==(TcpFlags, TcpFlags) = default;
};

inline constexpr TcpFlags kTcpFin{0x01};
inline constexpr TcpFlags kTcpSyn{0x02};
inline constexpr TcpFlags kTcpRst{0x04};
inline constexpr TcpFlags kTcpPsh{0x08};
inline constexpr TcpFlags kTcpAck{0x10};
inline constexpr TcpFlags kTcpUrg{0x20};
inline constexpr TcpFlags kTcpEce{0x40};
inline constexpr TcpFlags kTcpCwr{0x80};

struct TcpHeader {
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  SeqNum seq;
  SeqNum ack;
  TcpFlags flags;
  uint8_t header_bytes = 20;  // 20..60, options included
  uint16_t window = 0;        // as on the wire, unscaled
  uint16_t checksum = 0;
  uint16_t urgent_pointer = 0;
};

enum class TcpHeaderVerdict : uint8_t {
  kOk,
  kTruncated,      // the segment ends within the header or its options
  kBadDataOffset,  // data offset below 5 words
};

// `segment` is the TCP header and what follows, without padding of lower
// layers. On kOk header_bytes is proved to lie inside it.
[[nodiscard]] TcpHeaderVerdict ParseTcpHeader(ByteSpan segment, TcpHeader* out);

// Writes the 20 fixed bytes, header_bytes as data offset (a multiple of 4,
// 20..60). Returns 20, or 0 if they do not fit or header_bytes is impossible.
size_t EmitTcpHeader(const TcpHeader& header, MutableByteSpan out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_TCP_HEADER_H_
