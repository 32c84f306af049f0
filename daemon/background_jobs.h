// SPDX-License-Identifier: BSD-3-Clause
// Work that takes milliseconds (reserving and giving back the memory of a
// session) and would keep every connection between two owners standing still if
// the control core did it itself.
#ifndef CHIMNEY_DAEMON_BACKGROUND_JOBS_H_
#define CHIMNEY_DAEMON_BACKGROUND_JOBS_H_

#include <sys/types.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "daemon/turn_queue.h"
#include "daemon/unique_fd.h"

namespace chimney::daemon {

// Kinds have their turns, so that none waits for all that is to be done of
// another one: not a person with chimneyctl for the memory of programs, and not
// memory that nobody needs for memory that is asked for.
enum class JobKind : uint8_t { kShort, kReserve, kGiveBack };
inline constexpr size_t kJobKindCount = 3;

// One thread that does one job after the other: of the kinds in turn, of each
// kind those of the users in turn. All functions: control core.
class BackgroundJobs {
 public:
  using Job = std::function<void()>;

  BackgroundJobs();
  // Stops, and waits for the job that is being done. No `done` is called any
  // more.
  ~BackgroundJobs();
  BackgroundJobs(const BackgroundJobs&) = delete;
  BackgroundJobs& operator=(const BackgroundJobs&) = delete;

  // Readable while RunDone has something to do; -1 if it could not be had.
  int event_fd() const { return event_.get(); }

  // Runs `work`, which `uid` has caused, on the thread, later `done` in
  // RunDone. What both share belongs to the thread until `done` runs. `done`
  // may be empty.
  void Submit(JobKind kind, uid_t uid, Job work, Job done);
  void RunDone();
  // No further job is begun: nobody is left to need it.
  void Stop();

 private:
  struct Entry {
    Job work;
    Job done;
  };
  void Work();
  // The queue whose turn it is; null if nothing waits. Under mutex_.
  TurnQueue<Entry>* NextQueue();

  const UniqueFd event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  std::array<TurnQueue<Entry>, kJobKindCount> waiting_;  // by kind
  size_t last_kind_ = 0;
  std::deque<Job> done_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_BACKGROUND_JOBS_H_
