// SPDX-License-Identifier: BSD-3-Clause
// The clock of every test that has a notion of time: it stands still until the
// next event that somebody scheduled, and then jumps there.
#ifndef CHIMNEY_TESTS_SUPPORT_VIRTUAL_CLOCK_H_
#define CHIMNEY_TESTS_SUPPORT_VIRTUAL_CLOCK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/time.h"

namespace chimney::testing {

// Runs actions in order of time; actions of one instant in the order in which
// they were scheduled. So a run depends on nothing but what was scheduled.
class VirtualClock {
 public:
  using Action = std::function<void()>;
  // Names a scheduled action; the default one names none.
  struct EventId {
    int64_t nanos = 0;
    uint64_t number = 0;
    friend constexpr auto operator<=>(const EventId&, const EventId&) = default;
  };

  explicit VirtualClock(Instant start = Instant::FromNanos(1'000'000'000))
      : now_(start) {}
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  Instant now() const { return now_; }
  // An instant in the past counts as now.
  EventId At(Instant when, Action action);
  EventId After(Duration delay, Action action) {
    return At(now_ + delay, std::move(action));
  }
  // Nothing happens if the action has run or `id` names none.
  void Cancel(EventId id) { events_.erase(id); }

  // Jumps to the next event and runs it; false if there is none.
  bool RunOne();
  // Runs everything due up to `limit` and then stands at `limit`.
  void RunUntil(Instant limit);
  void Advance(Duration by) { RunUntil(now_ + by); }
  // Instant of the next event, Never() if there is none.
  Instant NextEvent() const;
  size_t pending() const { return events_.size(); }

 private:
  Instant now_;
  uint64_t next_number_ = 1;
  std::map<EventId, Action> events_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_VIRTUAL_CLOCK_H_
