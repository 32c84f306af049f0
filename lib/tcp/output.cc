// SPDX-License-Identifier: BSD-3-Clause
// Segments out: choosing the next one, building it, and noting that it left.
#include "tcp/output.h"

#include <algorithm>

#include "packet/tcp_header.h"
#include "tcp/congestion.h"
#include "tcp/pacing.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/send_queue.h"
#include "tcp/tail_probe.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

SendPlan MakePlan(PlanKind kind, SeqNum seq, uint32_t bytes, bool fin) {
  SendPlan plan;
  plan.kind = kind;
  plan.seq = seq;
  plan.bytes = bytes;
  plan.fin = fin;
  return plan;
}

SendPlan HoldPlan(HoldReason reason) {
  SendPlan plan;
  plan.hold = reason;
  return plan;
}

// Data bytes of the queue from `seq` up to `end`, and whether `end` also takes
// in a FIN that was sent.
SendPlan PlanRange(Tcb& tcb, PlanKind kind, SeqNum seq, SeqNum end) {
  const SendState& snd = tcb.snd;
  const uint32_t offset = seq.BytesFrom(snd.una);
  const uint64_t queued = tcb.outgoing->queued_bytes;
  const uint64_t data_left = queued > offset ? queued - offset : 0;
  const uint32_t span = end.BytesFrom(seq);
  const auto data = static_cast<uint32_t>(
      std::min<uint64_t>(data_left, std::min(span, SegmentLimit(tcb))));
  const uint32_t bytes =
      MeasurePayload(tcb, tcb.outgoing->recovery.cursor, seq, data).bytes;
  const bool fin =
      snd.fin_sent && !snd.fin_acked && bytes == data_left && span > bytes;
  return MakePlan(kind, seq, bytes, fin);
}

// The first lost bytes. What reaches SND.MAX takes new bytes along.
SendPlan PlanRetransmit(Tcb& tcb) {
  const SendState& snd = tcb.snd;
  const RecoveryState& recovery = tcb.outgoing->recovery;
  if (recovery.frto == FrtoStep::kSecondAck) return {};  // new data decides
  const FlightRange* lost = tcb.outgoing->flight.FirstLost();
  if (lost == nullptr) return {};
  const SeqNum edge = snd.una + snd.wnd;
  if (lost->start.AtOrAfter(edge)) return HoldPlan(HoldReason::kWindow);
  if (!recovery.retransmit_now && BytesInFlight(tcb) + snd.mss > snd.cwnd) {
    NoteCwndLimited(tcb);
    return HoldPlan(HoldReason::kCwnd);
  }
  SeqNum end = lost->end;
  if (end == snd.max && !snd.fin_sent) {
    end = snd.una + static_cast<uint32_t>(std::min<uint64_t>(
                        tcb.outgoing->queued_bytes, snd.wnd));
  }
  return PlanRange(tcb, PlanKind::kRetransmit, lost->start, Earlier(end, edge));
}

// New data if the window takes it, else the last segment once more: its SACK
// or ACK shows what else is missing.
SendPlan PlanTailProbe(Tcb& tcb) {
  const SendState& snd = tcb.snd;
  const uint32_t outstanding = snd.max.BytesFrom(snd.una);
  if (outstanding == 0 || snd.wnd == 0) return {};
  const uint64_t queued = tcb.outgoing->queued_bytes;
  if (queued > outstanding && snd.wnd > outstanding) {
    const auto room =
        static_cast<uint32_t>(std::min<uint64_t>(queued, snd.wnd));
    return PlanRange(tcb, PlanKind::kTailProbe, snd.max, snd.una + room);
  }
  // As much of the end as one segment takes; of small records that is less.
  const uint32_t span = std::min(outstanding, SegmentLimit(tcb));
  SendPlan plan = PlanRange(tcb, PlanKind::kTailProbe, snd.max - span, snd.max);
  while (plan.bytes != 0 && !plan.fin && plan.seq + plan.bytes != snd.max) {
    plan = PlanRange(tcb, PlanKind::kTailProbe, plan.seq + plan.bytes, snd.max);
  }
  return plan;
}

