// SPDX-License-Identifier: BSD-3-Clause
// One worker core: the poll loop around one worker. Receives on both ports,
// takes operations from the control core and requests from sessions, and sends.
// Made and destroyed by the main thread; everything between Run() and its
// return happens on the core.
#ifndef CHIMNEY_DAEMON_WORKER_CORE_H_
#define CHIMNEY_DAEMON_WORKER_CORE_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "daemon/config.h"
#include "daemon/core_counter.h"
#include "daemon/frame_port.h"
#include "daemon/session_lane.h"
#include "daemon/worker_link.h"
#include "dpdkio/tsc_clock.h"
#include "worker/worker.h"

namespace chimney::daemon {

struct WorkerCoreOptions {
  IdleMode idle = IdleMode::kAdaptive;
  FramePortOptions frames;
  worker::WorkerConfig worker;
};

class WorkerCore {
 public:
  // Allocates everything. `link` outlives the core.
  WorkerCore(const WorkerCoreOptions& options, WorkerLink* link);
  ~WorkerCore();
  WorkerCore(const WorkerCore&) = delete;
  WorkerCore& operator=(const WorkerCore&) = delete;

  // Turns until RequestStop(). The calling thread is the core from here on.
  void Run();
  // Any thread.
  void RequestStop() { stop_.store(true, std::memory_order_relaxed); }

  // One turn of the loop at `now`; returns how much was done, 0 = idle. Run()
  // calls it; tests do so with a clock of their own.
  size_t Turn(Instant now);

  const CoreCounters& counters() const { return counters_; }
  const FramePort& frames() const { return frames_; }
  worker::Worker& worker() { return worker_; }

 private:
  size_t ReceiveFrom(Instant now, worker::Side from);
  void Sort(Instant now, worker::Side from, std::span<rte_mbuf*> frames);
  size_t TakeOperations(Instant now);
  // Takes in what the session of a kTerminate had posted; false if some of it
  // finds no room.
  bool DrainLane(Instant now, const worker::Operation& terminate);
  size_t PollLanes(Instant now);
  void PublishNumbers(Instant now);
  void Rest(Instant now, Instant idle_since);

  struct OpenLane {
    SessionLane* lane = nullptr;
    bool fault_told = false;
  };

  // Hands completions on to the link, and learns from them which lanes there
  // are: a lane is polled from the moment its kOpenSession succeeds until the
  // moment before its kCloseSession is given back.
  class Completions final : public worker::ControlPort {
   public:
    explicit Completions(WorkerCore* core) : core_(core) {}
    void Complete(worker::Operation* operation) override;
    bool Notify(const worker::ControlNotice& notice) override;

   private:
    WorkerCore* const core_;
  };

  const WorkerCoreOptions options_;
  WorkerLink* const link_;
  CoreCounters counters_;
  FramePort frames_;
  Completions completions_;
  worker::Worker worker_;
  dpdkio::TscClock clock_;
  // Never longer than max_sessions. The lanes belong to the sessions.
  std::vector<OpenLane> lanes_;
  size_t first_lane_ = 0;  // whose turn it is to be polled first
  uint64_t vlan_lost_ = 0;
  // What PublishNumbers has counted already.
  uint64_t wire_drops_counted_ = 0;
  uint64_t host_drops_counted_ = 0;
  uint64_t vlan_lost_counted_ = 0;
  Instant next_numbers_;
  // Written by any thread, read by the core; orders nothing else.
  std::atomic<bool> stop_{false};
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_WORKER_CORE_H_
