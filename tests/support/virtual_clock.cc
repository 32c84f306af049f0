// SPDX-License-Identifier: BSD-3-Clause
// The virtual clock's event loop.
#include "tests/support/virtual_clock.h"

#include <algorithm>

namespace chimney::testing {

VirtualClock::EventId VirtualClock::At(Instant when, Action action) {
  const EventId id{std::max(when, now_).nanos(), next_number_++};
  events_.emplace(id, std::move(action));
  return id;
}

bool VirtualClock::RunOne() {
  if (events_.empty()) return false;
  auto node = events_.extract(events_.begin());
  now_ = Instant::FromNanos(node.key().nanos);
  node.mapped()();
  return true;
}

void VirtualClock::RunUntil(Instant limit) {
  while (NextEvent() <= limit && RunOne()) {
  }
  now_ = std::max(now_, limit);
}

Instant VirtualClock::NextEvent() const {
  if (events_.empty()) return Instant::Never();
  return Instant::FromNanos(events_.begin()->first.nanos);
}

}  // namespace chimney::testing
