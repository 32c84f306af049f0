// SPDX-License-Identifier: BSD-3-Clause
// One way of the wire: takes frames from one interface, harms them as it was
// told, and puts them on the other.
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_DIRECTION_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_DIRECTION_H_

#include <array>
#include <cstdint>
#include <queue>
#include <string>
#include <vector>

#include "base/random.h"
#include "frame_pool.h"
#include "frame_socket.h"
#include "router.h"

namespace chimney::wire {

struct Impairments {
  double loss_percent = 0;
  double duplicate_percent = 0;
  double reorder_percent = 0;  // share of frames that come late
  int64_t reorder_ns = 0;      // by this much
  int64_t delay_ns = 0;
  uint64_t rate_bits_per_s = 0;  // 0: as fast as it goes
  uint32_t queue_frames = 0;     // more than this waiting: dropped
};

struct DirectionCounters {
  uint64_t received = 0;
  uint64_t sent = 0;
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t queue_full = 0;
};

class Direction {
 public:
  // Same seed and same frames: same fate for each. What is referred to must
  // outlive the direction.
  Direction(FrameSocket& from, FrameSocket& to, FramePool& pool,
            const Impairments& impairments, uint64_t seed);

  // Moves what can be moved; true if anything was.
  bool Turn(int64_t now_ns);
  // When the next waiting frame is due, INT64_MAX if none waits.
  int64_t next_due_ns() const {
    return waiting_.empty() ? INT64_MAX : waiting_.top().due_ns;
  }
  // Sends a too-big error about this direction's traffic to its sender.
  bool Forge(uint32_t mtu_bytes, uint32_t sequence_shift);

  Router& router() { return router_; }
  const DirectionCounters& counters() const { return counters_; }
  // The members of a JSON object.
  std::string Json();

 private:
  struct Waiting {
    int64_t due_ns;
    uint64_t order;  // frames that are due together leave as they came
    uint32_t frame;
    uint32_t length_bytes;
    bool operator>(const Waiting& other) const {
      return due_ns != other.due_ns ? due_ns > other.due_ns
                                    : order > other.order;
    }
  };

  size_t TakeIn(int64_t now_ns);
  void TakeFrame(uint32_t frame, uint32_t length_bytes, int64_t now_ns);
  size_t LetOut(int64_t now_ns);
  void Enqueue(uint32_t frame, uint32_t length_bytes, int64_t due_ns);
  int64_t DueTime(uint32_t length_bytes, int64_t now_ns);
  bool Happens(double percent) {
    return random_.Below(1u << 30) <
           static_cast<uint32_t>(percent / 100.0 * (1u << 30));
  }

  FrameSocket& from_;
  FrameSocket& to_;
  FramePool& pool_;
  const Impairments impairments_;
  Random random_;
  Router router_;
  DirectionCounters counters_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  uint64_t order_ = 0;
  int64_t line_free_ns_ = 0;
  std::array<uint32_t, FrameSocket::kBatch> spare_;  // to receive into
  size_t spare_count_ = 0;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_DIRECTION_H_
