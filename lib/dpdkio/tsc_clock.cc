// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/tsc_clock.h"

#include <rte_cycles.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace chimney::dpdkio {

namespace {

// A product of cycles and a rate.
__extension__ using Wide = unsigned __int128;

// A counter that differs between CPUs or stops in sleep is no clock. The kernel
// has looked: it lists the counter as a usable clock source only if it is one.
bool KernelTrustsCounter() {
  std::ifstream sources(
      "/sys/devices/system/clocksource/clocksource0/available_clocksource");
  std::string name;
  while (sources >> name) {
    if (name == "tsc" || name == "arch_sys_counter") return true;
  }
  return false;
}

}  // namespace

Instant MonotonicNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Instant::FromNanos(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

TscClock::TscClock() : uses_counter_(KernelTrustsCounter()) {
  if (!uses_counter_) return;
  kernel_base_nanos_ = MonotonicNow().nanos();
  kernel_base_counter_ = rte_rdtsc();
  int64_t nanos = 0;
  uint64_t counter = 0;
  do {
    nanos = MonotonicNow().nanos();
    counter = rte_rdtsc();
  } while (nanos - kernel_base_nanos_ < 1'000'000);
  const auto elapsed = static_cast<Wide>(nanos - kernel_base_nanos_);
  const uint64_t cycles = counter - kernel_base_counter_;
  if (cycles == 0) {
    uses_counter_ = false;
    return;
  }
  rate_ = static_cast<uint64_t>((elapsed << kRateShift) / cycles);
  sync_after_cycles_ = cycles;  // a short first span, then longer ones
  base_counter_ = counter;
  base_nanos_ = nanos;
  kernel_base_counter_ = counter;
  kernel_base_nanos_ = nanos;
}

Instant TscClock::Now() {
  if (!uses_counter_) return MonotonicNow();
  const uint64_t counter = rte_rdtsc();
  if (counter - base_counter_ >= sync_after_cycles_) Synchronise(counter);
  const auto nanos = static_cast<int64_t>(
      (static_cast<Wide>(counter - base_counter_) * rate_) >> kRateShift);
  return Instant::FromNanos(base_nanos_ + nanos);
}

void TscClock::Synchronise(uint64_t counter) {
  const int64_t own =
      base_nanos_ +
      static_cast<int64_t>(
          (static_cast<Wide>(counter - base_counter_) * rate_) >> kRateShift);
  const int64_t kernel = MonotonicNow().nanos();
  const uint64_t cycles = counter - kernel_base_counter_;
  const int64_t elapsed = kernel - kernel_base_nanos_;
  base_counter_ = counter;
  base_nanos_ = own;
  kernel_base_counter_ = counter;
  kernel_base_nanos_ = kernel;
  if (cycles == 0 || elapsed <= 0) return;

  // What is missing is made up over the next span, at most 1 % faster or
  // slower; after a pause of the whole machine the clock steps forward.
  int64_t behind = kernel - own;
  if (behind > kSyncIntervalNanos) {
    base_nanos_ = kernel;
    behind = 0;
  }
  behind = std::clamp<int64_t>(behind, -kSyncIntervalNanos / 100,
                               kSyncIntervalNanos / 100);
  const auto span_cycles =
      static_cast<uint64_t>(static_cast<Wide>(kSyncIntervalNanos) * cycles /
                            static_cast<uint64_t>(elapsed));
  if (span_cycles == 0) return;
  sync_after_cycles_ = span_cycles;
  rate_ = static_cast<uint64_t>(
      (static_cast<Wide>(kSyncIntervalNanos + behind) << kRateShift) /
      span_cycles);
}

}  // namespace chimney::dpdkio
