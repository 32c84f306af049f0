// SPDX-License-Identifier: BSD-3-Clause
// What the peer has selectively acknowledged (RFC 2018, RFC 6675): a bounded,
// sorted set of disjoint ranges above SND.UNA.
#ifndef CHIMNEY_TCP_SCOREBOARD_H_
#define CHIMNEY_TCP_SCOREBOARD_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/seq.h"
#include "packet/tcp_options.h"

namespace chimney::tcp {

// Ranges that would need more than kCapacity places are forgotten, never
// invented: the worst that comes of it is a needless retransmission.
class Scoreboard {
 public:
  static constexpr size_t kCapacity = 32;

  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  const packet::SackBlock& range(size_t index) const { return ranges_[index]; }
  uint32_t sacked_bytes() const { return sacked_bytes_; }
  // One past the highest byte held; only if not empty.
  SeqNum highest_end() const { return ranges_[count_ - 1].end; }

  // Adds [start, end), start before end, both between SND.UNA and SND.MAX.
  // Returns how many bytes were not known before.
  uint32_t Add(SeqNum start, SeqNum end);
  // Forgets everything below `una`.
  void Advance(SeqNum una);
  void Clear();

  // Bytes held below `seq`.
  uint32_t SackedBelow(SeqNum seq) const;
  // The first byte at or after `seq` that is in no range.
  SeqNum SkipSacked(SeqNum seq) const;
  // The start of the first range behind `seq`, or `limit` if that is nearer.
  SeqNum NextSacked(SeqNum seq, SeqNum limit) const;

 private:
  void RemoveRanges(size_t first, size_t last);

  uint8_t count_ = 0;
  uint32_t sacked_bytes_ = 0;
  std::array<packet::SackBlock, kCapacity> ranges_;
};

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_SCOREBOARD_H_
