// SPDX-License-Identifier: BSD-3-Clause
// The wheel against a sorted list: never early, never lost, exact deadlines.
#include "worker/timing_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/random.h"

namespace chimney::worker {
namespace {

constexpr int64_t kTick = int64_t{1} << TimingWheel::kTickShift;

Instant At(int64_t nanos) { return Instant::FromNanos(nanos); }
// The beginning of the first tick at or after a deadline.
int64_t FireTime(int64_t deadline) {
  return (deadline + kTick - 1) / kTick * kTick;
}

struct Timer : TimerNode {
  int64_t deadline_nanos = 0;
};

std::vector<Timer*> Fire(TimingWheel* wheel, Instant now) {
  std::vector<Timer*> fired;
  size_t budget = 1'000'000;
  while (TimerNode* node = wheel->PopDue(now, &budget)) {
    fired.push_back(static_cast<Timer*>(node));
  }
  return fired;
}

TEST(TimingWheel, EmptyWheelNeverFires) {
  TimingWheel wheel(At(0));
  EXPECT_TRUE(wheel.NextDeadline().IsNever());
  EXPECT_TRUE(Fire(&wheel, At(int64_t{1} << 60)).empty());
}

TEST(TimingWheel, FiresInTheTickOfItsDeadlineAndNotBefore) {
  for (int64_t deadline :
       {int64_t{1}, kTick - 1, kTick, kTick + 1, 63 * kTick, 64 * kTick,
        64 * kTick + 1, 4096 * kTick, 4097 * kTick - 5, int64_t{1} << 50}) {
    TimingWheel wheel(At(0));
    Timer timer;
    wheel.Arm(&timer, At(deadline));
    EXPECT_EQ(wheel.NextDeadline(), At(FireTime(deadline)));
    EXPECT_TRUE(Fire(&wheel, At(FireTime(deadline) - 1)).empty()) << deadline;
    EXPECT_EQ(wheel.NextDeadline(), At(FireTime(deadline)));
    EXPECT_EQ(Fire(&wheel, At(FireTime(deadline))).size(), 1u) << deadline;
    EXPECT_FALSE(timer.IsArmed());
    EXPECT_EQ(wheel.armed_count(), 0u);
  }
}

TEST(TimingWheel, PastDeadlineIsDueAtOnce) {
  TimingWheel wheel(At(1000 * kTick));
  Timer timer;
  wheel.Arm(&timer, At(5));
  EXPECT_LE(wheel.NextDeadline(), At(1000 * kTick));
  EXPECT_EQ(Fire(&wheel, At(1000 * kTick)).size(), 1u);
}

TEST(TimingWheel, NeverDisarms) {
  TimingWheel wheel(At(0));
  Timer timer;
  wheel.Arm(&timer, At(kTick));
  wheel.Arm(&timer, Instant::Never());
  EXPECT_FALSE(timer.IsArmed());
  EXPECT_TRUE(wheel.NextDeadline().IsNever());
}

TEST(TimingWheel, ClockThatStandsStillOrStepsBackLosesNothing) {
  TimingWheel wheel(At(0));
  Timer timer;
  wheel.Arm(&timer, At(100 * kTick));
  EXPECT_TRUE(Fire(&wheel, At(90 * kTick)).empty());
  EXPECT_TRUE(Fire(&wheel, At(10 * kTick)).empty());
  EXPECT_EQ(Fire(&wheel, At(100 * kTick)).size(), 1u);
}

TEST(TimingWheel, WorkIsBoundedByTheBudget) {
  TimingWheel wheel(At(0));
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 1000; ++i) {
    timers.push_back(std::make_unique<Timer>());
    wheel.Arm(timers.back().get(), At(5000 * kTick));
  }
  size_t fired = 0;
  int calls = 0;
  while (wheel.armed_count() > 0) {
    ASSERT_LT(++calls, 1000);
    size_t budget = 10;
    while (wheel.PopDue(At(6000 * kTick), &budget) != nullptr) ++fired;
    // What is left over is known to be due.
    if (wheel.armed_count() > 0) {
      EXPECT_LE(wheel.NextDeadline(), At(6000 * kTick));
    }
  }
  EXPECT_EQ(fired, 1000u);
  EXPECT_GE(calls, 100);
}

// A timer may be cancelled or armed again while the slot it came from is being
// emptied by a tight budget.
TEST(TimingWheel, TimersOnTheMoveCanBeCancelled) {
  TimingWheel wheel(At(0));
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 100; ++i) {
    timers.push_back(std::make_unique<Timer>());
    wheel.Arm(timers.back().get(), At((4097 + i) * kTick));
  }
  size_t budget = 5;
  EXPECT_EQ(wheel.PopDue(At(4096 * kTick), &budget), nullptr);
  for (int i = 0; i < 100; i += 2) {
    wheel.Cancel(timers[static_cast<size_t>(i)].get());
  }
  EXPECT_EQ(wheel.armed_count(), 50u);
  EXPECT_EQ(Fire(&wheel, At(4300 * kTick)).size(), 50u);
  EXPECT_TRUE(wheel.NextDeadline().IsNever());
}

class WheelProperty : public ::testing::TestWithParam<uint64_t> {};

TEST_P(WheelProperty, AgreesWithASortedList) {
  Random random(GetParam());
  int64_t now = static_cast<int64_t>(random.Next64() >> 20);
  TimingWheel wheel(At(now));
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 60; ++i) timers.push_back(std::make_unique<Timer>());
  std::multimap<int64_t, Timer*> expected;  // by tick of firing
  const auto forget = [&expected](Timer* timer) {
    for (auto it = expected.begin(); it != expected.end(); ++it) {
      if (it->second != timer) continue;
      expected.erase(it);
      return;
    }
  };
  for (int step = 0; step < 4000; ++step) {
    Timer* timer = timers[random.Below(60)].get();
    if (random.Chance(1, 10)) {
      wheel.Cancel(timer);
      forget(timer);
    } else if (random.Chance(1, 2)) {
      const int64_t ahead =
          static_cast<int64_t>(random.Next64() >> (20 + random.Below(40)));
      timer->deadline_nanos = now + ahead - kTick;
      wheel.Arm(timer, At(timer->deadline_nanos));
      forget(timer);
      expected.emplace(FireTime(timer->deadline_nanos), timer);
    } else {
      now += static_cast<int64_t>(random.Next64() >> (22 + random.Below(40)));
      for (Timer* fired : Fire(&wheel, At(now))) {
        EXPECT_LE(fired->deadline_nanos, now) << "early";
        forget(fired);
      }
      if (!expected.empty()) {
        EXPECT_GT(expected.begin()->first, now) << "late";
      }
    }
    ASSERT_EQ(wheel.armed_count(), expected.size());
    if (expected.empty()) {
      ASSERT_TRUE(wheel.NextDeadline().IsNever());
    } else if (expected.begin()->first > now) {
      ASSERT_EQ(wheel.NextDeadline(), At(expected.begin()->first));
    } else {
      ASSERT_LE(wheel.NextDeadline(), At(now));
    }
  }
  for (const auto& timer : timers) wheel.Cancel(timer.get());
}

INSTANTIATE_TEST_SUITE_P(Seeds, WheelProperty,
                         ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace chimney::worker
