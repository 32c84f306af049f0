// SPDX-License-Identifier: BSD-3-Clause
// Placing, moving and firing timers.
#include "worker/timing_wheel.h"

#include <algorithm>
#include <bit>

namespace chimney::worker {

namespace {

// The last tick that has begun at `t`.
uint64_t TickBegun(Instant t, int shift) {
  return t.nanos() <= 0 ? 0 : static_cast<uint64_t>(t.nanos()) >> shift;
}

// The first tick that begins at or after `t`.
uint64_t TickAfter(Instant t, int shift) {
  if (t.nanos() <= 0) return 0;
  const auto nanos = static_cast<uint64_t>(t.nanos());
  const uint64_t mask = (uint64_t{1} << shift) - 1;
  return (nanos >> shift) + ((nanos & mask) != 0 ? 1 : 0);
}

}  // namespace

uint64_t TimerNode::tick() const {
  return TickAfter(deadline_, TimingWheel::kTickShift);
}

TimingWheel::TimingWheel(Instant start)
    : current_tick_(TickBegun(start, kTickShift)) {}

Instant TimingWheel::TickStart(uint64_t tick) {
  return Instant::FromNanos(static_cast<int64_t>(tick << kTickShift));
}

void TimingWheel::Arm(TimerNode* node, Instant deadline) {
  if (node->IsArmed()) TakeOut(node);
  if (deadline.IsNever()) return;
  node->deadline_ = deadline;
  ++armed_count_;
  Place(node);
}

void TimingWheel::Cancel(TimerNode* node) {
  if (node->IsArmed()) TakeOut(node);
}

void TimingWheel::Place(TimerNode* node) {
  const uint64_t tick = node->tick();
  if (tick <= current_tick_) {
    node->level_ = kNoLevel;
    due_.PushBack(node);
    return;
  }
  const int level =
      static_cast<int>(std::bit_width(tick ^ current_tick_) - 1) / kSlotBits;
  const int slot = static_cast<int>(tick >> (level * kSlotBits)) & 63;
  node->level_ = static_cast<uint8_t>(level);
  node->slot_ = static_cast<uint8_t>(slot);
  Slot& to =
      levels_[static_cast<size_t>(level)].slots[static_cast<size_t>(slot)];
  if (to.timers.empty()) {
    to.min_tick = tick;
    to.min_known = true;
    levels_[static_cast<size_t>(level)].occupied |= uint64_t{1} << slot;
  } else {
    to.min_tick = std::min(to.min_tick, tick);
  }
  to.timers.PushBack(node);
}

void TimingWheel::TakeOut(TimerNode* node) {
  TimerList::Remove(node);
  --armed_count_;
  if (node->level_ == kNoLevel) return;
  // A node on the move still names its old place; what is done there then
  // changes nothing.
  Level& level = levels_[node->level_];
  Slot& slot = level.slots[node->slot_];
  if (slot.timers.empty()) {
    level.occupied &= ~(uint64_t{1} << node->slot_);
  } else if (node->tick() == slot.min_tick) {
    slot.min_known = false;
  }
}

int TimingWheel::LowestLevel() const {
  for (int level = 0; level < kLevels; ++level) {
    if (levels_[static_cast<size_t>(level)].occupied != 0) return level;
  }
  return -1;
}

uint64_t TimingWheel::SlotStart(int level, int slot) const {
  const int above = (level + 1) * kSlotBits;
  return ((current_tick_ >> above) << above) |
         (static_cast<uint64_t>(slot) << (level * kSlotBits));
}

TimerNode* TimingWheel::PopDue(Instant now, size_t* budget) {
  const uint64_t target = TickBegun(now, kTickShift);
  while (*budget > 0) {
    if (TimerNode* node = due_.PopFront(); node != nullptr) {
      --*budget;
      --armed_count_;
      return node;
    }
    if (TimerNode* node = moving_.PopFront(); node != nullptr) {
      --*budget;
      Place(node);
      continue;
    }
    const int lowest = LowestLevel();
    if (lowest < 0) {
      current_tick_ = std::max(current_tick_, target);
      return nullptr;
    }
    Level& level = levels_[static_cast<size_t>(lowest)];
    // Occupied slots all lie behind the current one, so the lowest is next.
    const int slot = std::countr_zero(level.occupied);
    const uint64_t start = SlotStart(lowest, slot);
    if (start > target) {
      current_tick_ = std::max(current_tick_, target);
      return nullptr;
    }
    current_tick_ = start;
    level.occupied &= ~(uint64_t{1} << slot);
    moving_.SpliceBack(&level.slots[static_cast<size_t>(slot)].timers);
  }
  return nullptr;
}

Instant TimingWheel::NextDeadline() const {
  if (armed_count_ == 0) return Instant::Never();
  // What is due or on the move stands before everything in the levels.
  const int lowest = LowestLevel();
  if (lowest < 0 || !due_.empty() || !moving_.empty()) {
    return TickStart(current_tick_);
  }
  const Level& level = levels_[static_cast<size_t>(lowest)];
  const Slot& slot =
      level.slots[static_cast<size_t>(std::countr_zero(level.occupied))];
  if (!slot.min_known) {
    uint64_t lowest_tick = ~uint64_t{0};
    for (const TimerNode& node : slot.timers) {
      lowest_tick = std::min(lowest_tick, node.tick());
    }
    slot.min_tick = lowest_tick;
    slot.min_known = true;
  }
  return TickStart(slot.min_tick);
}

}  // namespace chimney::worker
