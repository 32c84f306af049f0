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
      random_(seed) {}

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
  std::array<MutableByteSpan, FrameSocket::kBatch> buffers;
  for (size_t i = 0; i < spare_count_; ++i) {
    buffers[i] = pool_.span(spare_[i], pool_.frame_bytes());
  }
  const size_t got = from_.Receive({buffers.data(), spare_count_});
  for (size_t i = 0; i < got; ++i) {
    TakeFrame(spare_[i], static_cast<uint32_t>(buffers[i].size()), now_ns);
  }
  std::copy(spare_.begin() + static_cast<ptrdiff_t>(got),
            spare_.begin() + static_cast<ptrdiff_t>(spare_count_),
            spare_.begin());
  spare_count_ -= got;
  return got;
}

void Direction::TakeFrame(uint32_t frame, uint32_t length_bytes,
                          int64_t now_ns) {
  ++counters_.received;
  // The draws are made for every frame, so that the fate of one does not shift
  // that of the others.
  const bool loses = Happens(impairments_.loss_percent);
  const bool doubles = Happens(impairments_.duplicate_percent);
  const bool delays = Happens(impairments_.reorder_percent);
  std::vector<uint8_t> answer;
  if (!router_.Passes(pool_.span(frame, length_bytes), &answer)) {
    const ByteSpan bytes(answer);
    from_.Send({&bytes, 1});
    pool_.Return(frame);
    return;
  }
  if (loses) {
    ++counters_.lost;
    pool_.Return(frame);
    return;
  }
  if (waiting_.size() >= impairments_.queue_frames) {
    ++counters_.queue_full;
    pool_.Return(frame);
    return;
  }
  int64_t due_ns = DueTime(length_bytes, now_ns);
  if (delays) {
    ++counters_.reordered;
    due_ns += impairments_.reorder_ns;
  }
  Enqueue(frame, length_bytes, due_ns);
  const uint32_t twin = doubles ? pool_.Take() : FramePool::kNone;
  if (twin != FramePool::kNone) {
    ++counters_.duplicated;
    std::memcpy(pool_.data(twin), pool_.data(frame), length_bytes);
    Enqueue(twin, length_bytes, due_ns);
  }
}

int64_t Direction::DueTime(uint32_t length_bytes, int64_t now_ns) {
  int64_t leaves_ns = now_ns;
  if (impairments_.rate_bits_per_s != 0) {
    const auto bits = static_cast<int64_t>(length_bytes) * 8;
    line_free_ns_ = std::max(line_free_ns_, now_ns) +
                    bits * 1'000'000'000 /
                        static_cast<int64_t>(impairments_.rate_bits_per_s);
    leaves_ns = line_free_ns_;
  }
  return leaves_ns + impairments_.delay_ns;
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
         member("too_big", router_.too_big()) + ", " +
         member("socket_drops", from_.Drops()) + ", " +
         member("refused", to_.refused());
}

}  // namespace chimney::wire
