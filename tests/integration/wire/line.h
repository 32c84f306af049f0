// SPDX-License-Identifier: BSD-3-Clause
// The bottleneck of one way: a line that carries frames one after the other at
// its rate, and a queue in front of it that drops from its tail.
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_LINE_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_LINE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

namespace chimney::wire {

class Line {
 public:
  // A rate of 0: every frame has left when it arrives. Frames that have not
  // left count as waiting, the one that is leaving too.
  Line(uint64_t rate_bits_per_s, uint32_t queue_frames)
      : rate_bits_per_s_(static_cast<int64_t>(rate_bits_per_s)),
        queue_frames_(queue_frames) {}

  // When a frame that arrives now has left; nothing if it finds the queue full.
  // Arrivals are in order.
  std::optional<int64_t> Leaves(uint32_t length_bytes, int64_t arrival_ns) {
    if (rate_bits_per_s_ == 0) return arrival_ns;
    while (!leaving_ns_.empty() && leaving_ns_.front() <= arrival_ns) {
      leaving_ns_.pop_front();
    }
    if (leaving_ns_.size() >= queue_frames_) return std::nullopt;
    const int64_t bits = int64_t{length_bytes} * 8;
    free_ns_ = std::max(free_ns_, arrival_ns) +
               bits * 1'000'000'000 / rate_bits_per_s_;
    leaving_ns_.push_back(free_ns_);
    return free_ns_;
  }

 private:
  const int64_t rate_bits_per_s_;
  const uint32_t queue_frames_;
  int64_t free_ns_ = 0;
  std::deque<int64_t> leaving_ns_;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_LINE_H_
