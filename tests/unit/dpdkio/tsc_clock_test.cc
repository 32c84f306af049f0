// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/tsc_clock.h"

#include <gtest/gtest.h>

namespace chimney::dpdkio {
namespace {

// Long enough for two corrections of the rate.
constexpr Duration kTestSpan = Duration::Millis(250);

TEST(TscClock, NeverRunsBackwards) {
  TscClock clock;
  const Instant start = MonotonicNow();
  Instant last = clock.Now();
  while (MonotonicNow() - start < kTestSpan) {
    for (int i = 0; i < 1000; ++i) {
      const Instant now = clock.Now();
      ASSERT_GE(now, last);
      last = now;
    }
  }
}

// The control core stamps operations with CLOCK_MONOTONIC. The two readings
// around it make the test independent of how long the thread was kept waiting.
TEST(TscClock, StaysNearTheKernelsClock) {
  TscClock clock;
  const Instant start = MonotonicNow();
  Instant before = start;
  while (before - start < kTestSpan) {
    before = MonotonicNow();
    const Instant now = clock.Now();
    const Instant after = MonotonicNow();
    ASSERT_GE(now, before - Duration::Micros(200));
    ASSERT_LE(now, after + Duration::Micros(200));
  }
}

}  // namespace
}  // namespace chimney::dpdkio
