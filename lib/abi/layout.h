// SPDX-License-Identifier: BSD-3-Clause
// What lies where in the two files of a session (design D5). The daemon writes
// both headers before the client sees the files; afterwards the shared file is
// the session's to write (the daemon keeps its own copy of every number), the
// published file is the daemon's alone.
#ifndef CHIMNEY_ABI_LAYOUT_H_
#define CHIMNEY_ABI_LAYOUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "abi/hello.h"

namespace chimney::abi {

inline constexpr uint32_t kMaxWorkers = 16;
// Lane 0 belongs to the control core, lane 1 + w to worker w.
inline constexpr uint32_t kMaxLanes = kMaxWorkers + 1;

// One pair of rings between the session and one core of the daemon.
struct Lane {
  // rte_ring with ring_entries elements of 64 bytes in the *shared* file:
  // produced by the session (single producer), consumed by the daemon.
  uint64_t host_to_daemon_offset = 0;
  // rte_ring in the *published* file: produced by the daemon; the session reads
  // entries in place and never writes it.
  uint64_t daemon_to_host_offset = 0;
  uint32_t ring_entries = 0;
  uint32_t reserved = 0;
};
static_assert(sizeof(Lane) == 24);

// At offset 0 of the published file. Written once by the daemon.
struct PublishedHeader {
  uint32_t magic = kMagic;
  uint16_t abi_major = kAbiMajor;
  uint16_t abi_minor = kAbiMinor;
  uint32_t session_id = 0;
  uint32_t lane_count = 0;
  uint64_t features = 0;
  Lane lanes[kMaxLanes];
  // Send memory, in the shared file.
  uint64_t arena_offset = 0;
  uint64_t arena_bytes = 0;
  // Received bytes, in the published file: chunk c of lane l starts at
  // receive_offset + (l * chunks_per_lane + c) * chunk_bytes, l from 0 for
  // worker 0.
  uint64_t receive_offset = 0;
  uint32_t chunk_bytes = 0;
  uint32_t chunks_per_lane = 0;
  // PublishedRecord array (base/published_record.h).
  uint64_t records_offset = 0;
  uint32_t record_count = 0;
  uint32_t reserved = 0;
  // CLOCK_MONOTONIC nanoseconds, beaten by the control core about every 100 ms
  // while it lives; read by the session.
  std::atomic<uint64_t> heartbeat{0};
};

// Written by the session, read by the daemon, one cache line a lane.
struct alignas(64) LaneShared {
  // Index (free running, like rte_ring's) up to which the session has consumed
  // daemon_to_host. Release by the session pairs with acquire by the daemon.
  std::atomic<uint32_t> consumed{0};
};

// At offset 0 of the shared file.
struct SharedHeader {
  // Session: 1 = about to sleep on the doorbell, wake me. Set with a seq_cst
  // fence before the last look at the rings; the daemon looks after a push with
  // a seq_cst fence, so that one of the two sees the other, and takes it back
  // to 0 when it rings: once a sleep.
  alignas(64) std::atomic<uint32_t> host_sleeping{0};
  LaneShared lanes[kMaxLanes];
};
static_assert(sizeof(SharedHeader) == 64 * (1 + kMaxLanes));
static_assert(std::atomic<uint64_t>::is_always_lock_free);

}  // namespace chimney::abi

#endif  // CHIMNEY_ABI_LAYOUT_H_