// One byte at SND.UNA, new or refused before; or the FIN.
SendPlan PlanWindowProbe(const Tcb& tcb) {
  const SendState& snd = tcb.snd;
  if (tcb.outgoing->queued_bytes != 0) {
    return MakePlan(PlanKind::kWindowProbe, snd.una, 1, false);
  }
  if (!snd.fin_queued || snd.fin_acked) return {};
  return MakePlan(PlanKind::kWindowProbe, snd.una, 0, true);
}

// Where a segment without data stands: SND.NXT of the RFC, which is SND.MAX
// here, unless the peer shrank its window and would not accept that. Rounding
// by the scale is no shrinking.
SeqNum BareSeq(const Tcb& tcb) {
  const SendState& snd = tcb.snd;
  const SeqNum edge = snd.una + snd.wnd;
  if (snd.max.AtOrBefore(edge) || snd.probe_taken) return snd.max;
  const uint32_t unit = tcb.constant.window_scaling_enabled
                            ? 1u << tcb.constant.snd_wind_scale
                            : 1u;
  return snd.wnd != 0 && snd.max.BytesFrom(edge) < unit ? snd.max : edge;
}

SendPlan PlanProbe(Tcb& tcb) {
  if (tcb.timers.window_probe_due) {
    const SendPlan probe = PlanWindowProbe(tcb);
    if (probe.kind != PlanKind::kNothing) return probe;
  }
  return PlanRetransmit(tcb);
}

// A connection that waits for its upload only pays the ACKs it owes (R98).
bool MaySendData(const Tcb& tcb) {
  return !tcb.frozen && tcb.connection_state != ConnectionState::kClosed &&
         tcb.connection_state != ConnectionState::kTimeWait;
}

packet::TcpFlags FlagsFor(const SendPlan& plan, bool push) {
  packet::TcpFlags flags = packet::kTcpAck;
  if (plan.kind == PlanKind::kReset) flags |= packet::kTcpRst;
  if (plan.fin) flags |= packet::kTcpFin;
  if (push) flags |= packet::kTcpPsh;
  return flags;
}

void Build(Tcb& tcb, Instant now, const SendPlan& plan, OutSegment* out) {
  *out = OutSegment{};
  out->seq = plan.seq;
  out->ack = tcb.rcv.nxt;
  out->options = OptionsNow(tcb, now);
  PayloadShape shape;
  if (plan.bytes != 0) {
    SendCursor& cursor = plan.kind == PlanKind::kData
                             ? tcb.outgoing->cursor
                             : tcb.outgoing->recovery.cursor;
    shape = CollectPayload(tcb, cursor, plan.seq, plan.bytes, out);
  }
  out->payload_bytes = shape.bytes;
  out->flags = FlagsFor(plan, shape.push);
  out->raw_window = AdvertiseWindow(tcb);
  const bool occupies = plan.bytes != 0 || plan.fin;
  out->retransmission = occupies && plan.seq.Before(tcb.snd.max);
}

// Every segment carries the acknowledgement, but a peer need not look at that
// of a segment it has seen before: then the ACK stays owed.
void NoteAckSent(Tcb& tcb, const SendPlan& plan, const OutSegment& out) {
  ReceiveState& rcv = tcb.rcv;
  if (out.options.has_timestamps) tcb.ts.sent_max = out.options.tsval;
  if (out.retransmission || plan.kind == PlanKind::kKeepaliveProbe) return;
  rcv.ack_now = rcv.duplicate_acks != 0;
  if (rcv.ack_now) --rcv.duplicate_acks;
  rcv.unacked_segments = 0;
  if (tcb.reassembly != nullptr) tcb.reassembly->has_duplicate = false;
  tcb.ts.last_ack_sent = rcv.nxt;
  tcb.timers.delayed_ack = Instant::Never();
}

void NoteFinSent(Tcb& tcb) {
  if (tcb.snd.fin_sent) return;
  tcb.snd.fin_sent = true;
  if (tcb.connection_state == ConnectionState::kEstablished) {
    tcb.connection_state = ConnectionState::kFinWait1;
  } else if (tcb.connection_state == ConnectionState::kCloseWait) {
    tcb.connection_state = ConnectionState::kLastAck;
  }
}

