// SPDX-License-Identifier: BSD-3-Clause
// The processor's time stamp counter, which counts at one rate whatever the
// clock frequency. Elsewhere than on x86, nanoseconds.
#ifndef CHIMNEY_TESTS_BENCH_ENGINE_CYCLES_H_
#define CHIMNEY_TESTS_BENCH_ENGINE_CYCLES_H_

#include <chrono>
#include <cstdint>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace chimney::bench {

// Everything before it is done, nothing behind it has begun.
inline uint64_t ReadCycles() {
#if defined(__x86_64__)
  _mm_lfence();
  const uint64_t cycles = __rdtsc();
  _mm_lfence();
  return cycles;
#else
  return static_cast<uint64_t>(
      std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

}  // namespace chimney::bench

#endif  // CHIMNEY_TESTS_BENCH_ENGINE_CYCLES_H_
