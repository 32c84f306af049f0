// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/impatience.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

namespace chimney::daemon {
namespace {

// Again and again: a signal that comes just before the wait does not end it.
constexpr long kIntervalNanos = 500'000;

int Signal() { return SIGRTMIN + 5; }

void OnSignal(int /*signal*/) {}  // that it came is all it is for

bool InstallHandler() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  return sigaction(Signal(), &action, nullptr) == 0;
}

// The calling thread's own timer.
class ThreadTimer {
 public:
  ThreadTimer() {
    static const bool installed = InstallHandler();
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, Signal());
    pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = Signal();
    event._sigev_un._tid = gettid();
    valid_ = installed && timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  ~ThreadTimer() {
    if (valid_) timer_delete(timer_);
  }
  ThreadTimer(const ThreadTimer&) = delete;
  ThreadTimer& operator=(const ThreadTimer&) = delete;

  void Set(long interval_nanos) {
    itimerspec when{};
    when.it_value.tv_nsec = when.it_interval.tv_nsec = interval_nanos;
    if (valid_) timer_settime(timer_, 0, &when, nullptr);
  }

 private:
  timer_t timer_{};
  bool valid_ = false;
};

ThreadTimer& TimerOfThisThread() {
  static thread_local ThreadTimer timer;
  return timer;
}

}  // namespace

Impatience::Impatience() { TimerOfThisThread().Set(kIntervalNanos); }
Impatience::~Impatience() { TimerOfThisThread().Set(0); }

}  // namespace chimney::daemon