// Sequence space left: moves SND.MAX, times new data (Karn: nothing that was
// sent twice).
void NoteSequenceSent(Tcb& tcb, Instant now, const SendPlan& plan) {
  SendState& snd = tcb.snd;
  const SeqNum end = plan.seq + plan.bytes + (plan.fin ? 1 : 0);
  if (plan.fin) NoteFinSent(tcb);
  if (plan.seq.Before(snd.max)) {
    ++TakeHistory(tcb).counters.segments_retransmitted;
    const SegmentTiming& timing = tcb.outgoing->timing;
    if (timing.running && plan.seq.Before(timing.end)) StopTiming(tcb);
  } else if (plan.kind == PlanKind::kData) {
    StartTiming(tcb, now, end);
    if (plan.bytes != 0 && plan.bytes < snd.mss) tcb.outgoing->small_end = end;
  }
  NoteBytesSent(tcb, now, plan.seq, end);
  snd.last_sent_at = now;
}

// The probe is due some time after the last segment, the timeout after the
// first one.
void NoteDataSent(Tcb& tcb, Instant now, const SendPlan& plan,
                  bool timer_runs) {
  tcb.outgoing->sws_forced = false;
  tcb.outgoing->timers.tail_probe_due = false;
  tcb.outgoing->timers.sws = Instant::Never();
  NoteSequenceSent(tcb, now, plan);
  if (!timer_runs) {
    ArmRetransmit(tcb, now);
  } else {
    ArmTailProbe(tcb, now);
  }
}

void NoteSent(Tcb& tcb, Instant now, const SendPlan& plan) {
  const SeqNum end = plan.seq + plan.bytes + (plan.fin ? 1 : 0);
  const bool timer_runs =
      tcb.timers.retransmit_use == RetransmitUse::kRetransmit;
  switch (plan.kind) {
    case PlanKind::kData:
      NoteDataSent(tcb, now, plan, timer_runs);
      break;
    case PlanKind::kRetransmit: {
      NoteSequenceSent(tcb, now, plan);
      const bool first = plan.seq == tcb.snd.una;
      if (first || !timer_runs) ArmRetransmit(tcb, now);
      tcb.outgoing->recovery.retransmit_now = false;
      break;
    }
    case PlanKind::kTailProbe: {
      const bool again = plan.seq.Before(tcb.snd.max);
      NoteSequenceSent(tcb, now, plan);
      NoteTailProbe(tcb, end, again);
      ArmRetransmit(tcb, now);
      break;
    }
    case PlanKind::kWindowProbe:
      NoteSequenceSent(tcb, now, plan);
      tcb.timers.window_probe_due = false;
      ++TakeHistory(tcb).counters.window_probes;
      break;
    case PlanKind::kKeepaliveProbe:
      tcb.timers.keepalive_probe_due = false;
      break;
    case PlanKind::kReset:
      tcb.snd.rst_pending = false;
      break;
    case PlanKind::kAck:
    case PlanKind::kNothing:
      break;
  }
}

void ArmHoldTimers(Tcb& tcb, Instant now, HoldReason hold) {
  if (tcb.outgoing == nullptr) return;  // nothing is held back
  Outgoing& out = *tcb.outgoing;
  if (hold != HoldReason::kSws) {
    out.timers.sws = Instant::Never();
    out.sws_forced = false;
  } else if (out.timers.sws.IsNever()) {
    out.timers.sws = now + tcb.params().sws_override;
  }
  if (hold == HoldReason::kWindow && tcb.snd.wnd == 0 &&
      tcb.snd.una == tcb.snd.max &&
      tcb.timers.retransmit_use != RetransmitUse::kPersist) {
    StartPersist(tcb, now);
  }
}

}  // namespace

packet::TcpOptions OptionsNow(const Tcb& tcb, Instant now) {
  packet::TcpOptions options;
  if (tcb.constant.timestamps_enabled) {
    options.has_timestamps = true;
    options.tsval = TimestampNow(tcb, now);
    options.tsecr = tcb.ts.recent;
  }
  const Reassembly* reassembly = tcb.reassembly;
  if (!tcb.constant.sack_enabled || reassembly == nullptr) return options;
  const uint8_t fit = packet::SackBlocksThatFit(options);
  if (reassembly->has_duplicate) {
    options.sack[options.sack_count++] = reassembly->duplicate;
  }
  for (uint8_t i = 0; i < reassembly->sack_count && options.sack_count < fit;
       ++i) {
    options.sack[options.sack_count++] = reassembly->sack_blocks[i];
  }
  return options;
}

