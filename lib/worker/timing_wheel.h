// SPDX-License-Identifier: BSD-3-Clause
// Timers of a worker: a hierarchical wheel of intrusive nodes. Arming and
// cancelling are O(1), firing is spread over calls by a budget, no timer fires
// early and none is lost.
#ifndef CHIMNEY_WORKER_TIMING_WHEEL_H_
#define CHIMNEY_WORKER_TIMING_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/intrusive_list.h"
#include "base/time.h"

namespace chimney::worker {

struct TimerTag {};

// Whatever has a timer derives from this. Cancel() it before it is destroyed:
// the wheel keeps counts.
class TimerNode : public ListNode<TimerTag> {
 public:
  bool IsArmed() const { return IsLinked(); }
  // What Arm() was asked for; only means something while armed.
  Instant deadline() const { return deadline_; }

 private:
  friend class TimingWheel;
  uint64_t tick() const;

  Instant deadline_;
  uint8_t level_ = 0;
  uint8_t slot_ = 0;
};

// Time is cut into ticks of 2^16 ns (66 us). A timer fires in the first tick
// that begins at or after its deadline: never early, less than a tick late.
//
// Levels of 64 slots: level 0 holds the ticks up to the next multiple of 64,
// level 1 groups of 64 ticks up to the next multiple of 4096, and so on. A
// timer sits on the level of the highest group of bits in which its tick
// differs from the current one, so everything on a lower level is due before
// anything on a higher one.
class TimingWheel {
 public:
  static constexpr int kTickShift = 16;

  // No deadline before `start` is late.
  explicit TimingWheel(Instant start);
  TimingWheel(const TimingWheel&) = delete;
  TimingWheel& operator=(const TimingWheel&) = delete;

  // Arms or re-arms. Never() cancels; a deadline in the past is due at once.
  void Arm(TimerNode* node, Instant deadline);
  void Cancel(TimerNode* node);

  // Disarms and returns one timer that is due at `now`, nullptr if there is
  // none or the budget is used up. Each timer fired or moved to a lower level
  // costs 1; work left over is done by the next call.
  TimerNode* PopDue(Instant now, size_t* budget);

  // The first instant at which PopDue has work: the exact one at which the
  // next timer fires, or one in the past while work is left over. Never() when
  // nothing is armed.
  Instant NextDeadline() const;

  uint32_t armed_count() const { return armed_count_; }

 private:
  using TimerList = IntrusiveList<TimerNode, TimerTag>;
  static constexpr int kLevels = 8;  // 48 bits of ticks: all of an Instant
  static constexpr int kSlotBits = 6;
  static constexpr uint8_t kNoLevel = 0xff;  // due

  struct Slot {
    mutable TimerList timers;  // lists have no const iterator
    // Lowest tick of `timers` while min_known.
    mutable uint64_t min_tick = 0;
    mutable bool min_known = true;
  };
  struct Level {
    uint64_t occupied = 0;  // bit i: slots[i] has timers
    std::array<Slot, 64> slots;
  };

  static Instant TickStart(uint64_t tick);
  void Place(TimerNode* node);
  void TakeOut(TimerNode* node);
  int LowestLevel() const;
  uint64_t SlotStart(int level, int slot) const;

  std::array<Level, kLevels> levels_;
  TimerList due_;
  // Timers of a slot whose time has come, on their way to lower levels.
  TimerList moving_;
  // Ticks up to and with this one have been seen to.
  uint64_t current_tick_;
  uint32_t armed_count_ = 0;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_TIMING_WHEEL_H_
