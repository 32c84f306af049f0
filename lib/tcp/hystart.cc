// SPDX-License-Identifier: BSD-3-Clause
// RFC 9406 section 4.2, its constants and names.
#include <algorithm>

#include "tcp/congestion_control.h"

namespace chimney::tcp {
namespace {

constexpr Duration kMinRttThresh = Duration::Millis(4);
constexpr Duration kMaxRttThresh = Duration::Millis(16);
constexpr int kMinRttDivisor = 8;
constexpr uint8_t kNRttSample = 8;
constexpr uint32_t kCssGrowthDivisor = 4;
constexpr uint8_t kCssRounds = 5;

void BeginRound(Tcb& tcb) {
  HystartState& hystart = tcb.history->congestion.hystart;
  hystart.last_round_min_rtt = hystart.current_round_min_rtt;
  hystart.current_round_min_rtt = Duration();
  hystart.rtt_sample_count = 0;
  hystart.window_end = tcb.snd.max;
}

void TakeSample(HystartState& hystart, Duration rtt) {
  if (hystart.rtt_sample_count == 0) hystart.current_round_min_rtt = rtt;
  hystart.current_round_min_rtt = std::min(hystart.current_round_min_rtt, rtt);
  if (hystart.rtt_sample_count != UINT8_MAX) ++hystart.rtt_sample_count;
}

void LookForGrowingDelay(HystartState& hystart) {
  if (hystart.rtt_sample_count < kNRttSample) return;
  if (hystart.in_css) {
    if (hystart.current_round_min_rtt >= hystart.css_baseline_min_rtt) return;
    hystart.in_css = false;  // it was a passing thing
    return;
  }
  if (hystart.last_round_min_rtt == Duration()) return;
  const Duration threshold =
      std::clamp(hystart.last_round_min_rtt / kMinRttDivisor, kMinRttThresh,
                 kMaxRttThresh);
  if (hystart.current_round_min_rtt < hystart.last_round_min_rtt + threshold) {
    return;
  }
  hystart.css_baseline_min_rtt = hystart.current_round_min_rtt;
  hystart.in_css = true;
  hystart.css_rounds = 0;
}

void OnRoundEnd(Tcb& tcb) {
  HystartState& hystart = tcb.history->congestion.hystart;
  if (hystart.in_css && ++hystart.css_rounds >= kCssRounds) {
    tcb.snd.ssthresh = tcb.snd.cwnd;
  }
  BeginRound(tcb);
}

}  // namespace

uint32_t GrowthHystart(Tcb& tcb, Instant now, const AckNews& news,
                       uint32_t growth) {
  HystartState& hystart = TakeHistory(tcb).congestion.hystart;
  if (!hystart.in_round) {
    hystart.in_round = true;
    BeginRound(tcb);
  }
  if (news.delivery.once.any) {
    TakeSample(hystart, now - news.delivery.once.sent_at);
    LookForGrowingDelay(hystart);
  }
  if (tcb.snd.una.After(hystart.window_end)) OnRoundEnd(tcb);
  return hystart.in_css ? growth / kCssGrowthDivisor : growth;
}

}  // namespace chimney::tcp
