// SPDX-License-Identifier: BSD-3-Clause
// TCP options from and to bytes: MSS (RFC 9293), window scale and timestamps
// (RFC 7323), SACK (RFC 2018).
#ifndef CHIMNEY_PACKET_TCP_OPTIONS_H_
#define CHIMNEY_PACKET_TCP_OPTIONS_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/seq.h"

namespace chimney::packet {

inline constexpr uint8_t kMaxSackBlocks = 4;
// Timestamps as they are sent: NOP NOP kind 8 (RFC 7323 appendix A).
inline constexpr size_t kTimestampOptionBytes = 12;

// Bytes [start, end) that the receiver holds.
struct SackBlock {
  SeqNum start;
  SeqNum end;
  friend constexpr bool operator==(const SackBlock&,
                                   const SackBlock&) = default;
};

struct TcpOptions {
  bool has_mss = false;
  bool has_wscale = false;
  bool sack_permitted = false;
  bool has_timestamps = false;
  // The option bytes break a rule: a length of 0 or 1, one that runs past the
  // end, or a known kind with a length that is not its own. What stands before
  // the fault is still filled in.
  bool malformed = false;
  uint8_t wscale = 0;      // as on the wire; above 14 means 14 (RFC 7323 2.3)
  uint8_t sack_count = 0;  // 0..kMaxSackBlocks
  uint16_t mss = 0;
  uint32_t tsval = 0;
  uint32_t tsecr = 0;
  SackBlock sack[kMaxSackBlocks];
};

// Parses the bytes between the fixed header and the data. Unknown kinds are
// skipped by their length; if a kind comes twice, the last one counts. Returns
// !out->malformed.
bool ParseTcpOptions(ByteSpan bytes, TcpOptions* out);

// SACK blocks that fit beside the other options of `options`: 4, or 3 with
// timestamps (RFC 2018 section 3).
uint8_t SackBlocksThatFit(const TcpOptions& options);

// Bytes that EmitTcpOptions writes: a multiple of 4, at most 40. Blocks beyond
// SackBlocksThatFit are left out.
size_t TcpOptionsBytes(const TcpOptions& options);

// Writes MSS, SACK permitted, timestamps, window scale and SACK blocks, those
// that are set, each padded with NOPs to 4 bytes in front. `malformed` is not
// read. Returns the bytes written; nothing is written if they do not fit.
size_t EmitTcpOptions(const TcpOptions& options, MutableByteSpan out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_TCP_OPTIONS_H_
