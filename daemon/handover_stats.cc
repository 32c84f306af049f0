// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/handover_stats.h"

#include <algorithm>
#include <limits>

namespace chimney::daemon {

const char* HandoverStepName(HandoverStep step) {
  switch (step) {
#define CHIMNEY_HANDOVER_STEP(symbol, name) \
  case HandoverStep::symbol:                \
    return name;
#include "daemon/handover_step.def"
#undef CHIMNEY_HANDOVER_STEP
  }
  return "unknown";
}

const char* HandoverCountName(HandoverCount count) {
  switch (count) {
#define CHIMNEY_HANDOVER_COUNT(symbol, name) \
  case HandoverCount::symbol:                \
    return name;
#include "daemon/handover_count.def"
#undef CHIMNEY_HANDOVER_COUNT
  }
  return "unknown";
}

HandoverStats::HandoverStats() {
  for (Series& series : series_) series.newest_ns.reserve(kWindow);
}

void HandoverStats::Record(HandoverStep step, Duration elapsed) {
  Series& series = series_[static_cast<size_t>(step)];
  const int64_t bounded = std::clamp<int64_t>(
      elapsed.nanos(), 0, std::numeric_limits<uint32_t>::max());
  const auto ns = static_cast<uint32_t>(bounded);
  if (series.newest_ns.size() < kWindow) {
    series.newest_ns.push_back(ns);
  } else {
    series.newest_ns[series.samples % kWindow] = ns;
  }
  ++series.samples;
  series.max_ns = std::max(series.max_ns, ns);
}

HandoverStats::Percentiles HandoverStats::Summary(HandoverStep step) const {
  const Series& series = series_[static_cast<size_t>(step)];
  Percentiles result;
  result.samples = series.samples;
  result.max_ns = series.max_ns;
  if (series.newest_ns.empty()) return result;
  std::vector<uint32_t> sorted = series.newest_ns;
  std::sort(sorted.begin(), sorted.end());
  result.p50_ns = sorted[sorted.size() / 2];
  result.p99_ns = sorted[sorted.size() * 99 / 100];
  return result;
}

}  // namespace chimney::daemon
