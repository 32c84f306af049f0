// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/background_jobs.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>
#include <vector>

namespace chimney::daemon {
namespace {

bool WaitReadable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 10000) == 1;
}

TEST(BackgroundJobs, WorkIsDoneElsewhereAndToldHereInOrder) {
  BackgroundJobs jobs;
  const std::thread::id here = std::this_thread::get_id();
  std::vector<int> told;
  std::vector<bool> elsewhere(10);
  for (int i = 0; i < 10; ++i) {
    jobs.Submit(
        [&elsewhere, here, i] {
          elsewhere[static_cast<size_t>(i)] =
              std::this_thread::get_id() != here;
        },
        [&told, here, i] {
          EXPECT_EQ(std::this_thread::get_id(), here);
          told.push_back(i);
        });
  }
  while (told.size() < 10) {
    ASSERT_TRUE(WaitReadable(jobs.event_fd()));
    jobs.RunDone();
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(told[static_cast<size_t>(i)], i);
    EXPECT_TRUE(elsewhere[static_cast<size_t>(i)]);
  }
}

TEST(BackgroundJobs, EndDoesWhatIsLeftAndTellsNothing) {
  int worked = 0;
  int told = 0;
  {
    BackgroundJobs jobs;
    for (int i = 0; i < 5; ++i) {
      jobs.Submit([&worked] { ++worked; }, [&told] { ++told; });
    }
    jobs.Submit([&worked] { ++worked; }, nullptr);
  }
  EXPECT_EQ(worked, 6);
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace chimney::daemon
