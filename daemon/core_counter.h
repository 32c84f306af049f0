// SPDX-License-Identifier: BSD-3-Clause
// Names of what a worker core counts. Written by that core alone, read by any
// thread.
#ifndef CHIMNEY_DAEMON_CORE_COUNTER_H_
#define CHIMNEY_DAEMON_CORE_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counters.h"

namespace chimney::daemon {

enum class CoreCounter : uint8_t {
#define CHIMNEY_CORE_COUNTER(symbol, name, text) symbol,
#include "daemon/core_counter.def"
#undef CHIMNEY_CORE_COUNTER
};

inline constexpr size_t kCoreCounterCount = 0
#define CHIMNEY_CORE_COUNTER(symbol, name, text) +1
#include "daemon/core_counter.def"
#undef CHIMNEY_CORE_COUNTER
    ;

using CoreCounters = CounterBlock<CoreCounter, kCoreCounterCount>;

// As metrics name them.
std::string_view CoreCounterName(CoreCounter counter);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_CORE_COUNTER_H_
