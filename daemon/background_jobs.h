// SPDX-License-Identifier: BSD-3-Clause
// Work that takes milliseconds (reserving and giving back the memory of a
// session) and would keep every connection between two owners standing still if
// the control core did it itself.
#ifndef CHIMNEY_DAEMON_BACKGROUND_JOBS_H_
#define CHIMNEY_DAEMON_BACKGROUND_JOBS_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "daemon/unique_fd.h"

namespace chimney::daemon {

// One thread that does one job after the other. All functions: control core.
class BackgroundJobs {
 public:
  using Job = std::function<void()>;

  BackgroundJobs();
  // Does what is left; no `done` of it is called any more.
  ~BackgroundJobs();
  BackgroundJobs(const BackgroundJobs&) = delete;
  BackgroundJobs& operator=(const BackgroundJobs&) = delete;

  // Readable while RunDone has something to do; -1 if it could not be had.
  int event_fd() const { return event_.get(); }

  // Runs `work` on the thread, later `done` in RunDone. What both share belongs
  // to the thread until `done` runs. `done` may be empty.
  void Submit(Job work, Job done);
  void RunDone();

 private:
  struct Entry {
    Job work;
    Job done;
  };
  void Work();

  const UniqueFd event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  std::deque<Entry> waiting_;
  std::deque<Job> done_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_BACKGROUND_JOBS_H_
