// SPDX-License-Identifier: BSD-3-Clause
// How long hand-overs took, step by step, and how often one had to be retried.
#ifndef CHIMNEY_DAEMON_HANDOVER_STATS_H_
#define CHIMNEY_DAEMON_HANDOVER_STATS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace chimney::daemon {

// The steps of both hand-overs, in order.
enum class HandoverStep : uint8_t {
#define CHIMNEY_HANDOVER_STEP(symbol, name) symbol,
#include "daemon/handover_step.def"
#undef CHIMNEY_HANDOVER_STEP
};

inline constexpr size_t kHandoverStepCount = 0
#define CHIMNEY_HANDOVER_STEP(symbol, name) +1
#include "daemon/handover_step.def"
#undef CHIMNEY_HANDOVER_STEP
    ;

const char* HandoverStepName(HandoverStep step);

// Counters of a daemon's life. Control core only.
enum class HandoverCount : uint8_t {
#define CHIMNEY_HANDOVER_COUNT(symbol, name) symbol,
#include "daemon/handover_count.def"
#undef CHIMNEY_HANDOVER_COUNT
};

inline constexpr size_t kHandoverCountCount = 0
#define CHIMNEY_HANDOVER_COUNT(symbol, name) +1
#include "daemon/handover_count.def"
#undef CHIMNEY_HANDOVER_COUNT
    ;

const char* HandoverCountName(HandoverCount count);

class HandoverStats {
 public:
  struct Percentiles {
    uint64_t samples = 0;
    uint32_t p50_ns = 0;
    uint32_t p99_ns = 0;
    uint32_t max_ns = 0;
  };

  HandoverStats();
  void Record(HandoverStep step, Duration elapsed);
  void Count(HandoverCount count) { ++counts_[static_cast<size_t>(count)]; }
  uint64_t count(HandoverCount count) const {
    return counts_[static_cast<size_t>(count)];
  }
  // Of the newest kWindow samples; max is of the daemon's whole life.
  Percentiles Summary(HandoverStep step) const;

 private:
  static constexpr size_t kWindow = 4096;
  struct Series {
    std::vector<uint32_t> newest_ns;  // ring of kWindow
    uint64_t samples = 0;
    uint32_t max_ns = 0;
  };
  std::array<Series, kHandoverStepCount> series_;
  std::array<uint64_t, kHandoverCountCount> counts_{};
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_HANDOVER_STATS_H_
