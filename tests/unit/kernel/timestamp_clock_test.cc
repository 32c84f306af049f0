// SPDX-License-Identifier: BSD-3-Clause
// Bit 0 of the kernel's TCP_TIMESTAMP is the unit, not time (Linux 6.7 on).
#include "kernel/timestamp_clock.h"

#include <gtest/gtest.h>

namespace chimney::kernel {
namespace {

using tcp::TimestampUnit;
constexpr TimestampUnit kMs = TimestampUnit::kMillisecond;
constexpr TimestampUnit kUs = TimestampUnit::kMicrosecond;

TEST(TimestampClock, UnknownOffsetRoundsUp) {
  EXPECT_EQ(TrueTimestamp(100, 7, 7, kMs, {}).now, 101u);
  EXPECT_EQ(TrueTimestamp(101, 7, 7, kUs, {}).now, 101u);
}

TEST(TimestampClock, KnownOffsetIsExact) {
  const TimestampOffset offset{true, 93, 0};
  EXPECT_EQ(TrueTimestamp(100, 7, 7, kMs, offset).now, 100u);
  EXPECT_EQ(TrueTimestamp(100, 8, 8, kMs, offset).now, 101u);
  // The clock ticked between the readings, or the offset is not this one's.
  EXPECT_EQ(TrueTimestamp(100, 7, 8, kMs, offset).now, 101u);
  EXPECT_EQ(TrueTimestamp(200, 7, 7, kMs, offset).now, 201u);
}

// The kernel may have sent what its clock shows: nothing goes out below that.
TEST(TimestampClock, KernelsClockThatRunsAheadIsTheFloor) {
  const TimestampOffset offset{true, 93, 1};
  const TimestampReading reading = TrueTimestamp(102, 8, 8, kMs, offset);
  EXPECT_EQ(reading.now, 101u);
  EXPECT_EQ(reading.floor, 102u);
}

TEST(TimestampClock, UploadRoundsUpToTheUnitsBit) {
  EXPECT_EQ(RoundUpForUnit(100, kMs), 100u);
  EXPECT_EQ(RoundUpForUnit(101, kMs), 102u);
  EXPECT_EQ(RoundUpForUnit(100, kUs), 101u);
  EXPECT_EQ(RoundUpForUnit(101, kUs), 101u);
  EXPECT_EQ(RoundUpForUnit(0xffffffff, kMs), 0u);  // wraps, and is later
}

}  // namespace
}  // namespace chimney::kernel
