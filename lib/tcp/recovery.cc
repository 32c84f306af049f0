// SPDX-License-Identifier: BSD-3-Clause
// Entering, steering and leaving loss recovery.
#include "tcp/recovery.h"

#include <algorithm>

#include "tcp/congestion.h"
#include "tcp/rtt.h"

namespace chimney::tcp {
namespace {

// RFC 6675 IsLost() for the byte at `seq`, which is in no range.
bool IsLost(const Tcb& tcb, SeqNum seq) {
  const RecoveryState& recovery = tcb.recovery;
  if (seq.Before(recovery.lost_below)) return true;
  const uint32_t threshold = tcb.params->duplicate_ack_threshold;
  uint32_t ranges = 0;
  uint32_t bytes = 0;
  for (size_t i = recovery.scoreboard.size(); i-- != 0;) {
    const packet::SackBlock& range = recovery.scoreboard.range(i);
    if (range.start.Before(seq)) break;
    ++ranges;
    bytes += range.end.BytesFrom(range.start);
    if (ranges >= threshold || bytes > (threshold - 1) * tcb.snd.mss) {
      return true;
    }
  }
  return false;
}

// In-flight bytes of the hole [start, end): what was retransmitted, and the
// first transmission unless it is lost (RFC 6675 SetPipe()).
uint32_t HoleInFlight(const Tcb& tcb, SeqNum start, SeqNum end) {
  if (start.AtOrAfter(end)) return 0;
  uint32_t bytes = IsLost(tcb, start) ? 0 : end.BytesFrom(start);
  const SeqNum retransmitted = Earlier(end, tcb.recovery.high_rxt);
  if (retransmitted.After(start)) bytes += retransmitted.BytesFrom(start);
  return bytes;
}

uint32_t SackPipe(const Tcb& tcb) {
  const Scoreboard& scoreboard = tcb.recovery.scoreboard;
  uint32_t pipe = 0;
  SeqNum hole = tcb.snd.una;
  for (size_t i = 0; i < scoreboard.size(); ++i) {
    pipe += HoleInFlight(tcb, hole, scoreboard.range(i).start);
    hole = scoreboard.range(i).end;
  }
  return pipe + HoleInFlight(tcb, hole, tcb.snd.nxt);
}

void ForgetTailProbe(Tcb& tcb) {
  tcb.timers.tail_probe = Instant::Never();
  tcb.timers.tail_probe_due = false;
  tcb.recovery.probe_outstanding = false;
}

void EnterFastRecovery(Tcb& tcb, SeqNum lost_below) {
  SendState& snd = tcb.snd;
  RecoveryState& recovery = tcb.recovery;
  snd.ssthresh = ThresholdAfterLoss(tcb);
  recovery.phase = RecoveryPhase::kFastRecovery;
  recovery.sack_based = !recovery.scoreboard.empty();
  recovery.recover = snd.max;
  recovery.high_rxt = snd.una;
  recovery.lost_below = lost_below;
  recovery.retransmit_una = true;
  snd.cwnd = recovery.sack_based ? snd.ssthresh : snd.ssthresh + 3 * snd.mss;
  ForgetTailProbe(tcb);
  ++tcb.counters.fast_retransmits;
}

// RFC 6582 section 3.2 step 4 and RFC 6675 section 5: after a loss, duplicate
// ACKs below `recover` are echoes of our own resending.
bool MayEnterFastRecovery(const Tcb& tcb) {
  return tcb.recovery.phase == RecoveryPhase::kOpen &&
         tcb.snd.una.After(tcb.recovery.recover) && tcb.snd.una != tcb.snd.max;
}

void LeaveFastRecovery(Tcb& tcb) {
  SendState& snd = tcb.snd;
  RecoveryState& recovery = tcb.recovery;
  snd.cwnd = snd.ssthresh;
  if (!recovery.sack_based) {
    // RFC 6582 step 3, the choice that does not burst.
    const uint32_t flight = snd.max.BytesFrom(snd.una);
    snd.cwnd = std::min(snd.ssthresh, std::max(flight, snd.mss) + snd.mss);
  }
  recovery.phase = RecoveryPhase::kOpen;
  recovery.dup_ack_count = 0;
  recovery.retransmit_una = false;
  recovery.lost_below = snd.una;
}

void OnPartialAck(Tcb& tcb, uint32_t acked) {
  SendState& snd = tcb.snd;
  RecoveryState& recovery = tcb.recovery;
  recovery.high_rxt = Later(recovery.high_rxt, snd.una);
  if (recovery.sack_based) {
    // The retransmission arrived, and what stopped its ACK was sent long
    // before: it is lost even if nothing above it was reported (RFC 6582).
    recovery.lost_below = Later(recovery.lost_below, snd.una + snd.mss);
    return;
  }
  recovery.retransmit_una = true;
  snd.cwnd -= std::min(acked, snd.cwnd);
  if (acked >= snd.mss) snd.cwnd += snd.mss;
  snd.cwnd = std::max(snd.cwnd, snd.mss);
}

// RFC 8985 section 7.4: the probe repaired a loss that nobody else saw.
void OnNewAckTailProbe(Tcb& tcb) {
  RecoveryState& recovery = tcb.recovery;
  if (!recovery.probe_outstanding || tcb.snd.una.Before(recovery.probe_end)) {
    return;
  }
  if (tcb.snd.una == recovery.probe_end) return;
  // Beyond the probe and no sign of a duplicate: the original was lost.
  recovery.probe_outstanding = false;
  tcb.snd.ssthresh = ThresholdAfterLoss(tcb);
  tcb.snd.cwnd = tcb.snd.ssthresh;
}

}  // namespace

uint32_t NoteSackBlocks(Tcb& tcb, const packet::Segment& segment) {
  if (!tcb.constant.sack_enabled) return 0;
  RecoveryState& recovery = tcb.recovery;
  uint32_t new_bytes = 0;
  for (uint8_t i = 0; i < segment.options.sack_count; ++i) {
    const packet::SackBlock& block = segment.options.sack[i];
    const SeqNum start = Later(block.start, tcb.snd.una);
    if (block.end.AtOrBefore(segment.ack)) {
      // RFC 2883: a duplicate arrived, so a probe had not been needed.
      if (i == 0 && recovery.probe_outstanding &&
          block.end == recovery.probe_end) {
        recovery.probe_outstanding = false;
      }
      continue;
    }
    if (start.AtOrAfter(block.end) || block.start.AtOrAfter(block.end) ||
        block.end.After(tcb.snd.max)) {
      continue;
    }
    new_bytes += recovery.scoreboard.Add(start, block.end);
  }
  return new_bytes;
}

void LookForLoss(Tcb& tcb) {
  RecoveryState& recovery = tcb.recovery;
  if (!MayEnterFastRecovery(tcb)) return;
  const bool probe_arrived =
      recovery.probe_outstanding && !recovery.scoreboard.empty() &&
      recovery.scoreboard.highest_end().AtOrAfter(recovery.probe_end);
  if (probe_arrived) {
    // Everything below was sent two round trips before the probe.
    EnterFastRecovery(tcb, recovery.probe_end);
  } else if (recovery.dup_ack_count >= tcb.params->duplicate_ack_threshold ||
             IsLost(tcb, tcb.snd.una)) {
    EnterFastRecovery(tcb, tcb.snd.una + tcb.snd.mss);
  }
}

void OnDuplicateAck(Tcb& tcb) {
  RecoveryState& recovery = tcb.recovery;
  ++tcb.counters.duplicate_acks_in;
  if (recovery.dup_ack_count != UINT8_MAX) ++recovery.dup_ack_count;
  if (recovery.phase == RecoveryPhase::kFastRecovery && !recovery.sack_based) {
    InflateWindow(tcb);
  } else {
    LookForLoss(tcb);
  }
}

void OnNewAckRecovery(Tcb& tcb, uint32_t acked) {
  RecoveryState& recovery = tcb.recovery;
  recovery.scoreboard.Advance(tcb.snd.una);
  OnNewAckTailProbe(tcb);
  const RecoveryPhase phase_before = recovery.phase;
  const bool covered = tcb.snd.una.AtOrAfter(recovery.recover);
  switch (recovery.phase) {
    case RecoveryPhase::kOpen:
      recovery.dup_ack_count = 0;
      GrowWindow(tcb, acked);
      break;
    case RecoveryPhase::kFastRecovery:
      if (covered) {
        LeaveFastRecovery(tcb);
      } else {
        OnPartialAck(tcb, acked);
      }
      break;
    case RecoveryPhase::kLoss:
      recovery.dup_ack_count = 0;
      GrowWindow(tcb, acked);
      if (covered) recovery.phase = RecoveryPhase::kOpen;
      break;
  }
  // Keeps marks that no longer matter within reach of comparisons. `recover`
  // stands where a recovery ended until an ACK passes it.
  if (recovery.phase == RecoveryPhase::kOpen) {
    if (phase_before == RecoveryPhase::kOpen)
      recovery.recover = tcb.snd.una - 1;
    recovery.lost_below = tcb.snd.una;
    recovery.high_rxt = tcb.snd.una;
  }
  tcb.snd.small_end = Later(tcb.snd.small_end, tcb.snd.una);
}

void ResendFromUna(Tcb& tcb) {
  RecoveryState& recovery = tcb.recovery;
  recovery.phase = RecoveryPhase::kLoss;
  recovery.recover = tcb.snd.max;
  recovery.lost_below = tcb.snd.una;
  recovery.high_rxt = tcb.snd.una;
  recovery.retransmit_una = false;
  recovery.dup_ack_count = 0;
  tcb.snd.nxt = tcb.snd.una;
  ForgetTailProbe(tcb);
  StopTiming(tcb);
}

void EnterLossRecovery(Tcb& tcb) {
  if (tcb.timers.retransmit_count == 0) {
    tcb.snd.ssthresh = ThresholdAfterLoss(tcb);
  }
  tcb.snd.cwnd = tcb.snd.mss;
  // The peer may have thrown away what it reported (RFC 2018 section 8).
  tcb.recovery.scoreboard.Clear();
  ResendFromUna(tcb);
}

void OnTailProbeTimer(Tcb& tcb) {
  tcb.timers.tail_probe = Instant::Never();
  if (tcb.recovery.phase != RecoveryPhase::kOpen) return;
  if (tcb.recovery.dup_ack_count != 0 && MayEnterFastRecovery(tcb)) {
    // Two round trips after a duplicate ACK it is not reordering any more.
    EnterFastRecovery(tcb, tcb.recovery.scoreboard.empty()
                               ? tcb.snd.una + tcb.snd.mss
                               : tcb.recovery.scoreboard.highest_end());
    return;
  }
  tcb.timers.tail_probe_due = true;
}

void NoteTailProbe(Tcb& tcb, SeqNum end) {
  tcb.timers.tail_probe_due = false;
  tcb.recovery.probe_outstanding = true;
  tcb.recovery.probe_end = end;
  ++tcb.counters.tail_probes;
}

uint32_t BytesInFlight(const Tcb& tcb) {
  const RecoveryState& recovery = tcb.recovery;
  if (recovery.phase == RecoveryPhase::kFastRecovery && recovery.sack_based) {
    return SackPipe(tcb);
  }
  const uint32_t sent = tcb.snd.nxt.BytesFrom(tcb.snd.una);
  // Resending passed over what the peer holds.
  return recovery.phase == RecoveryPhase::kLoss
             ? sent - recovery.scoreboard.SackedBelow(tcb.snd.nxt)
             : sent;
}

bool NextHole(const Tcb& tcb, SeqNum* start, SeqNum* end) {
  const RecoveryState& recovery = tcb.recovery;
  const SeqNum limit = Earlier(tcb.snd.nxt, recovery.recover);
  *start =
      recovery.scoreboard.SkipSacked(Later(recovery.high_rxt, tcb.snd.una));
  if (start->AtOrAfter(limit) || !IsLost(tcb, *start)) return false;
  *end = recovery.scoreboard.NextSacked(*start, limit);
  return true;
}

}  // namespace chimney::tcp
