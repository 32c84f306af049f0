// SPDX-License-Identifier: BSD-3-Clause
// Waiting: the sleep protocol, and what each kind of wake-up leads to.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>

#include "hostapi/client/session.h"

namespace chimney::client {
namespace {

using Clock = std::chrono::steady_clock;

// A busy session looks at its sockets once in so many calls.
constexpr uint32_t kSocketLookEvery = 32;

// Counts a timeout down; -1 never ends.
class Countdown {
 public:
  explicit Countdown(int timeout_ms)
      : endless_(timeout_ms < 0),
        end_(Clock::now() +
             std::chrono::milliseconds(std::max(timeout_ms, 0))) {}
  int LeftMilliseconds() const {
    if (endless_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX));
  }

 private:
  bool endless_;
  Clock::time_point end_;
};

// One thread waits at a time.
class Turn {
 public:
  explicit Turn(bool* waiting) : waiting_(waiting), mine_(!*waiting) {
    *waiting_ = true;
  }
  ~Turn() {
    if (mine_) *waiting_ = false;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool mine() const { return mine_; }

 private:
  bool* waiting_;
  bool mine_;
};

}  // namespace

int Session::Poll(chimney_event* events, size_t max_events, int timeout_ms) {
  if (events == nullptr || max_events == 0 || max_events > INT_MAX) {
    return CHIMNEY_E_INVALID;
  }
  Lock lock(mutex_);
  const Turn turn(&waiting_);
  if (!turn.mine()) return CHIMNEY_E_BUSY;
  const Countdown countdown(timeout_ms);
  for (;;) {
    const size_t count = Collect(events, max_events);
    AfterCall();
    if (count > 0) return static_cast<int>(count);
    if (link_.gone() && watched_count_ == 0) return CHIMNEY_E_DAEMON_GONE;
    const int left_ms = countdown.LeftMilliseconds();
    if (link_.ArmSleep() && Sleep(&lock, left_ms) == 0) return 0;
  }
}

size_t Session::Collect(chimney_event* events, size_t max_events) {
  link_.DisarmSleep();
  if (++collects_ % kSocketLookEvery == 0) {
    std::array<Wakeups::Wakeup, 16> wakeups;
    const size_t count = wakeups_.Wait(wakeups, 0);
    for (size_t i = 0; i < count; ++i) OnWakeup(wakeups[i]);
  }
  PumpNotices(max_events);
  const size_t count = std::min(events_.size(), max_events);
  std::copy_n(events_.begin(), count, events);
  events_.erase(events_.begin(),
                events_.begin() + static_cast<std::ptrdiff_t>(count));
  if (events_.empty()) wakeups_.ClearKick();
  return count;
}

size_t Session::Sleep(Lock* lock, int timeout_ms) {
  std::array<Wakeups::Wakeup, 64> wakeups;
  lock->unlock();
  const size_t count = wakeups_.Wait(wakeups, timeout_ms);
  lock->lock();
  if (count > 0) link_.DisarmSleep();
  for (size_t i = 0; i < count; ++i) OnWakeup(wakeups[i]);
  return count;
}

void Session::OnWakeup(const Wakeups::Wakeup& wakeup) {
  switch (wakeup.source) {
    case Wakeups::Source::kDoorbell:
      wakeups_.ClearDoorbell();
      return;
    case Wakeups::Source::kSocket:
      ReadSocket();
      return;
    case Wakeups::Source::kKick:
      return;  // cleared when the events have been fetched
    case Wakeups::Source::kTimer:
      wakeups_.ClearTimer();
      link_.FlushOwed();
      StartOffloads();
      RetryStalled();
      return;
    case Wakeups::Source::kWatched: {
      Connection* connection = Find(wakeup.watch_id);
      if (connection != nullptr && connection->watched) {
        OnWatched(*connection, wakeup.epoll_events);
      }
      return;
    }
  }
}

void Session::ReadSocket() {
  if (link_.gone()) return;
  if (part_ == nullptr) part_ = std::make_unique<abi::ManagementPart>();
  for (;;) {
    const int got = link_.ReceivePart(part_.get());
    if (got == 0) return;
    if (got < 0) {
      OnDaemonGone();
      return;
    }
    const auto answer = text_answers_.find(part_->query_id);
    if (answer == text_answers_.end()) continue;
    answer->second.text.append(part_->text, part_->text_bytes);
    answer->second.done = part_->last_part != 0;
  }
}

void Session::OnDaemonGone() {
  // What it said before it went still counts: an upload may be among it.
  for (uint32_t lane = 0; lane < link_.lane_count(); ++lane) {
    while (PumpLane(lane, SIZE_MAX)) {
    }
  }
  link_.SetGone();
  wakeups_.ForgetDaemon();
  LoseConnections();
  Emit(CHIMNEY_EVENT_DAEMON_GONE, nullptr).text =
      chimney_strerror(CHIMNEY_E_DAEMON_GONE);
}

int Session::Await(Lock* lock, int timeout_ms,
                   const std::function<bool()>& done) {
  const Turn turn(&waiting_);
  if (!turn.mine()) return CHIMNEY_E_BUSY;
  const Countdown countdown(timeout_ms);
  for (;;) {
    link_.DisarmSleep();
    PumpNotices(SIZE_MAX);
    if (done()) return CHIMNEY_OK;
    if (link_.gone()) return CHIMNEY_E_DAEMON_GONE;
    const int left_ms = countdown.LeftMilliseconds();
    if (left_ms == 0) return CHIMNEY_E_TIMEOUT;
    // Events wait for chimney_session_poll; they must not keep us awake.
    wakeups_.ClearKick();
    WakeToRetry();
    if (link_.ArmSleep()) Sleep(lock, left_ms);
  }
}

}  // namespace chimney::client
