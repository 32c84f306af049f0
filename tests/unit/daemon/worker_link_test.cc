// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/worker_link.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <bit>
#include <thread>
#include <vector>

namespace chimney::daemon {
namespace {

using worker::Operation;

bool IsReadable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 0) == 1;
}

// Takes and completes everything that waits; returns how many.
size_t WorkOff(WorkerLink* link) {
  std::array<Operation*, 8> operations;
  size_t total = 0;
  while (const size_t count = link->Take(operations)) {
    for (size_t i = 0; i < count; ++i) link->Complete(operations[i]);
    total += count;
  }
  link->Flush();
  return total;
}

size_t DrainAll(WorkerLink* link) {
  size_t total = 0;
  while (const size_t count = link->Drain([](const WorkerMessage&) {})) {
    total += count;
  }
  return total;
}

TEST(WorkerLink, OperationsComeBackInOrder) {
  WorkerLink link(3);
  EXPECT_EQ(link.worker_index(), 3u);
  std::vector<Operation> operations(10);
  for (Operation& operation : operations) {
    ASSERT_TRUE(link.Submit(&operation));
  }
  EXPECT_EQ(link.outstanding(), 10u);
  EXPECT_EQ(WorkOff(&link), 10u);
  size_t next = 0;
  link.Drain([&](const WorkerMessage& message) {
    EXPECT_EQ(message.kind, WorkerMessage::Kind::kCompleted);
    EXPECT_EQ(message.operation, &operations[next++]);
  });
  EXPECT_EQ(next, 10u);
  EXPECT_EQ(link.outstanding(), 0u);
}

// Whatever the worker has to say on its own account, completions find room.
TEST(WorkerLink, NoticesLeaveRoomForEveryOperation) {
  WorkerLink link(0);
  std::vector<Operation> operations(WorkerLink::kMaxOperations);
  for (Operation& operation : operations) {
    ASSERT_TRUE(link.Submit(&operation));
  }
  Operation too_many;
  EXPECT_FALSE(link.Submit(&too_many));
  size_t notices = 0;
  while (link.Notify(worker::ControlNotice{})) ++notices;
  EXPECT_EQ(notices, WorkerLink::kMaxNotices);
  EXPECT_FALSE(link.NotifyLaneBroken(1, LaneFault::kBadReference));
  EXPECT_EQ(WorkOff(&link), operations.size());
  EXPECT_EQ(DrainAll(&link), operations.size() + notices);
  EXPECT_TRUE(link.Submit(&too_many));
}

TEST(WorkerLink, ABrokenLaneIsNamed) {
  WorkerLink link(0);
  ASSERT_TRUE(link.NotifyLaneBroken(42, LaneFault::kUnknownOp));
  size_t seen = 0;
  link.Drain([&](const WorkerMessage& message) {
    EXPECT_EQ(message.kind, WorkerMessage::Kind::kLaneBroken);
    EXPECT_EQ(message.session_id, 42u);
    EXPECT_EQ(message.fault, LaneFault::kUnknownOp);
    ++seen;
  });
  EXPECT_EQ(seen, 1u);
}

TEST(WorkerLink, EveryNumberOfTheCensusArrives) {
  using Census = worker::Worker::Census;
  using Numbers = std::array<uint32_t, 10>;
  static_assert(sizeof(Census) == sizeof(Numbers));  // and none is left out
  const Numbers numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  WorkerLink link(0);
  link.PublishCensus(std::bit_cast<Census>(numbers));
  EXPECT_EQ(std::bit_cast<Numbers>(link.census()), numbers);
}

TEST(WorkerLink, OnlyASleepingControlCoreIsWoken) {
  WorkerLink link(0);
  ASSERT_TRUE(link.Notify(worker::ControlNotice{}));
  link.Flush();
  EXPECT_FALSE(IsReadable(link.event_fd()));
  DrainAll(&link);

  ASSERT_TRUE(link.PrepareToSleep());
  link.Flush();  // Nothing was said.
  EXPECT_FALSE(IsReadable(link.event_fd()));
  ASSERT_TRUE(link.Notify(worker::ControlNotice{}));
  link.Flush();
  EXPECT_TRUE(IsReadable(link.event_fd()));
  link.Awake();
  EXPECT_FALSE(IsReadable(link.event_fd()));
}

TEST(WorkerLink, NobodySleepsOverAMessage) {
  WorkerLink link(0);
  ASSERT_TRUE(link.Notify(worker::ControlNotice{}));
  EXPECT_FALSE(link.PrepareToSleep());
  DrainAll(&link);
  EXPECT_TRUE(link.PrepareToSleep());
  link.Awake();
}

TEST(WorkerLink, AWorkerDoesNotSleepOverAnOperation) {
  WorkerLink link(0);
  Operation operation;
  ASSERT_TRUE(link.Submit(&operation));
  link.SleepUntilSubmit(Duration::Seconds(3600));  // Returns at once.
  EXPECT_EQ(WorkOff(&link), 1u);
}

// Both sides sleep whenever they can. A wake-up that is lost ends this test
// only by its runner's timeout.
TEST(WorkerLink, NoWakeUpIsLostBetweenTwoSleepers) {
  constexpr int kRounds = 20000;
  WorkerLink link(0);
  std::thread worker([&link] {
    int completed = 0;
    while (completed < kRounds) {
      completed += static_cast<int>(WorkOff(&link));
      if (completed < kRounds) link.SleepUntilSubmit(Duration::Seconds(3600));
    }
  });
  Operation operation;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(link.Submit(&operation));
    while (DrainAll(&link) == 0) {
      if (!link.PrepareToSleep()) continue;
      pollfd waiting{link.event_fd(), POLLIN, 0};
      poll(&waiting, 1, -1);
      link.Awake();
    }
  }
  worker.join();
  EXPECT_EQ(link.outstanding(), 0u);
}

}  // namespace
}  // namespace chimney::daemon
