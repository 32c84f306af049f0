// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/background_jobs.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace chimney::daemon {

BackgroundJobs::BackgroundJobs()
    : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Work(); }) {}

BackgroundJobs::~BackgroundJobs() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void BackgroundJobs::Submit(Job work, Job done) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back({std::move(work), std::move(done)});
  }
  changed_.notify_one();
}

void BackgroundJobs::RunDone() {
  uint64_t value = 0;
  (void)!read(event_.get(), &value, sizeof(value));
  std::deque<Job> done;
  {
    const std::scoped_lock lock(mutex_);
    done.swap(done_);
  }
  for (const Job& job : done) job();
}

void BackgroundJobs::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Entry entry = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    entry.work();
    entry.work = nullptr;  // what it holds goes here, not under the lock
    lock.lock();
    if (!entry.done) continue;
    done_.push_back(std::move(entry.done));
    const uint64_t one = 1;
    (void)!write(event_.get(), &one, sizeof(one));
  }
}

}  // namespace chimney::daemon
