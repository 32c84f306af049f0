// SPDX-License-Identifier: BSD-3-Clause
// IPv4 headers (RFC 791) from and to bytes.
#ifndef CHIMNEY_PACKET_IPV4_H_
#define CHIMNEY_PACKET_IPV4_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/inet_address.h"

namespace chimney::packet {

inline constexpr size_t kIpv4HeaderBytes = 20;  // without options
inline constexpr uint8_t kIpProtocolIcmp = 1;
inline constexpr uint8_t kIpProtocolTcp = 6;

struct Ipv4Header {
  uint8_t tos = 0;  // DSCP 6 bits, ECN 2 bits
  uint8_t ttl = 0;
  uint8_t protocol = 0;
  uint8_t header_bytes = 0;         // 20..60
  uint16_t total_length_bytes = 0;  // header and payload
  uint16_t id = 0;
  uint16_t fragment_offset_bytes = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  IpAddress src;
  IpAddress dst;

  bool HasOptions() const { return header_bytes > kIpv4HeaderBytes; }
  bool IsFragment() const {
    return more_fragments || fragment_offset_bytes != 0;
  }
};

enum class Ipv4Verdict : uint8_t {
  kOk,
  kTruncated,    // the bytes end before the header or total length says
  kBadHeader,    // version, header length or total length impossible
  kBadChecksum,  // header checksum (RFC 1122 section 3.2.1.2: discard)
};

// `packet` begins with the IP header and may go on behind the datagram
// (Ethernet padding). Only on kOk is `*out` whole and is total_length_bytes
// proved to lie inside `packet`.
[[nodiscard]] Ipv4Verdict ParseIpv4(ByteSpan packet, bool checksum_trusted,
                                    Ipv4Header* out);

// The header at the front of what an ICMP error quotes: only the header itself
// is proved to be there, the datagram behind it may be cut short and its
// checksum was already changed by routers.
[[nodiscard]] bool ParseQuotedIpv4(ByteSpan quote, Ipv4Header* out);

// Writes a header without options, checksum included, to the front of `out`;
// header_bytes is not read. Returns 20, or 0 if it does not fit.
size_t EmitIpv4(const Ipv4Header& header, MutableByteSpan out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_IPV4_H_
