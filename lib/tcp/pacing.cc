// SPDX-License-Identifier: BSD-3-Clause
// The rate is somewhat above cwnd / srtt, or it would be the limit.
#include "tcp/pacing.h"

#include <algorithm>

namespace chimney::tcp {
namespace {

constexpr uint64_t kSlowStartPercent = 200;
constexpr uint64_t kAvoidancePercent = 120;
constexpr uint64_t kNanosPerSecond = 1'000'000'000;
// Segments that may leave at a time, so that a timer need not fire for each.
constexpr uint32_t kBurstSegments = 2;

}  // namespace

uint64_t PacingRate(const Tcb& tcb) {
  const int64_t round_trip = tcb.rtt.srtt.nanos();
  if (round_trip <= 0) return 0;
  const bool slow_start = tcb.snd.cwnd < tcb.snd.ssthresh / 2;
  const uint64_t percent = slow_start ? kSlowStartPercent : kAvoidancePercent;
  // cwnd is below 2^30: this fits.
  return std::max<uint64_t>(
      uint64_t{tcb.snd.cwnd} * percent / 100 * (kNanosPerSecond / 1000) /
          std::max<uint64_t>(static_cast<uint64_t>(round_trip) / 1000, 1),
      1);
}

void NotePaced(Tcb& tcb, Instant now, uint32_t bytes) {
  if (!tcb.params().pacing || bytes == 0) return;
  const uint64_t rate = PacingRate(tcb);
  if (rate == 0) return;
  const auto nanos = [rate](uint64_t count) {
    return Duration::Nanos(
        static_cast<int64_t>(count * kNanosPerSecond / rate));
  };
  Outgoing& out = *tcb.outgoing;
  const Instant earliest = now - nanos(uint64_t{kBurstSegments} * tcb.snd.mss);
  out.paced_until = std::max(out.paced_until, earliest) + nanos(bytes);
  if (out.paced_until > now) out.timers.pace = out.paced_until;
}

}  // namespace chimney::tcp
