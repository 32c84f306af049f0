// SPDX-License-Identifier: BSD-3-Clause
// One way of the wire: takes frames from one interface, harms them as it was
// told, and puts them on the other.
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_DIRECTION_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_DIRECTION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "draws.h"
#include "frame_pool.h"
#include "frame_socket.h"
#include "line.h"
#include "router.h"

namespace chimney::wire {

struct Impairments {
  Draws::Percent percent;
  int64_t reorder_ns = 0;  // what is late is late by this much
  int64_t delay_ns = 0;
  uint64_t rate_bits_per_s = 0;  // 0: as fast as it goes
  uint32_t queue_frames = 0;     // more than this before the line: dropped
  uint32_t flying_frames = 0;    // more than this on their way: dropped
};

struct DirectionCounters {
  uint64_t received = 0;
  uint64_t sent = 0;
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t queue_full = 0;
  uint64_t flying_full = 0;
  // Frames that left this side later than they should have: what the machine
  // was too busy for.
  uint64_t late_1ms = 0;
  int64_t latest_ns = 0;
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
  // Starts anew, with a loss of its own: the draws that decide about frames and
  // the counters that are kept here.
  void Restart(double loss_percent, uint64_t seed);
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
  void TakeFrame(uint32_t frame, uint32_t length_bytes, int64_t arrival_ns);
  size_t LetOut(int64_t now_ns);
  void Enqueue(uint32_t frame, uint32_t length_bytes, int64_t due_ns);
  // When the frame is to arrive at the other side; nothing if there is no room.
  std::optional<int64_t> DueTime(uint32_t length_bytes, int64_t arrival_ns);
  void NoteLateness(int64_t late_ns);

  FrameSocket& from_;
  FrameSocket& to_;
  FramePool& pool_;
  Impairments impairments_;
  Draws draws_;
  Line line_;
  Router router_;
  DirectionCounters counters_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  uint64_t order_ = 0;
  int64_t last_arrival_ns_ = 0;
  std::array<uint32_t, FrameSocket::kBatch> spare_;  // to receive into
  size_t spare_count_ = 0;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_DIRECTION_H_
