// SPDX-License-Identifier: BSD-3-Clause
// The workers' only clock: the CPU's time stamp counter read as an Instant,
// comparable with CLOCK_MONOTONIC in this process. Between two readings of the
// kernel's clock it runs on the counter; its rate is corrected at each reading,
// so it neither jumps nor runs backwards, and stays within microseconds.
#ifndef CHIMNEY_DPDKIO_TSC_CLOCK_H_
#define CHIMNEY_DPDKIO_TSC_CLOCK_H_

#include <cstdint>

#include "base/time.h"

namespace chimney::dpdkio {

// CLOCK_MONOTONIC as an Instant; what the control core uses.
Instant MonotonicNow();

// One thread.
class TscClock {
 public:
  // Measures the counter against the kernel's clock for about a millisecond.
  TscClock();

  // Where the counter cannot serve as a clock, reads the kernel's.
  Instant Now();

  bool uses_counter() const { return uses_counter_; }

 private:
  static constexpr uint32_t kRateShift = 32;
  static constexpr int64_t kSyncIntervalNanos = 100'000'000;

  // Sets base and rate anew. Out of line: happens ten times a second.
  void Synchronise(uint64_t counter);

  bool uses_counter_ = false;
  uint64_t base_counter_ = 0;
  int64_t base_nanos_ = 0;
  uint64_t sync_after_cycles_ = 0;    // length of a span between readings
  uint64_t rate_ = 0;                 // nanoseconds a cycle, << kRateShift
  uint64_t kernel_base_counter_ = 0;  // of the last reading
  int64_t kernel_base_nanos_ = 0;
};

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_TSC_CLOCK_H_
