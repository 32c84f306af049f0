// SPDX-License-Identifier: BSD-3-Clause
// One session as one worker sees it: the lane's two rings, the arena that its
// references point into, the memory that received bytes are put into. Made by
// the control core from mapped memory, given to the worker core with
// kOpenSession, and the worker core's alone until kCloseSession has completed.
//
// Everything that the session can write is hostile: entries are copied out once
// and proved, indices are kept in private memory, and what breaks a rule breaks
// this lane and nothing else.
#ifndef CHIMNEY_DAEMON_SESSION_LANE_H_
#define CHIMNEY_DAEMON_SESSION_LANE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "abi/layout.h"
#include "abi/ring_entry.h"
#include "base/bytes.h"
#include "base/chunk_pool.h"
#include "base/time.h"
#include "daemon/worker_link.h"
#include "worker/session_port.h"
#include "worker/worker.h"

namespace chimney::daemon {

// Where things are in this process; all of it outlives the lane.
struct SessionLaneMemory {
  uint32_t session_id = 0;
  uint32_t worker_index = 0;
  uint32_t ring_entries = 0;            // of both rings, a power of two
  void* host_to_daemon = nullptr;       // rte_ring in the shared file
  void* daemon_to_host = nullptr;       // rte_ring in the published file
  abi::SharedHeader* shared = nullptr;  // start of the shared file
  MutableByteSpan arena;                // in the shared file
  // This worker's share of the received-bytes area, in the published file.
  uint8_t* chunk_base = nullptr;
  uint32_t chunk_bytes = 0;
  uint32_t chunk_count = 0;
  // eventfd that wakes the session; not owned.
  int doorbell_fd = -1;
};

class SessionLane final : public worker::SessionPort {
 public:
  // Both rings have been initialised. Allocates all that the lane needs.
  explicit SessionLane(const SessionLaneMemory& memory);
  ~SessionLane() override;

  // worker::SessionPort; worker core only.
  size_t Room() const override;
  void Push(const worker::Notice& notice) override;
  void Ring() override;
  ChunkPool* chunks() override { return &chunks_; }
  void SetUntold(uint32_t flows) override {
    // Pairs with nothing: a completion that follows carries it over.
    untold_.store(flows, std::memory_order_relaxed);
  }

  uint32_t session_id() const { return memory_.session_id; }
  // Any thread. Of an upload that has completed for the control core it says
  // the truth.
  uint32_t untold() const { return untold_.load(std::memory_order_relaxed); }

  // ---- Worker core only.

  // Feeds up to `budget` waiting requests to the worker. Returns how many were
  // taken off the ring. After a fault it takes nothing more.
  size_t PollRequests(Instant now, worker::Worker* worker, size_t budget);
  LaneFault fault() const { return fault_; }
  // Feeds all that waited when it was called, as far as the worker has room
  // for it. Returns whether nothing is left.
  bool Drain(Instant now, worker::Worker* worker);
  // The session's process is dead: what it has posted until now is its last,
  // and nobody reads what it would be told.
  void EndSession();

  // What the session wrote as an entry, proved: kNone and `*request` set, or
  // the rule that it breaks. Changes nothing.
  LaneFault Translate(const abi::RequestEntry& entry,
                      worker::Request* request) const;

 private:
  void ExpectFlows(worker::Worker* worker);
  struct Rings;

  const SessionLaneMemory memory_;
  ChunkPool chunks_;
  std::unique_ptr<Rings> rings_;
  LaneFault fault_ = LaneFault::kNone;
  bool rung_ = false;
  bool ended_ = false;
  std::atomic<uint32_t> untold_{0};  // worker writes, control core reads
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_SESSION_LANE_H_
