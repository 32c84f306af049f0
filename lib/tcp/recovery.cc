// SPDX-License-Identifier: BSD-3-Clause
// The phases of loss recovery. How a loss is seen is in loss_detection.cc and
// rack.cc, how fast it is repaired in prr.cc.
#include "tcp/recovery.h"

#include <algorithm>

#include "tcp/congestion.h"
#include "tcp/frto.h"
#include "tcp/loss_detection.h"
#include "tcp/prr.h"
#include "tcp/rack.h"
#include "tcp/rtt.h"
#include "tcp/tail_probe.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

// RFC 5681 section 3.2 and RFC 6675 section 5 (1): the segment at SND.UNA. RACK
// counts for itself.
void MarkLostByCount(Tcb& tcb) {
  const bool judged_by_time =
      tcb.params().rack && tcb.outgoing->flight.sacked_bytes() != 0;
  if (judged_by_time || tcb.outgoing->recovery.dup_ack_count <
                            tcb.params().duplicate_ack_threshold) {
    return;
  }
  const SeqNum end = tcb.outgoing->flight.front()->end;
  tcb.outgoing->flight.MarkLost(tcb.snd.una,
                                Earlier(end, tcb.snd.una + tcb.snd.mss));
}

// RFC 6675 section 4, NextSeg() rule 3: nothing is lost for certain and there
// is nothing new to send, but what lies below reported bytes may be missing.
void TakeMissingForLost(Tcb& tcb) {
  SendState& snd = tcb.snd;
  // Less than a segment may have to wait until something is acknowledged.
  const uint32_t enough = snd.max.BytesFrom(snd.una) + snd.mss;
  const bool has_new_data =
      tcb.outgoing->queued_bytes >= enough && snd.wnd >= enough;
  SeqNum reported_end;
  if (tcb.params().rack || has_new_data ||
      tcb.outgoing->flight.lost_bytes() != 0 ||
      BytesInFlight(tcb) + snd.mss > snd.cwnd ||
      !tcb.outgoing->flight.HighestSacked(&reported_end)) {
    return;
  }
  const FlightRange* range = tcb.outgoing->flight.front();
  while (range != nullptr && range->start.Before(reported_end)) {
    if (range->fate == FlightFate::kInFlight &&
        range->copies != FlightCopies::kSeveral) {
      tcb.outgoing->flight.MarkLost(
          range->start, Earlier(range->end, range->start + snd.mss));
      return;
    }
    range = tcb.outgoing->flight.Next(range);
  }
}

void LeaveFastRecovery(Tcb& tcb) {
  SendState& snd = tcb.snd;
  RecoveryState& recovery = tcb.outgoing->recovery;
  // ssthresh may be of a time when segments were smaller, or the host's.
  const uint32_t target = std::max(snd.ssthresh, snd.mss);
  snd.cwnd = target;
  if (!recovery.sack_based) {
    // RFC 6582 step 3, the choice that does not burst.
    const uint32_t flight = snd.max.BytesFrom(snd.una);
    snd.cwnd = std::min(target, std::max(flight, snd.mss) + snd.mss);
  }
  recovery.phase = RecoveryPhase::kOpen;
  recovery.dup_ack_count = 0;
  recovery.retransmit_now = false;
  OnRecoveryEndRack(tcb);
}

// RFC 6582 section 3.2 step 3, without SACK.
void OnPartialAckNewReno(Tcb& tcb, uint32_t acked) {
  SendState& snd = tcb.snd;
  tcb.outgoing->flight.MarkLost(snd.una, snd.una + snd.mss);
  tcb.outgoing->recovery.retransmit_now = true;
  snd.cwnd -= std::min(acked, snd.cwnd);
  if (acked >= snd.mss) snd.cwnd += snd.mss;
  snd.cwnd = std::max(snd.cwnd, snd.mss);
}

