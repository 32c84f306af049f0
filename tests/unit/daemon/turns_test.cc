// SPDX-License-Identifier: BSD-3-Clause
// Nobody waits for all that another one asks for.
#include <gtest/gtest.h>

#include "daemon/back_off.h"
#include "daemon/control_timers.h"

namespace chimney::daemon {
namespace {

TEST(BackOff, DoublesUpToItsLimit) {
  BackOff retry(Duration::Millis(20), Duration::Millis(100));
  EXPECT_EQ(retry.Next(), Duration::Millis(20));
  EXPECT_EQ(retry.Next(), Duration::Millis(40));
  EXPECT_EQ(retry.Next(), Duration::Millis(80));
  EXPECT_EQ(retry.Next(), Duration::Millis(100));
  EXPECT_EQ(retry.Next(), Duration::Millis(100));
  retry.Reset();
  EXPECT_EQ(retry.Next(), Duration::Millis(20));
}

TEST(ControlTimers, ManyThatAreDueDoNotKeepEverythingElseWaiting) {
  ControlTimers timers;
  const Instant now = Instant::FromNanos(1'000'000);
  int fired = 0;
  for (int i = 0; i < 1000; ++i) timers.At(now, [&fired] { ++fired; });
  timers.Run(now);
  EXPECT_GT(fired, 0);
  EXPECT_LT(fired, 1000);
  EXPECT_EQ(timers.Next(), now) << "the caller must not sleep";
  for (int i = 0; i < 10; ++i) timers.Run(now);
  EXPECT_EQ(fired, 1000);
}

}  // namespace
}  // namespace chimney::daemon
