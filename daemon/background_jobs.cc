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
  Stop();
  thread_.join();
}

void BackgroundJobs::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
}

void BackgroundJobs::Submit(JobKind kind, uid_t uid, Job work, Job done) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_[static_cast<size_t>(kind)].Push(
        uid, {std::move(work), std::move(done)});
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

TurnQueue<BackgroundJobs::Entry>* BackgroundJobs::NextQueue() {
  for (size_t i = 0; i < kJobKindCount; ++i) {
    last_kind_ = (last_kind_ + 1) % kJobKindCount;
    if (!waiting_[last_kind_].empty()) return &waiting_[last_kind_];
  }
  return nullptr;
}

void BackgroundJobs::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    TurnQueue<Entry>* queue = nullptr;
    changed_.wait(lock, [this, &queue] {
      return stop_ || (queue = NextQueue()) != nullptr;
    });
    if (stop_) return;
    Entry entry = queue->Pop();
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
