// SPDX-License-Identifier: BSD-3-Clause
// One worker's world: the flows of one shard, their timers and buffers. Pure:
// the same object runs under the NIC, in unit tests, the fuzzers and the
// simulator. Every call is made on the one core that owns it.
//
// One turn of the poll loop: sample the clock once, ProcessFrames() for what
// each side received, Execute() for operations, OnRequest() for sessions, then
// Poll(). No call blocks, allocates, logs or reads a clock.
#ifndef CHIMNEY_WORKER_WORKER_H_
#define CHIMNEY_WORKER_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/counters.h"
#include "base/time.h"
#include "tcp/parameters.h"
#include "worker/frame.h"
#include "worker/operation.h"
#include "worker/session_port.h"
#include "worker/worker_counter.h"

namespace chimney::worker {

struct WorkerConfig {
  uint32_t worker_index = 0;
  uint32_t max_flows = 65536;
  uint32_t max_sessions = 64;
  uint32_t max_send_records = 262144;
  uint32_t max_fragments = 262144;
  // Pieces of what flows have in flight, beside one for each flow.
  uint32_t max_flight_ranges = 262144;
  uint32_t max_posted_receives = 65536;
  // Pieces of received data that may be lent to sessions at a time.
  uint32_t max_lent_pieces = 65536;
  // Frames one held or cut flow may park, and all flows together.
  uint32_t max_parked_per_flow = 1024;
  uint32_t max_parked_frames = 8192;
  // Segments one flow may send before the next one gets its turn.
  uint32_t output_burst_segments = 32;
  // Largest IP datagram the wire takes; a longer path is refused (R37).
  uint32_t max_path_mtu_bytes = 65535;
  // A push receive that is partly filled completes after this (R130).
  Duration push_timeout = Duration::Millis(40);
  // Of a hold that does not say (design D2).
  Duration hold_timeout = Duration::Millis(100);
  uint64_t hash_key[2] = {0, 0};  // random, chosen by the daemon at start
  tcp::Parameters parameters;
};

class Worker {
 public:
  // Allocates everything. The ports must outlive the worker.
  Worker(const WorkerConfig& config, FramePort* frames, ControlPort* control);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Sorts frames received on `from`; dispositions[i] says what becomes of
  // frames[i]. The caller then transmits the forwarded ones in order.
  void ProcessFrames(Instant now, Side from, std::span<const Frame> frames,
                     std::span<Disposition> dispositions);

  // Takes an operation; completes it now or later through the ControlPort.
  void Execute(Instant now, Operation* operation);

  // Requests of these flows come next: asks for their memory. Any handle is
  // safe, and none is needed.
  void Expect(std::span<const FlowHandle> flows);
  // One request of a session.
  RequestVerdict OnRequest(Instant now, uint32_t session_id,
                           const Request& request);

  // Timers, output, completions, notices. Returns how much was done (0 = idle).
  size_t Poll(Instant now);

  // Earliest instant at which Poll has work of its own accord; one in the past
  // if it has some now. What waits for room in a ring or on the wire is not
  // counted: only the caller can see that coming.
  Instant NextDeadline() const;

  uint32_t flow_count() const;
  // Single writer (this worker); other threads may read (relaxed).
  const WorkerCounters& counters() const;
  const SegmentCounters& segment_counters() const;
  // What is in use, for leak checks (read on the worker's core, or at rest).
  struct Census {
    uint32_t flows = 0;
    uint32_t send_records = 0;
    uint32_t fragments = 0;
    uint32_t flight_ranges = 0;
    uint32_t posted_receives = 0;
    uint32_t lent_pieces = 0;
    uint32_t timers = 0;
    uint32_t parked_frames = 0;
    // Of flows and control blocks: what those at rest do without.
    uint32_t parts = 0;
    uint32_t sessions = 0;
  };
  Census TakeCensus() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_WORKER_H_
