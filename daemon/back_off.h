// SPDX-License-Identifier: BSD-3-Clause
// How long to wait before the next try of something that goes on failing.
#ifndef CHIMNEY_DAEMON_BACK_OFF_H_
#define CHIMNEY_DAEMON_BACK_OFF_H_

#include <algorithm>

#include "base/time.h"

namespace chimney::daemon {

// Doubles from `first` to `most`.
class BackOff {
 public:
  constexpr BackOff(Duration first, Duration most)
      : first_(first), most_(most), next_(first) {}

  constexpr Duration Next() {
    const Duration interval = next_;
    next_ = std::min(next_ * 2, most_);
    return interval;
  }
  constexpr void Reset() { next_ = first_; }

 private:
  Duration first_;
  Duration most_;
  Duration next_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_BACK_OFF_H_