uint32_t SegmentLimit(const Tcb& tcb) {
  if (tcb.reassembly == nullptr ||
      (tcb.reassembly->sack_count == 0 && !tcb.reassembly->has_duplicate)) {
    return tcb.snd.mss;
  }
  const size_t options = packet::TcpOptionsBytes(OptionsNow(tcb, Instant()));
  return BaseMss(tcb) - static_cast<uint32_t>(options);
}

namespace {

// Whether PlanSequence can find anything, or a reason to hold it: mostly all
// that there is has been sent and is on its way.
bool HasSequenceToSend(const Tcb& tcb) {
  const SendState& snd = tcb.snd;
  const Outgoing& out = *tcb.outgoing;
  return out.queued_bytes > snd.max.BytesFrom(snd.una) ||
         (snd.fin_queued && !snd.fin_sent) || out.flight.lost_bytes() != 0 ||
         tcb.timers.window_probe_due || out.timers.tail_probe_due;
}

// What takes sequence numbers: data, a FIN, or a probe by one of them.
SendPlan PlanSequence(Tcb& tcb) {
  SendPlan plan;
  if (tcb.timers.window_probe_due || tcb.outgoing->flight.lost_bytes() != 0) {
    plan = PlanProbe(tcb);
  }
  if (plan.kind == PlanKind::kNothing && plan.hold == HoldReason::kNone) {
    plan = PlanData(tcb);
  }
  if (plan.kind == PlanKind::kNothing && tcb.outgoing->timers.tail_probe_due) {
    const HoldReason hold = plan.hold;
    plan = PlanTailProbe(tcb);
    plan.hold = hold;
  }
  return plan;
}

}  // namespace

SendPlan PlanNext(Tcb& tcb) {
  if (tcb.snd.rst_pending) {
    return MakePlan(PlanKind::kReset, BareSeq(tcb), 0, false);
  }
  if (tcb.connection_state == ConnectionState::kClosed) return {};
  SendPlan plan;
  const Outgoing* outgoing = tcb.outgoing;
  if (MaySendData(tcb) &&
      (outgoing == nullptr || outgoing->timers.pace.IsNever())) {
    if (outgoing != nullptr && HasSequenceToSend(tcb)) plan = PlanSequence(tcb);
    if (plan.kind != PlanKind::kNothing) return plan;
    if (tcb.timers.keepalive_probe_due) {
      // RFC 1122 section 4.2.3.6: below what the peer has acknowledged.
      return MakePlan(PlanKind::kKeepaliveProbe, tcb.snd.una - 1, 0, false);
    }
  }
  if (tcb.rcv.ack_now) {
    const HoldReason hold = plan.hold;
    plan = MakePlan(PlanKind::kAck, BareSeq(tcb), 0, false);
    plan.hold = hold;
  }
  return plan;
}

bool HasOutput(Tcb& tcb) { return PlanNext(tcb).kind != PlanKind::kNothing; }

void Conclude(Tcb& tcb, Instant now, Outcome* outcome) {
  const SendPlan plan = PlanNext(tcb);
  if (plan.kind != PlanKind::kNothing) outcome->events |= kEventOutput;
  // A pure ACK leaves what is held where it is; anything else leads to another
  // decision when it has been sent.
  if (plan.kind == PlanKind::kNothing || plan.kind == PlanKind::kAck) {
    ArmHoldTimers(tcb, now, plan.hold);
  }
}

bool NextSegment(Tcb& tcb, Instant now, OutSegment* out) {
  const SendPlan plan = PlanNext(tcb);
  if (plan.kind == PlanKind::kNothing) {
    if (tcb.connection_state != ConnectionState::kClosed && !tcb.frozen) {
      ArmHoldTimers(tcb, now, plan.hold);
    }
    return false;
  }
  Build(tcb, now, plan, out);
  NoteSent(tcb, now, plan);
  NoteAckSent(tcb, plan, *out);
  NotePaced(tcb, now, plan.bytes);
  EndReassembly(tcb);
  ++tcb.counters.segments_out;
  return true;
}

void ForgetDuplicateAcks(Tcb& tcb) { tcb.rcv.duplicate_acks = 0; }

void FlushOwedAck(Tcb& tcb) {
  if (tcb.rcv.unacked_segments != 0 || !tcb.timers.delayed_ack.IsNever()) {
    tcb.rcv.ack_now = true;
  }
}

}  // namespace chimney::tcp
