// SPDX-License-Identifier: BSD-3-Clause
// One-shot timers of the control core (retries, deadlines, heartbeats): a few
// at a time, so an ordered map serves.
#ifndef CHIMNEY_DAEMON_CONTROL_TIMERS_H_
#define CHIMNEY_DAEMON_CONTROL_TIMERS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/time.h"

namespace chimney::daemon {

// Control core only.
class ControlTimers {
 public:
  using TimerId = uint64_t;  // 0 = none

  TimerId At(Instant when, std::function<void()> action) {
    const TimerId id = ++last_id_;
    due_.emplace(std::pair{when, id}, std::move(action));
    when_.emplace(id, when);
    return id;
  }
  // Harmless for a timer that has fired or was cancelled.
  void Cancel(TimerId id) {
    const auto it = when_.find(id);
    if (it == when_.end()) return;
    due_.erase(std::pair{it->second, id});
    when_.erase(it);
  }
  Instant Next() const {
    return due_.empty() ? Instant::Never() : due_.begin()->first.first;
  }
  // Runs what is due at `now`, at most `most` of it: what else there is to do
  // has its turn in between. Actions may set and cancel timers.
  void Run(Instant now, size_t most = 256) {
    for (size_t i = 0; i < most; ++i) {
      if (due_.empty() || due_.begin()->first.first > now) return;
      auto node = due_.extract(due_.begin());
      when_.erase(node.key().second);
      node.mapped()();
    }
  }

 private:
  std::map<std::pair<Instant, TimerId>, std::function<void()>> due_;
  std::unordered_map<TimerId, Instant> when_;
  TimerId last_id_ = 0;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_CONTROL_TIMERS_H_
