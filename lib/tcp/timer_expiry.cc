// SPDX-License-Identifier: BSD-3-Clause
// What happens when a timer runs out (R187).
#include <algorithm>

#include "tcp/engine.h"
#include "tcp/output.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/tail_probe.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

void Stop(Tcb& tcb, StopReason stop, Outcome* outcome) {
  tcb.frozen = true;
  outcome->events |= kEventStopped;
  outcome->stop = stop;
}

void StopClosed(Tcb& tcb, StopReason stop, Outcome* outcome) {
  tcb.connection_state = ConnectionState::kClosed;
  StopAllTimers(tcb);
  Stop(tcb, stop, outcome);
}

void CountUp(uint8_t& count) {
  if (count != UINT8_MAX) ++count;
}

// R191, R75: the time spent, if a limit is set, else the count.
bool RetransmissionsExhausted(const Tcb& tcb, Instant now) {
  const Timers& timers = tcb.timers;
  if (tcb.cached.max_rt > Duration()) {
    return TotalRetransmitTime(tcb, now) >= tcb.cached.max_rt;
  }
  return timers.retransmit_count >= tcb.params().max_retransmissions;
}

void OnPersistTimer(Tcb& tcb, Instant now, Outcome* outcome) {
  Timers& timers = tcb.timers;
  if (timers.retransmit_count > tcb.params().max_retransmissions) {
    Stop(tcb, StopReason::kPersistTimeout, outcome);
    return;
  }
  timers.window_probe_due = true;
  tcb.outgoing->timers.retransmit =
      now + BackedOffRto(tcb, timers.retransmit_count);
  CountUp(timers.retransmit_count);
}

void OnRetransmitTimer(Tcb& tcb, Instant now, Outcome* outcome) {
  Timers& timers = tcb.timers;
  if (tcb.snd.una == tcb.snd.max) {
    StopRetransmit(tcb);
    return;
  }
  if (tcb.snd.wnd == 0) {
    // The peer shrank its window over what is in flight: probing asks for it.
    tcb.outgoing->flight.ForgetSacked();
    ResendFromUna(tcb);
    StartPersist(tcb, now);
    OnPersistTimer(tcb, now, outcome);
    return;
  }
  if (RetransmissionsExhausted(tcb, now)) {
    Stop(tcb, StopReason::kRetransmitTimeout, outcome);
    return;
  }
  EnterLossRecovery(tcb);
  if (timers.retransmit_count == 0) tcb.outgoing->timers.backed_off_at = now;
  CountUp(timers.retransmit_count);
  CountUp(timers.backoff);
  ++TakeHistory(tcb).counters.retransmit_timeouts;
  ArmRetransmit(tcb, now);
}

void OnSharedTimer(Tcb& tcb, Instant now, Outcome* outcome) {
  switch (tcb.timers.retransmit_use) {
    case RetransmitUse::kRetransmit:
      OnRetransmitTimer(tcb, now, outcome);
      break;
    case RetransmitUse::kPersist:
      OnPersistTimer(tcb, now, outcome);
      break;
    case RetransmitUse::kFinWait2:
      StopClosed(tcb, StopReason::kFinWait2Timeout, outcome);
      break;
    case RetransmitUse::kIdle:
      StopRetransmit(tcb);
      break;
  }
}

void OnEarlyTimer(Tcb& tcb, Instant now) {
  OutgoingTimers& timers = tcb.outgoing->timers;
  timers.early = Instant::Never();
  if (timers.early_use == EarlyUse::kTailProbe) {
    OnTailProbeTimer(tcb);
  } else {
    OnReorderTimer(tcb, now);
  }
}

void OnKeepaliveTimer(Tcb& tcb, Instant now, Outcome* outcome) {
  Timers& timers = tcb.timers;
  if (!tcb.cached.keepalive_enabled && !tcb.timers.validating) {
    timers.keepalive = Instant::Never();
    return;
  }
  const Instant next = now + KeepaliveInterval(tcb);
  // What is in flight asks the peer already, and counts its own failures.
  if (tcb.snd.una != tcb.snd.max && !tcb.timers.validating) {
    timers.keepalive = next;
    return;
  }
  if (timers.keepalive_count >= KeepaliveProbeLimit(tcb)) {
    StopClosed(tcb, StopReason::kKeepaliveTimeout, outcome);
    return;
  }
  CountUp(timers.keepalive_count);
  timers.keepalive_probe_due = true;
  timers.keepalive = next;
}

}  // namespace

Outcome OnTimer(Tcb& tcb, Instant now) {
  Outcome outcome;
  if (NextDeadline(tcb) > now) return outcome;
  EndHistory(tcb, now);
  if (NextTimer(tcb) > now) return outcome;
  Timers& timers = tcb.timers;
  OutgoingTimers& outgoing = TakeOutgoing(tcb).timers;
  if (outgoing.retransmit <= now) OnSharedTimer(tcb, now, &outcome);
  if (timers.delayed_ack <= now && !tcb.frozen) {
    timers.delayed_ack = Instant::Never();
    tcb.rcv.ack_now = true;
  }
  if (outgoing.sws <= now && !tcb.frozen) {
    outgoing.sws = Instant::Never();
    tcb.outgoing->sws_forced = true;
  }
  if (outgoing.pace <= now) outgoing.pace = Instant::Never();
  if (outgoing.early <= now && !tcb.frozen) OnEarlyTimer(tcb, now);
  if (timers.keepalive <= now && !tcb.frozen) {
    OnKeepaliveTimer(tcb, now, &outcome);
  }
  Conclude(tcb, now, &outcome);
  EndOutgoing(tcb);
  return outcome;
}

Instant NextTimer(const Tcb& tcb) {
  if (tcb.frozen) return Instant::Never();
  const Timers& timers = tcb.timers;
  const Instant next = std::min(timers.delayed_ack, timers.keepalive);
  if (tcb.outgoing == nullptr) return next;
  const OutgoingTimers& outgoing = tcb.outgoing->timers;
  return std::min(
      {next, outgoing.retransmit, outgoing.early, outgoing.sws, outgoing.pace});
}

Instant NextDeadline(const Tcb& tcb) {
  return std::min(NextTimer(tcb), HistoryDeadline(tcb));
}

}  // namespace chimney::tcp
