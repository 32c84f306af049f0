// SPDX-License-Identifier: BSD-3-Clause
// Arithmetic of points and lengths of time.
#include "base/time.h"

#include <gtest/gtest.h>

namespace chimney {
namespace {

TEST(Duration, ConvertsBetweenUnits) {
  EXPECT_EQ(Duration::Seconds(2).nanos(), 2'000'000'000);
  EXPECT_EQ(Duration::Millis(3).micros(), 3'000);
  EXPECT_EQ(Duration::Micros(1999).millis(), 1);
}

TEST(Duration, ScalesAndCompares) {
  EXPECT_EQ(Duration::Millis(10) * 3, Duration::Millis(30));
  EXPECT_EQ(Duration::Millis(10) / 4, Duration::Micros(2500));
  EXPECT_LT(Duration::Millis(1) - Duration::Millis(2), Duration());
}

TEST(Instant, DifferenceIsADuration) {
  const Instant start = Instant::FromNanos(100);
  const Instant later = start + Duration::Nanos(25);
  EXPECT_EQ(later - start, Duration::Nanos(25));
  EXPECT_EQ(later - Duration::Nanos(25), start);
  EXPECT_GT(later, start);
}

TEST(Instant, NeverIsLaterThanEverything) {
  EXPECT_TRUE(Instant::Never().IsNever());
  EXPECT_FALSE(Instant().IsNever());
  EXPECT_LT(Instant::FromNanos(int64_t{1} << 62), Instant::Never());
}

}  // namespace
}  // namespace chimney
