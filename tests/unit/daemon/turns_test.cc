// SPDX-License-Identifier: BSD-3-Clause
// Nobody waits for all that another one asks for.
#include <gtest/gtest.h>

#include <vector>

#include "daemon/back_off.h"
#include "daemon/control_timers.h"
#include "daemon/hello_patience.h"
#include "daemon/session.h"
#include "daemon/turn_queue.h"

namespace chimney::daemon {
namespace {

TEST(TurnQueue, SessionsInTurnAndEachInItsOrder) {
  TurnQueue<uint64_t> queue;
  EXPECT_TRUE(queue.empty());
  for (uint64_t id = 1; id <= 4; ++id) queue.Push(7, id);
  queue.Push(9, 20);
  queue.Push(8, 10);
  queue.Push(8, 11);
  std::vector<uint64_t> order;
  while (!queue.empty()) order.push_back(queue.Pop());
  EXPECT_EQ(order, std::vector<uint64_t>({1, 10, 20, 2, 11, 3, 4}));
  queue.Push(7, 5);
  EXPECT_EQ(queue.Pop(), 5u);
}

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

// The first turn is the accept's timer; each further one is as long.
TEST(HelloPatience, CountsTheClientsTurnsOnly) {
  constexpr Duration kMoment = Duration::Nanos(1);
  Instant now = Instant::FromNanos(1'000'000);
  HelloPatience patience;
  EXPECT_TRUE(patience.IsOver(now + Duration::Seconds(10)));
  patience.Stop();
  now = now + Duration::Seconds(3600);
  EXPECT_FALSE(patience.IsOver(now)) << "others have their turn";
  const Instant end = patience.Restart(now);
  EXPECT_EQ(end, now + Duration::Seconds(10));
  EXPECT_FALSE(patience.IsOver(now + kMoment)) << "an older timer";
  EXPECT_FALSE(patience.IsOver(end - kMoment));
  EXPECT_TRUE(patience.IsOver(end));
}

TEST(Session, AsksNoMoreThanWorkersAnswer) {
  Session session(1, UniqueFd(), 0, 0);
  EXPECT_TRUE(session.AcceptsRequests());
  session.queries_out = Session::kMaxQueriesOut;
  EXPECT_FALSE(session.AcceptsRequests());
}

}  // namespace
}  // namespace chimney::daemon
