// SPDX-License-Identifier: BSD-3-Clause
// RFC 8985 section 7.
#include "tcp/tail_probe.h"

#include <algorithm>

#include "tcp/congestion.h"

namespace chimney::tcp {
namespace {

// A lone segment may wait this long for the peer's delayed ACK.
constexpr Duration kPeerAckDelay = Duration::Millis(200);
constexpr Duration kMinProbeTimeout = Duration::Millis(2);
constexpr Duration kTimeoutWithoutSample = Duration::Seconds(1);

// Section 7.2.
Duration ProbeTimeout(const Tcb& tcb) {
  if (tcb.rtt.srtt == Duration()) return kTimeoutWithoutSample;
  const Duration timeout = std::max(tcb.rtt.srtt * 2, kMinProbeTimeout);
  return tcb.outgoing->flight.total_bytes() <= tcb.snd.mss
             ? timeout + kPeerAckDelay
             : timeout;
}

bool Applies(const Tcb& tcb) {
  return tcb.params().tail_loss_probe && tcb.params().rack &&
         tcb.constant.sack_enabled && tcb.timers.retransmit_count == 0 &&
         tcb.outgoing->recovery.phase == RecoveryPhase::kOpen &&
         !tcb.outgoing->recovery.probe_outstanding &&
         tcb.outgoing->flight.sacked_bytes() == 0;
}

}  // namespace

void ArmTailProbe(Tcb& tcb, Instant now) {
  OutgoingTimers& timers = tcb.outgoing->timers;
  if (timers.early_use == EarlyUse::kReorder && !timers.early.IsNever()) return;
  timers.early = Instant::Never();
  if (!Applies(tcb)) return;
  const Instant due = now + ProbeTimeout(tcb);
  if (due >= timers.retransmit) return;  // the timeout does as well
  timers.early = due;
  timers.early_use = EarlyUse::kTailProbe;
}

void OnTailProbeTimer(Tcb& tcb) {
  if (Applies(tcb)) tcb.outgoing->timers.tail_probe_due = true;
}

void NoteTailProbe(Tcb& tcb, SeqNum end, bool retransmission) {
  tcb.outgoing->timers.tail_probe_due = false;
  tcb.outgoing->recovery.probe_outstanding = true;
  tcb.outgoing->recovery.probe_retransmitted = retransmission;
  tcb.outgoing->recovery.probe_end = end;
  ++TakeHistory(tcb).counters.tail_probes;
}

void OnAckTailProbe(Tcb& tcb, const packet::Segment& segment,
                    const AckNews& news) {
  RecoveryState& recovery = tcb.outgoing->recovery;
  if (!recovery.probe_outstanding || tcb.snd.una.Before(recovery.probe_end)) {
    return;
  }
  const bool duplicate =
      news.reports_duplicate && news.reported.end == recovery.probe_end;
  if (!recovery.probe_retransmitted || duplicate) {
    recovery.probe_outstanding = false;
    return;
  }
  if (tcb.snd.una == recovery.probe_end) {
    // Both arrived if the same ACK comes twice.
    const bool bare = segment.length() == 0 && segment.options.sack_count == 0;
    if (bare && news.acked == 0) recovery.probe_outstanding = false;
    return;
  }
  // Beyond the probe and no sign of a duplicate: the original was lost.
  recovery.probe_outstanding = false;
  CutWindow(tcb);
  tcb.snd.cwnd = tcb.snd.ssthresh;
}

void ForgetTailProbe(Tcb& tcb) {
  OutgoingTimers& timers = tcb.outgoing->timers;
  if (timers.early_use == EarlyUse::kTailProbe) timers.early = Instant::Never();
  timers.tail_probe_due = false;
  tcb.outgoing->recovery.probe_outstanding = false;
}

}  // namespace chimney::tcp
