// SPDX-License-Identifier: BSD-3-Clause
#include "direction.h"

#include <algorithm>
#include <cstring>

namespace chimney::wire {

Direction::Direction(FrameSocket& from, FrameSocket& to, FramePool& pool,
                     const Impairments& impairments, uint64_t seed)
    : from_(from),
      to_(to),
      pool_(pool),
      impairments_(impairments),
      draws_(impairments.percent, seed),
      line_(impairments.rate_bits_per_s, impairments.queue_frames) {}

bool Direction::Turn(int64_t now_ns) {
  const size_t in = TakeIn(now_ns);
  const size_t out = LetOut(now_ns);
  return in + out > 0;
}

size_t Direction::TakeIn(int64_t now_ns) {
  while (spare_count_ < spare_.size()) {
    const uint32_t frame = pool_.Take();
    if (frame == FramePool::kNone) break;
    spare_[spare_count_++] = frame;
  }
  std::array<FrameSocket::Slot, FrameSocket::kBatch> slots;
  for (size_t i = 0; i < spare_count_; ++i) {
    slots[i].bytes = pool_.span(spare_[i], pool_.frame_bytes());
  }
  const size_t got = from_.Receive({slots.data(), spare_count_});
  for (size_t i = 0; i < got; ++i) {
    // From when it arrived, not from when there was time to look.
    last_arrival_ns_ = std::max(last_arrival_ns_, now_ns - slots[i].age_ns);
    TakeFrame(spare_[i], static_cast<uint32_t>(slots[i].bytes.size()),
              last_arrival_ns_);
  }
  std::copy(spare_.begin() + static_cast<ptrdiff_t>(got),
            spare_.begin() + static_cast<ptrdiff_t>(spare_count_),
            spare_.begin());
  spare_count_ -= got;
  return got;
}

void Direction::TakeFrame(uint32_t frame, uint32_t length_bytes,
                          int64_t arrival_ns) {
  ++counters_.received;
  const Draws::Fate fate = draws_.Next();
  std::vector<uint8_t> answer;
  if (!router_.Passes(pool_.span(frame, length_bytes), &answer)) {
    const ByteSpan bytes(answer);
    from_.Send({&bytes, 1});
    pool_.Return(frame);
    return;
  }
  if (fate.is_lost) {
    ++counters_.lost;
    pool_.Return(frame);
    return;
  }
  const std::optional<int64_t> due = DueTime(length_bytes, arrival_ns);
  if (!due) {
    pool_.Return(frame);
    return;
  }
  int64_t due_ns = *due;
  if (fate.is_late) {
    ++counters_.reordered;
    due_ns += impairments_.reorder_ns;
  }
  Enqueue(frame, length_bytes, due_ns);
  const uint32_t twin = fate.is_doubled ? pool_.Take() : FramePool::kNone;
  if (twin != FramePool::kNone) {
    ++counters_.duplicated;
    std::memcpy(pool_.data(twin), pool_.data(frame), length_bytes);
    Enqueue(twin, length_bytes, due_ns);
  }
}

std::optional<int64_t> Direction::DueTime(uint32_t length_bytes,
                                          int64_t arrival_ns) {
  if (waiting_.size() >= impairments_.flying_frames) {
    ++counters_.flying_full;
    return std::nullopt;
  }
  const std::optional<int64_t> leaves = line_.Leaves(length_bytes, arrival_ns);
  if (!leaves) {
    ++counters_.queue_full;
    return std::nullopt;
  }
  return *leaves + impairments_.delay_ns;
}

void Direction::Enqueue(uint32_t frame, uint32_t length_bytes, int64_t due_ns) {
  waiting_.push({due_ns, order_++, frame, length_bytes});
}

size_t Direction::LetOut(int64_t now_ns) {
  size_t total = 0;
  while (!waiting_.empty() && waiting_.top().due_ns <= now_ns) {
    std::array<Waiting, FrameSocket::kBatch> batch;
    std::array<ByteSpan, FrameSocket::kBatch> frames;
    size_t count = 0;
    while (count < batch.size() && !waiting_.empty() &&
           waiting_.top().due_ns <= now_ns) {
      batch[count] = waiting_.top();
      waiting_.pop();
      NoteLateness(now_ns - batch[count].due_ns);
      frames[count] = pool_.span(batch[count].frame, batch[count].length_bytes);
      ++count;
    }
    const size_t sent = to_.Send({frames.data(), count});
    for (size_t i = 0; i < sent; ++i) pool_.Return(batch[i].frame);
    for (size_t i = sent; i < count; ++i) waiting_.push(batch[i]);
    counters_.sent += sent;
    total += sent;
    if (sent < count) break;
  }
  return total;
}

void Direction::NoteLateness(int64_t late_ns) {
  if (late_ns > 1'000'000) ++counters_.late_1ms;
  counters_.latest_ns = std::max(counters_.latest_ns, late_ns);
}

void Direction::Restart(double loss_percent, uint64_t seed) {
  impairments_.percent.loss = loss_percent;
  draws_ = Draws(impairments_.percent, seed);
  counters_ = {};
}

bool Direction::Forge(uint32_t mtu_bytes, uint32_t sequence_shift) {
  const std::vector<uint8_t> answer = router_.Forge(mtu_bytes, sequence_shift);
  const ByteSpan bytes(answer);
  return !answer.empty() && from_.Send({&bytes, 1}) == 1;
}

std::string Direction::Json() {
  const auto member = [](const char* name, uint64_t value) {
    return std::string("\"") + name + "\": " + std::to_string(value);
  };
  return member("received", counters_.received) + ", " +
         member("sent", counters_.sent) + ", " +
         member("lost", counters_.lost) + ", " +
         member("duplicated", counters_.duplicated) + ", " +
         member("reordered", counters_.reordered) + ", " +
         member("queue_full", counters_.queue_full) + ", " +
         member("flying_full", counters_.flying_full) + ", " +
         member("late_1ms", counters_.late_1ms) + ", " +
         member("latest_us",
                static_cast<uint64_t>(counters_.latest_ns / 1'000)) +
         ", " + member("too_big", router_.too_big()) + ", " +
         member("socket_drops", from_.Drops()) + ", " +
         member("refused", to_.refused());
}

}  // namespace chimney::wire
