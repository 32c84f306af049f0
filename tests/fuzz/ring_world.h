// SPDX-License-Identifier: BSD-3-Clause
// A worker with two sessions in plain memory, each with one running connection
// whose peer is played here: what a hostile session can reach, and a neighbour
// that must not notice.
#ifndef CHIMNEY_TESTS_FUZZ_RING_WORLD_H_
#define CHIMNEY_TESTS_FUZZ_RING_WORLD_H_

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <vector>

#include "daemon/session_lane.h"
#include "packet/frame_view.h"
#include "ring/host_consumer.h"
#include "ring/host_producer.h"
#include "ring/session_layout.h"
#include "worker/worker.h"

namespace chimney::testing {

// Takes every frame for the wire in; what it is asked to hold it keeps.
class WireLog final : public worker::FramePort {
 public:
  size_t TransmitRoom(worker::Side) const override { return 64; }
  bool Transmit(worker::Side side, const worker::OutFrame& frame) override;
  void ForwardHeld(worker::Side, void*) override {}
  void FreeHeld(void*) override {}
  bool ChecksumByPort() const override { return false; }

  std::vector<std::vector<uint8_t>> frames;
};

class CompletionLog final : public worker::ControlPort {
 public:
  void Complete(worker::Operation* operation) override {
    done.insert(operation);
  }
  bool Notify(const worker::ControlNotice&) override { return true; }
  bool IsDone(const worker::Operation& operation) const {
    return done.count(&operation) != 0;
  }

  std::set<const worker::Operation*> done;
};

// One session: its two files, its lane, both ends of the lane's rings.
class RingSession {
 public:
  static constexpr uint32_t kRingEntries = 8;
  static constexpr uint64_t kArenaBytes = 4096;
  static constexpr uint32_t kChunkBytes = 2048;
  static constexpr uint32_t kChunks = 16;

  explicit RingSession(uint32_t id);

  uint32_t id;
  ring::SessionLayout layout;
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };
  std::unique_ptr<uint8_t, Free> shared;
  std::unique_ptr<uint8_t, Free> published;
  MutableByteSpan arena;
  abi::SharedHeader* header = nullptr;
  rte_ring* requests = nullptr;
  rte_ring* notices = nullptr;
  ring::HostProducer producer;
  ring::HostConsumer consumer;
  std::unique_ptr<daemon::SessionLane> lane;
  worker::FlowHandle flow;
  uint16_t local_port = 0;
  uint32_t peer_seq = 0;   // next byte of its peer
  uint32_t peer_acks = 0;  // what its peer has received
  worker::Operation hold, initiate, terminate, finish, open, close;
};

class RingWorld {
 public:
  RingWorld();

  RingSession& hostile() { return hostile_; }
  RingSession& honest() { return honest_; }
  worker::Worker& worker() { return *worker_; }
  Instant now() const { return now_; }

  void Turn();
  void Advance(Duration by) { now_ = now_ + by; }
  // `count` bytes of the session's peer arrive, which also acknowledges what it
  // has received.
  void PeerSends(RingSession* session, uint32_t count);
  // Frames to the wire since the last call: the peers take them in. Those of
  // the neighbour are held against what it wrote.
  void PeersReceive();
  // Everything back, and nothing left.
  void End();

 private:
  void Offload(RingSession* session);
  void Run(worker::Operation* operation);
  FlowTuple TupleOf(const RingSession& session) const;

  WireLog wire_;
  CompletionLog control_;
  RingSession hostile_{1};
  RingSession honest_{2};
  std::unique_ptr<worker::Worker> worker_;
  PublishedRecord records_[2] = {};
  Instant now_ = Instant::FromNanos(1'000'000'000);
};

// What the neighbour sends: the byte at this place of its stream.
constexpr uint8_t HonestByte(uint32_t at) {
  return static_cast<uint8_t>(at * 5 + (at >> 8));
}
inline constexpr uint32_t kOurFirstSeq = 1000;
inline constexpr uint32_t kPeerFirstSeq = 5000;

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_FUZZ_RING_WORLD_H_
