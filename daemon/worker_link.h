// SPDX-License-Identifier: BSD-3-Clause
// The seam between the control core and one worker core: operations one way,
// completions and notices the other, and the wake-up of a sleeping control
// core. No lock: each direction is a ring with one producer and one consumer.
//
// The life of an operation: Submit (control) -> Take (worker) -> Complete
// (worker) -> Drain (control). Submit bounds how many are on that way, so
// Complete always finds room.
#ifndef CHIMNEY_DAEMON_WORKER_LINK_H_
#define CHIMNEY_DAEMON_WORKER_LINK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/time.h"
#include "daemon/core_counter.h"
#include "worker/operation.h"
#include "worker/worker.h"

namespace chimney::daemon {

// The rule that a session's data lane broke (design D5).
enum class LaneFault : uint8_t {
  kNone,
  kRingIndices,   // the request ring's indices cannot be true
  kUnknownOp,     // an op that has no place on a data lane
  kBadReference,  // offset or length outside the arena
  kBadRequest,    // e.g. a chunk returned that was not lent
};
const char* LaneFaultText(LaneFault fault);

// What a worker core tells the control core.
struct WorkerMessage {
  enum class Kind : uint8_t {
    kCompleted,   // operation: it is the control core's again
    kNotice,      // notice
    kLaneBroken,  // session_id, fault: end the session. The lane is not read
                  // any more; it stays open until kCloseSession completes.
  };
  Kind kind = Kind::kCompleted;
  LaneFault fault = LaneFault::kNone;
  uint32_t session_id = 0;
  worker::Operation* operation = nullptr;
  worker::ControlNotice notice;
};

class WorkerLink final : public worker::ControlPort {
 public:
  static constexpr uint32_t kMaxOperations = 4095;
  static constexpr uint32_t kMaxNotices = 4096;

  explicit WorkerLink(uint32_t worker_index);
  ~WorkerLink() override;
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // False if its eventfds could not be had; the link is then unusable.
  bool ok() const { return control_event_ >= 0 && worker_event_ >= 0; }
  uint32_t worker_index() const { return worker_index_; }

  // ---- Control core only.

  // Gives the operation to the worker until Drain gives it back. False, and the
  // operation stays with the caller, if kMaxOperations are outstanding.
  // kOpenSession: session_port is a daemon::SessionLane.
  bool Submit(worker::Operation* operation);
  uint32_t outstanding() const { return outstanding_; }

  // Calls visit(const WorkerMessage&) for up to kDrainBurst messages that have
  // arrived, in order; returns how many. 0 = nothing waits. `visit` may Submit.
  template <typename Visit>
  size_t Drain(Visit visit) {
    WorkerMessage messages[kDrainBurst];
    const size_t count = PopMessages(messages);
    for (size_t i = 0; i < count; ++i) visit(std::as_const(messages[i]));
    return count;
  }

  // Readable (level triggered) when the worker has woken the control core.
  // Use: PrepareToSleep(); if true epoll_wait(); then Awake() and Drain() until
  // it returns 0.
  int event_fd() const { return control_event_; }
  // Announces sleep. False if messages wait: then sleep is off, drain first.
  bool PrepareToSleep();
  // Takes the announcement back and clears the eventfd.
  void Awake();

  // What the worker has in use, some milliseconds old. Any thread.
  worker::Worker::Census census() const;
  // What the worker and its core count; nullptr until the core exists. Any
  // thread.
  const worker::WorkerCounters* counters() const {
    // Acquire pairs with the release in set_counters.
    return counters_.load(std::memory_order_acquire);
  }
  const CoreCounters* core_counters() const {
    return core_counters_.load(std::memory_order_acquire);
  }

  // ---- Worker core only.

  // Operations waiting, oldest first; returns how many were put into `out`.
  size_t Take(std::span<worker::Operation*> out);
  void Complete(worker::Operation* operation) override;
  bool Notify(const worker::ControlNotice& notice) override;
  // False if there is no room: try again later.
  bool NotifyLaneBroken(uint32_t session_id, LaneFault fault);
  // Call at the end of each turn: wakes the control core if it sleeps and
  // something was said since the last call.
  void Flush();
  // Sleeps until an operation is submitted, at most `limit`.
  void SleepUntilSubmit(Duration limit);
  void PublishCensus(const worker::Worker::Census& census);
  void set_counters(const worker::WorkerCounters* counters,
                    const CoreCounters* core_counters) {
    core_counters_.store(core_counters, std::memory_order_release);
    counters_.store(counters, std::memory_order_release);
  }

 private:
  static constexpr size_t kDrainBurst = 32;
  struct Rings;

  size_t PopMessages(std::span<WorkerMessage> out);
  bool PushNotice(const WorkerMessage& message);

  const uint32_t worker_index_;
  std::unique_ptr<Rings> rings_;
  const int control_event_;  // wakes the control core
  const int worker_event_;   // wakes the worker core

  // Control core's own.
  uint32_t outstanding_ = 0;

  // Worker core's own: something was pushed since the last Flush.
  alignas(64) bool said_something_ = false;

  // Written by both: the control core sets it before it sleeps, whoever takes
  // it back first (the worker by waking, the control core by Awake) clears it.
  // Each side writes its half (flag, ring), then a seq_cst fence, then reads
  // the other's half: so at least one of them sees the other.
  alignas(64) std::atomic<uint32_t> control_sleeps_{0};
  // The same with the roles exchanged.
  alignas(64) std::atomic<uint32_t> worker_sleeps_{0};

  // Written by the worker core, relaxed: numbers for people and leak checks.
  struct alignas(64) PublishedCensus {
    std::atomic<uint32_t> flows{0};
    std::atomic<uint32_t> send_records{0};
    std::atomic<uint32_t> fragments{0};
    std::atomic<uint32_t> flight_ranges{0};
    std::atomic<uint32_t> posted_receives{0};
    std::atomic<uint32_t> lent_pieces{0};
    std::atomic<uint32_t> timers{0};
    std::atomic<uint32_t> parked_frames{0};
    std::atomic<uint32_t> parts{0};
    std::atomic<uint32_t> sessions{0};
  };
  PublishedCensus census_;
  std::atomic<const worker::WorkerCounters*> counters_{nullptr};
  std::atomic<const CoreCounters*> core_counters_{nullptr};
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_WORKER_LINK_H_
