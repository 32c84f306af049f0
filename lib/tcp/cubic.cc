// SPDX-License-Identifier: BSD-3-Clause
// RFC 9438, its constants and names. Windows in bytes, times in seconds.
#include <algorithm>
#include <cmath>

#include "tcp/congestion_control.h"

namespace chimney::tcp {
namespace {

constexpr double kBeta = 0.7;
constexpr double kC = 0.4;  // segments per cubic second
constexpr double kAlpha = 3.0 * (1.0 - kBeta) / (1.0 + kBeta);
constexpr double kLargestStep = 1.5;  // of cwnd in a round trip (section 4.2)

double Seconds(Duration time) {
  return static_cast<double>(time.nanos()) * 1e-9;
}

// Section 4.2, figure 1, after `seconds` of the epoch.
double WCubic(const Tcb& tcb, double seconds) {
  const CubicState& cubic = tcb.history->congestion.cubic;
  const double past = seconds - cubic.k_seconds;
  return kC * past * past * past * tcb.snd.mss + cubic.w_max;
}

void BeginEpoch(Tcb& tcb, Instant now) {
  CubicState& cubic = tcb.history->congestion.cubic;
  const double cwnd = tcb.snd.cwnd;
  cubic.epoch_start = now;
  cubic.w_est = cwnd;
  cubic.credit = 0;
  if (cubic.cwnd_prior == 0) cubic.cwnd_prior = cwnd;
  cubic.w_max = std::max(cubic.w_max, cwnd);
  cubic.k_seconds = std::cbrt((cubic.w_max - cwnd) / tcb.snd.mss / kC);
}

// Section 4.3: what a Reno connection would have by now.
void GrowEstimate(Tcb& tcb, uint32_t acked) {
  CubicState& cubic = tcb.history->congestion.cubic;
  const double alpha = cubic.w_est < cubic.cwnd_prior ? kAlpha : 1.0;
  cubic.w_est += alpha * acked * tcb.snd.mss / tcb.snd.cwnd;
}

}  // namespace

uint32_t CutCubic(Tcb& tcb) {
  CubicState& cubic = TakeHistory(tcb).congestion.cubic;
  const double cwnd = std::min(tcb.snd.cwnd, tcb.snd.wnd);
  cubic.cwnd_prior = cwnd;
  cubic.w_max_prior = cubic.w_max;
  // Section 4.7: a window that shrinks makes room for others sooner.
  cubic.w_max = cwnd < cubic.w_max ? cwnd * (1.0 + kBeta) / 2.0 : cwnd;
  cubic.epoch_start = Instant::Never();
  return static_cast<uint32_t>(cwnd * kBeta);
}

void UndoCutCubic(Tcb& tcb) {
  CubicState& cubic = TakeHistory(tcb).congestion.cubic;
  cubic.w_max = std::max(cubic.w_max_prior, cubic.cwnd_prior);
  cubic.epoch_start = Instant::Never();
}

void GrowCubic(Tcb& tcb, Instant now, uint32_t acked) {
  CubicState& cubic = TakeHistory(tcb).congestion.cubic;
  if (cubic.epoch_start.IsNever()) BeginEpoch(tcb, now);
  const double cwnd = tcb.snd.cwnd;
  const double t = Seconds(now - cubic.epoch_start);
  GrowEstimate(tcb, acked);
  double growth = 0;
  if (WCubic(tcb, t) < cubic.w_est) {
    growth = std::max(0.0, cubic.w_est - cwnd);
  } else {
    const double target = std::clamp(WCubic(tcb, t + Seconds(tcb.rtt.srtt)),
                                     cwnd, kLargestStep * cwnd);
    growth = (target - cwnd) / cwnd * acked;
  }
  // Never faster than slow start, whatever the clock or a host's state says.
  growth = std::min(growth, static_cast<double>(acked)) + cubic.credit;
  const auto whole = static_cast<uint32_t>(growth);
  cubic.credit = growth - whole;
  tcb.snd.cwnd += whole;
}

void PauseCubic(Tcb& tcb, Instant now, Duration pause) {
  if (tcb.history == nullptr) return;
  CubicState& cubic = tcb.history->congestion.cubic;
  if (!cubic.epoch_start.IsNever()) {
    cubic.epoch_start = std::min(cubic.epoch_start + pause, now);
  }
}

void TimeoutCubic(Tcb& tcb) { TakeHistory(tcb).congestion.cubic.w_max = 0; }

}  // namespace chimney::tcp
