// SPDX-License-Identifier: BSD-3-Clause
// Starting and stopping timers.
#include "tcp/timers.h"

#include <algorithm>

#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/tail_probe.h"

namespace chimney::tcp {
namespace {

constexpr Duration kValidationLimit = Duration::Seconds(300);  // R160
constexpr Duration kDefaultKeepaliveInterval = Duration::Seconds(1);
constexpr Duration kDefaultKeepaliveTimeout = Duration::Seconds(7200);
constexpr uint8_t kDefaultKeepaliveProbes = 10;
constexpr uint8_t kMaxProbeRound = 30;

}  // namespace

void ArmRetransmit(Tcb& tcb, Instant now) {
  tcb.timers.retransmit_use = RetransmitUse::kRetransmit;
  tcb.outgoing->timers.retransmit = now + BackedOffRto(tcb, tcb.timers.backoff);
  ArmTailProbe(tcb, now);
}

void StopRetransmit(Tcb& tcb) {
  tcb.timers.retransmit_use = RetransmitUse::kIdle;
  tcb.outgoing->timers.retransmit = Instant::Never();
  tcb.outgoing->timers.early = Instant::Never();
  tcb.outgoing->timers.tail_probe_due = false;
}

void OnAckProgressTimers(Tcb& tcb, Instant now) {
  const bool waiting = tcb.outgoing->queued_bytes != 0 ||
                       (tcb.snd.fin_queued && !tcb.snd.fin_acked);
  if (tcb.timers.retransmit_use == RetransmitUse::kPersist && waiting) return;
  tcb.timers.retransmit_count = 0;
  tcb.timers.probe_round = 0;
  tcb.timers.window_probe_due = false;
  tcb.outgoing->timers.total_rt = Duration();
  tcb.outgoing->timers.tail_probe_due = false;
  if (tcb.snd.una == tcb.snd.max) {
    StopRetransmit(tcb);
  } else {
    ArmRetransmit(tcb, now);
  }
}

Duration TotalRetransmitTime(const Tcb& tcb, Instant now) {
  if (tcb.outgoing == nullptr) return Duration();
  const OutgoingTimers& timers = tcb.outgoing->timers;
  if (tcb.timers.retransmit_use != RetransmitUse::kRetransmit ||
      tcb.timers.retransmit_count == 0) {
    return timers.total_rt;
  }
  return timers.total_rt + (now - timers.backed_off_at);
}

void StartPersist(Tcb& tcb, Instant now) {
  Timers& timers = tcb.timers;
  StopRetransmit(tcb);
  timers.retransmit_use = RetransmitUse::kPersist;
  timers.retransmit_count = 0;
  timers.probe_round = 0;
  tcb.outgoing->timers.retransmit = now + BackedOffRto(tcb, 0);
}

void OnZeroWindowAck(Tcb& tcb, Instant now) {
  Timers& timers = tcb.timers;
  if (timers.retransmit_use != RetransmitUse::kPersist) return;
  if (timers.retransmit_count == 0) return;
  timers.retransmit_count = 0;
  timers.window_probe_due = false;
  if (timers.probe_round < kMaxProbeRound) ++timers.probe_round;
  tcb.outgoing->timers.retransmit = now + BackedOffRto(tcb, timers.probe_round);
}

void LeavePersist(Tcb& tcb, Instant now) {
  Timers& timers = tcb.timers;
  if (timers.retransmit_use != RetransmitUse::kPersist) return;
  StopRetransmit(tcb);
  timers.retransmit_count = 0;
  timers.probe_round = 0;
  timers.window_probe_due = false;
  tcb.outgoing->timers.total_rt = Duration();
  if (tcb.snd.una == tcb.snd.max) return;
  // A probe's byte may have been refused: it is sent again with the rest.
  ResendFromUna(tcb);
  ArmRetransmit(tcb, now);
}

void ArmFinWait2(Tcb& tcb, Instant now) {
  StopRetransmit(tcb);
  tcb.timers.retransmit_count = 0;
  tcb.timers.retransmit_use = RetransmitUse::kFinWait2;
  if (tcb.params().fin_wait2_timeout > Duration()) {
    tcb.outgoing->timers.retransmit = now + tcb.params().fin_wait2_timeout;
  }
}

Duration KeepaliveInterval(const Tcb& tcb) {
  if (tcb.cached.ka_interval <= Duration()) return kDefaultKeepaliveInterval;
  return std::min(tcb.cached.ka_interval, kLongestTimer);
}

Duration KeepaliveTimeout(const Tcb& tcb) {
  if (tcb.cached.ka_timeout <= Duration()) return kDefaultKeepaliveTimeout;
  return std::min(tcb.cached.ka_timeout, kLongestTimer);
}

uint8_t KeepaliveProbeLimit(const Tcb& tcb) {
  return tcb.cached.ka_probe_count != 0 ? tcb.cached.ka_probe_count
                                        : kDefaultKeepaliveProbes;
}

void RestartKeepalive(Tcb& tcb, Instant now) {
  tcb.timers.keepalive_count = 0;
  tcb.timers.keepalive_probe_due = false;
  if (!tcb.cached.keepalive_enabled) {
    tcb.timers.keepalive = Instant::Never();
    return;
  }
  tcb.timers.keepalive = now + KeepaliveTimeout(tcb);
}

void OnPeerHeard(Tcb& tcb, Instant now) {
  if (tcb.cached.keepalive_enabled || tcb.timers.validating) {
    tcb.timers.validating = false;
    RestartKeepalive(tcb, now);
  }
  if (tcb.timers.retransmit_use == RetransmitUse::kFinWait2) {
    ArmFinWait2(tcb, now);
  }
}

void StartValidation(Tcb& tcb, Instant now) {
  tcb.timers.validating = true;
  tcb.timers.keepalive = std::min(tcb.timers.keepalive, now + kValidationLimit);
}

void StopAllTimers(Tcb& tcb) {
  tcb.timers.retransmit_use = RetransmitUse::kIdle;
  tcb.timers.delayed_ack = Instant::Never();
  tcb.timers.keepalive = Instant::Never();
  tcb.timers.window_probe_due = false;
  tcb.timers.keepalive_probe_due = false;
  if (tcb.outgoing == nullptr) return;
  OutgoingTimers& timers = tcb.outgoing->timers;
  timers.retransmit = timers.early = Instant::Never();
  timers.sws = timers.pace = Instant::Never();
  timers.tail_probe_due = false;
}

}  // namespace chimney::tcp