void OnUnaMoved(Tcb& tcb, const AckNews& news) {
  RecoveryState& recovery = tcb.outgoing->recovery;
  const bool covered = tcb.snd.una.AtOrAfter(tcb.snd.recover);
  switch (recovery.phase) {
    case RecoveryPhase::kOpen:
      recovery.dup_ack_count = 0;
      // Keeps the mark within reach of comparisons.
      tcb.snd.recover = tcb.snd.una - 1;
      break;
    case RecoveryPhase::kFastRecovery:
      if (covered) {
        LeaveFastRecovery(tcb);
      } else if (!recovery.sack_based) {
        OnPartialAckNewReno(tcb, news.acked);
      }
      break;
    case RecoveryPhase::kLoss:
      recovery.dup_ack_count = 0;
      if (covered) recovery.phase = RecoveryPhase::kOpen;
      break;
  }
  tcb.outgoing->small_end = Later(tcb.outgoing->small_end, tcb.snd.una);
}

void OnDuplicateAck(Tcb& tcb) {
  RecoveryState& recovery = tcb.outgoing->recovery;
  ++TakeHistory(tcb).counters.duplicate_acks_in;
  if (recovery.dup_ack_count != UINT8_MAX) ++recovery.dup_ack_count;
  if (recovery.phase == RecoveryPhase::kFastRecovery && !recovery.sack_based) {
    InflateWindow(tcb);
  }
}

// RFC 2883 section 4: the first block lies below the ACK or in the second one.
bool ReportsDuplicate(const packet::Segment& segment) {
  const packet::TcpOptions& options = segment.options;
  if (options.sack_count == 0) return false;
  const packet::SackBlock& first = options.sack[0];
  if (first.start.AtOrAfter(first.end)) return false;
  if (first.end.AtOrBefore(segment.ack)) return true;
  return options.sack_count > 1 &&
         first.start.AtOrAfter(options.sack[1].start) &&
         first.end.AtOrBefore(options.sack[1].end);
}

void LookForLoss(Tcb& tcb, Instant now) {
  MarkLostBySack(tcb, now);
  if (tcb.outgoing->recovery.phase != RecoveryPhase::kOpen ||
      DuplicatesAreEchoes(tcb) || tcb.snd.una == tcb.snd.max) {
    return;
  }
  MarkLostByCount(tcb);
  if (tcb.outgoing->flight.lost_bytes() != 0) EnterFastRecovery(tcb);
}

}  // namespace

bool DuplicatesAreEchoes(const Tcb& tcb) {
  const SeqNum recover = tcb.snd.recover;
  const bool past = tcb.outgoing->flight.sacked_bytes() != 0
                        ? tcb.snd.una.AtOrAfter(recover)
                        : tcb.snd.una.After(recover);
  return tcb.outgoing->recovery.phase == RecoveryPhase::kLoss || !past;
}

void NoteSackBlocks(Tcb& tcb, const packet::Segment& segment, AckNews* news) {
  if (!tcb.constant.sack_enabled) return;
  if (ReportsDuplicate(segment)) {
    news->reports_duplicate = true;
    news->reported = segment.options.sack[0];
  }
  for (uint8_t i = 0; i < segment.options.sack_count; ++i) {
    const packet::SackBlock& block = segment.options.sack[i];
    if (block.start.AtOrAfter(block.end)) continue;
    if (block.end.AtOrBefore(segment.ack)) continue;
    const SeqNum start = Later(block.start, tcb.snd.una);
    if (start.AtOrAfter(block.end) || block.end.After(tcb.snd.max)) continue;
    tcb.outgoing->flight.Sack(start, block.end, &news->delivery);
  }
}

