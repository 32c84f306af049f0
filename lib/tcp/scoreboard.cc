// SPDX-License-Identifier: BSD-3-Clause
// The set of selectively acknowledged ranges.
#include "tcp/scoreboard.h"

namespace chimney::tcp {

void Scoreboard::RemoveRanges(size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    sacked_bytes_ -= ranges_[i].end.BytesFrom(ranges_[i].start);
  }
  for (size_t i = last; i < count_; ++i) {
    ranges_[first + i - last] = ranges_[i];
  }
  count_ = static_cast<uint8_t>(count_ - (last - first));
}

uint32_t Scoreboard::Add(SeqNum start, SeqNum end) {
  size_t first = 0;
  while (first < count_ && ranges_[first].end.Before(start)) ++first;
  // [first, last) are the ranges that touch or overlap the new one.
  size_t last = first;
  const uint32_t before = sacked_bytes_;
  packet::SackBlock merged{start, end};
  while (last < count_ && ranges_[last].start.AtOrBefore(end)) {
    merged.start = Earlier(merged.start, ranges_[last].start);
    merged.end = Later(merged.end, ranges_[last].end);
    ++last;
  }
  if (first == last && count_ == kCapacity) return 0;
  RemoveRanges(first, last);
  for (size_t i = count_; i > first; --i) ranges_[i] = ranges_[i - 1];
  ranges_[first] = merged;
  ++count_;
  sacked_bytes_ += merged.end.BytesFrom(merged.start);
  return sacked_bytes_ - before;
}

void Scoreboard::Advance(SeqNum una) {
  size_t gone = 0;
  while (gone < count_ && ranges_[gone].end.AtOrBefore(una)) ++gone;
  if (gone != 0) RemoveRanges(0, gone);
  if (count_ != 0 && ranges_[0].start.Before(una)) {
    sacked_bytes_ -= una.BytesFrom(ranges_[0].start);
    ranges_[0].start = una;
  }
}

void Scoreboard::Clear() {
  count_ = 0;
  sacked_bytes_ = 0;
}

uint32_t Scoreboard::SackedBelow(SeqNum seq) const {
  uint32_t bytes = 0;
  for (size_t i = 0; i < count_ && ranges_[i].start.Before(seq); ++i) {
    bytes += Earlier(ranges_[i].end, seq).BytesFrom(ranges_[i].start);
  }
  return bytes;
}

SeqNum Scoreboard::SkipSacked(SeqNum seq) const {
  for (size_t i = 0; i < count_; ++i) {
    if (seq.Before(ranges_[i].start)) break;
    if (seq.Before(ranges_[i].end)) return ranges_[i].end;
  }
  return seq;
}

SeqNum Scoreboard::NextSacked(SeqNum seq, SeqNum limit) const {
  for (size_t i = 0; i < count_; ++i) {
    if (ranges_[i].start.After(seq)) return Earlier(ranges_[i].start, limit);
  }
  return limit;
}

}  // namespace chimney::tcp
