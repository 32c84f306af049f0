// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/background_jobs.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace chimney::daemon {
namespace {

bool WaitReadable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 10000) == 1;
}

// The thread is kept busy until Begin, so that what is submitted meanwhile
// waits.
class BackgroundJobsTest : public ::testing::Test {
 protected:
  static constexpr uid_t kBusy = 1;

  BackgroundJobsTest() {
    jobs->Submit(
        JobKind::kShort, kBusy,
        [this] {
          started.release();
          begin.acquire();
        },
        nullptr);
    started.acquire();
  }
  void Begin() { begin.release(); }
  // Writes down when it is done and when that is told.
  void Submit(JobKind kind, uid_t uid, const std::string& name) {
    jobs->Submit(
        kind, uid, [this, name] { worked.push_back(name); },
        [this, name] { told.push_back(name); });
  }
  void AwaitTold(size_t count) {
    while (told.size() < count) {
      ASSERT_TRUE(WaitReadable(jobs->event_fd()));
      jobs->RunDone();
    }
  }

  using Names = std::vector<std::string>;
  std::binary_semaphore started{0};
  std::binary_semaphore begin{0};
  Names worked;  // by the thread, until told or joined
  Names told;
  std::unique_ptr<BackgroundJobs> jobs = std::make_unique<BackgroundJobs>();
};

TEST_F(BackgroundJobsTest, WorkIsDoneElsewhereAndToldHereInOrder) {
  const std::thread::id here = std::this_thread::get_id();
  bool elsewhere = false;
  bool told_here = false;
  jobs->Submit(
      JobKind::kShort, 5,
      [&] { elsewhere = std::this_thread::get_id() != here; },
      [&] { told_here = std::this_thread::get_id() == here; });
  for (const char* name : {"a", "b", "c"}) Submit(JobKind::kShort, 5, name);
  Begin();
  AwaitTold(3);
  EXPECT_TRUE(elsewhere);
  EXPECT_TRUE(told_here);
  EXPECT_EQ(worked, Names({"a", "b", "c"}));
  EXPECT_EQ(told, worked);
}

// A user who keeps many hellos under way is one of those who wait.
TEST_F(BackgroundJobsTest, UsersHaveTheirTurns) {
  for (int i = 0; i < 62; ++i) Submit(JobKind::kReserve, 1000, "flood");
  Submit(JobKind::kReserve, 1001, "b1");
  Submit(JobKind::kReserve, 1001, "b2");
  Submit(JobKind::kReserve, 0, "root");
  Begin();
  AwaitTold(65);
  worked.resize(7);
  EXPECT_EQ(worked,
            Names({"flood", "b1", "root", "flood", "b2", "flood", "flood"}));
}

// Whoever asks for memory also gives it back: neither may pile up behind the
// other, and a person with chimneyctl waits for none of them.
TEST_F(BackgroundJobsTest, KindsHaveTheirTurns) {
  for (const char* name : {"r1", "r2", "r3"}) {
    Submit(JobKind::kReserve, 1000, name);
  }
  for (const char* name : {"g1", "g2", "g3"}) {
    Submit(JobKind::kGiveBack, 1000, name);
  }
  Submit(JobKind::kShort, 1000, "s1");
  Submit(JobKind::kShort, 0, "s2");
  Begin();
  AwaitTold(8);
  EXPECT_EQ(worked, Names({"r1", "g1", "s1", "r2", "g2", "s2", "r3", "g3"}));
}

TEST_F(BackgroundJobsTest, StopBeginsNothingMore) {
  for (const JobKind kind :
       {JobKind::kShort, JobKind::kReserve, JobKind::kGiveBack}) {
    Submit(kind, 1000, "left");
  }
  jobs->Stop();
  Begin();
  jobs.reset();
  EXPECT_TRUE(worked.empty());
  EXPECT_TRUE(told.empty());
}

TEST_F(BackgroundJobsTest, WhatIsNotDoneLetsGoOfWhatItHolds) {
  auto held = std::make_shared<int>(1);
  jobs->Submit(
      JobKind::kGiveBack, 1000, [held] {}, nullptr);
  jobs->Stop();
  Begin();
  jobs.reset();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace chimney::daemon