void OnAckRecovery(Tcb& tcb, Instant now, const packet::Segment& segment,
                   const AckNews& news) {
  const RecoveryPhase phase_before = tcb.outgoing->recovery.phase;
  NoteDeliveryRtt(tcb, now, news.delivery);
  NoteDeliveryRack(tcb, now, segment, news);
  OnAckTailProbe(tcb, segment, news);
  const bool window_set = OnAckFrto(tcb, news);
  if (news.acked != 0) OnUnaMoved(tcb, news);
  if (news.duplicate) OnDuplicateAck(tcb);
  if (news.acked != 0 || news.duplicate || news.delivery.any) {
    LookForLoss(tcb, now);
  }
  if (tcb.outgoing->recovery.phase == RecoveryPhase::kFastRecovery) {
    if (tcb.outgoing->recovery.sack_based) {
      OnAckPrr(tcb, news.delivery.bytes());
      TakeMissingForLost(tcb);
    }
  } else if (news.acked != 0 && !window_set &&
             phase_before != RecoveryPhase::kFastRecovery) {
    GrowWindow(tcb, now, news, phase_before == RecoveryPhase::kLoss);
  }
  EndCwndLimited(tcb);
}

void EnterFastRecovery(Tcb& tcb) {
  SendState& snd = tcb.snd;
  RecoveryState& recovery = tcb.outgoing->recovery;
  CutWindow(tcb);
  recovery.phase = RecoveryPhase::kFastRecovery;
  recovery.sack_based = tcb.outgoing->flight.sacked_bytes() != 0;
  tcb.snd.recover = snd.max;
  recovery.retransmit_now = true;
  if (recovery.sack_based) {
    BeginPrr(tcb);
  } else {
    snd.cwnd = snd.ssthresh + tcb.params().duplicate_ack_threshold * snd.mss;
  }
  ForgetTailProbe(tcb);
  ++TakeHistory(tcb).counters.fast_retransmits;
}

void ResendFromUna(Tcb& tcb) {
  RecoveryState& recovery = tcb.outgoing->recovery;
  recovery.phase = RecoveryPhase::kLoss;
  recovery.frto = FrtoStep::kOff;
  tcb.snd.recover = tcb.snd.max;
  recovery.retransmit_now = false;
  recovery.dup_ack_count = 0;
  tcb.outgoing->flight.MarkAllLost();
  ForgetTailProbe(tcb);
  StopTiming(tcb);
}

void EnterLossRecovery(Tcb& tcb) {
  const bool repeated = tcb.outgoing->recovery.phase == RecoveryPhase::kLoss;
  const bool first_time = tcb.timers.retransmit_count == 0;
  const FlightRange* front = tcb.outgoing->flight.front();
  // RFC 2018 section 8, with the test of RFC 6675 section 5.1: a peer that
  // wants what it said to hold, or hears nothing twice, may have dropped it.
  if (!first_time || (front != nullptr && front->fate == FlightFate::kSacked)) {
    tcb.outgoing->flight.ForgetSacked();
  }
  const uint32_t prior_cwnd = tcb.snd.cwnd;
  const uint32_t prior_ssthresh = tcb.snd.ssthresh;
  if (first_time) CutWindowOnTimeout(tcb);
  tcb.snd.cwnd = tcb.snd.mss;
  ResendFromUna(tcb);
  if (!repeated) BeginFrto(tcb, prior_cwnd, prior_ssthresh);
}

void OnReorderTimer(Tcb& tcb, Instant now) { LookForLoss(tcb, now); }

void NoteBytesSent(Tcb& tcb, Instant now, SeqNum start, SeqNum end) {
  const SeqNum again_end = Earlier(end, tcb.snd.max);
  if (start.Before(again_end))
    tcb.outgoing->flight.Resend(start, again_end, now);
  if (end.After(tcb.snd.max)) {
    tcb.outgoing->flight.Send(Later(start, tcb.snd.max), end, now);
    tcb.snd.max = end;
  }
  if (tcb.outgoing->recovery.phase == RecoveryPhase::kFastRecovery) {
    tcb.outgoing->recovery.prr.out += end.BytesFrom(start);
  }
}

uint32_t BytesInFlight(const Tcb& tcb) {
  if (tcb.outgoing->recovery.phase == RecoveryPhase::kFastRecovery &&
      !tcb.outgoing->recovery.sack_based) {
    return tcb.outgoing->flight
        .total_bytes();  // RFC 6582 inflates cwnd instead
  }
  return tcb.outgoing->flight.in_flight_bytes();
}

}  // namespace chimney::tcp
