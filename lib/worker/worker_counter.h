// SPDX-License-Identifier: BSD-3-Clause
// Names of what a worker counts. Written by the worker's core alone, read by
// any thread.
#ifndef CHIMNEY_WORKER_WORKER_COUNTER_H_
#define CHIMNEY_WORKER_WORKER_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counters.h"
#include "tcp/segment_reason.h"

namespace chimney::worker {

enum class WorkerCounter : uint8_t {
#define CHIMNEY_WORKER_COUNTER(symbol, name, text) symbol,
#include "worker/worker_counter.def"
#undef CHIMNEY_WORKER_COUNTER
};

inline constexpr size_t kWorkerCounterCount = 0
#define CHIMNEY_WORKER_COUNTER(symbol, name, text) +1
#include "worker/worker_counter.def"
#undef CHIMNEY_WORKER_COUNTER
    ;
static_assert(kWorkerCounterCount < 256);

using WorkerCounters = CounterBlock<WorkerCounter, kWorkerCounterCount>;

// What the engine made of each segment of a running flow.
using SegmentCounters =
    CounterBlock<tcp::SegmentReason, tcp::kSegmentReasonCount>;

// As metrics name them, and in English for people.
std::string_view WorkerCounterName(WorkerCounter counter);
std::string_view WorkerCounterText(WorkerCounter counter);

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_WORKER_COUNTER_H_
