// SPDX-License-Identifier: BSD-3-Clause
// Seventh and eighth step: segment text and FIN.
#include <algorithm>

#include "tcp/input.h"
#include "tcp/receive_buffer.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

// As many as make a peer send again.
constexpr uint8_t kMostDuplicateAcks = 3;

bool AcceptsText(ConnectionState state) {
  return state == ConnectionState::kEstablished ||
         state == ConnectionState::kFinWait1 ||
         state == ConnectionState::kFinWait2;
}

// RFC 9293: the FIN is in sequence. What was held beyond it goes (R164).
void AcceptFin(InputContext& in) {
  Tcb& tcb = in.tcb;
  FlushOutOfOrder(tcb);
  tcb.rcv.duplicate_acks = 0;
  tcb.rcv.nxt += 1;
  tcb.rcv.edge = Later(tcb.rcv.edge, tcb.rcv.nxt);
  tcb.rcv.fin_received = true;
  tcb.rcv.ack_now = true;
  in.outcome.events |= kEventFinReceived;
  switch (tcb.connection_state) {
    case ConnectionState::kEstablished:
      tcb.connection_state = ConnectionState::kCloseWait;
      break;
    case ConnectionState::kFinWait1:
      tcb.connection_state = ConnectionState::kClosing;
      break;
    case ConnectionState::kFinWait2:
      tcb.connection_state = ConnectionState::kTimeWait;
      in.outcome.events |= kEventTimeWait;
      StopAllTimers(tcb);
      break;
    default:
      break;
  }
}

// RFC 5681 section 4.2: at once for every second segment and when a hole is
// filled, else soon.
void ScheduleAck(InputContext& in, bool filled_hole) {
  ReceiveState& rcv = in.tcb.rcv;
  if (rcv.unacked_segments != UINT8_MAX) ++rcv.unacked_segments;
  if (rcv.quick_acks != 0) {
    --rcv.quick_acks;
    rcv.ack_now = true;
  }
  if (filled_hole ||
      rcv.unacked_segments >= in.tcb.params().ack_frequency_segments) {
    rcv.ack_now = true;
  }
  Instant& timer = in.tcb.timers.delayed_ack;
  timer = std::min(timer, in.now + in.tcb.params().delayed_ack);
}

SegmentReason ProcessInOrder(InputContext& in) {
  Tcb& tcb = in.tcb;
  ReceiveState& rcv = tcb.rcv;
  const ByteSpan payload = in.arrival.payload;
  SegmentReason reason = SegmentReason::kNone;
  const bool had_hole = tcb.HasHole();
  if (in.arrival.fin) FlushOutOfOrder(tcb);
  if (!payload.empty()) {
    const uint32_t stored = StoreInOrder(tcb, payload);
    if (stored == 0) return SegmentReason::kNoReceiveMemory;
    in.outcome.events |= kEventReceiveReady | kEventForwardProgress;
    ScheduleAck(in, had_hole);
    if (stored != payload.size()) return SegmentReason::kNoReceiveMemory;
    reason = SegmentReason::kDataInOrder;
  }
  const Reassembly* reassembly = tcb.reassembly;
  const bool held_fin_reached = reassembly != nullptr && reassembly->fin_held &&
                                rcv.nxt == reassembly->fin_seq;
  if (in.arrival.fin || held_fin_reached) {
    AcceptFin(in);
    if (in.arrival.fin) reason = SegmentReason::kFinInOrder;
  }
  return reason;
}

// R165 and its mirror: data and an out-of-order FIN contradict each other.
bool ContradictsFin(Tcb& tcb, const Arrival& arrival) {
  Reassembly* reassembly = tcb.reassembly;
  if (reassembly == nullptr) return false;
  const SeqNum end =
      arrival.seq + static_cast<uint32_t>(arrival.payload.size());
  if (reassembly->fin_held) {
    return end.After(reassembly->fin_seq) ||
           (arrival.fin && end != reassembly->fin_seq);
  }
  // In order a FIN is believed, whatever is held beyond it (R164).
  if (!arrival.fin || arrival.seq == tcb.rcv.nxt) return false;
  const Fragment* last = reassembly->out_of_order.back();
  if (last == nullptr) return false;
  return (last->seq + last->length).After(end);
}

SegmentReason InsertReason(InsertResult result, bool fin) {
  switch (result) {
    case InsertResult::kFull:
      return SegmentReason::kReassemblyFull;
    case InsertResult::kNoMemory:
      return SegmentReason::kNoReceiveMemory;
    case InsertResult::kDuplicate:
      return fin ? SegmentReason::kFinOutOfOrder
                 : SegmentReason::kDataDuplicate;
    case InsertResult::kStored:
      break;
  }
  return fin ? SegmentReason::kFinOutOfOrder : SegmentReason::kDataOutOfOrder;
}

// RFC 5681 section 4.2: one for each segment, also of those that a worker takes
// in before it sends. A peer that is told by SACK need not count.
void OweDuplicateAck(Tcb& tcb) {
  ReceiveState& rcv = tcb.rcv;
  if (rcv.ack_now && !tcb.constant.sack_enabled &&
      rcv.duplicate_acks < kMostDuplicateAcks) {
    ++rcv.duplicate_acks;
  }
  rcv.ack_now = true;
}

SegmentReason ProcessOutOfOrder(InputContext& in) {
  Tcb& tcb = in.tcb;
  const Arrival& arrival = in.arrival;
  const SeqNum end =
      arrival.seq + static_cast<uint32_t>(arrival.payload.size());
  OweDuplicateAck(tcb);
  Reassembly& reassembly = TakeReassembly(tcb);
  InsertResult result = InsertResult::kDuplicate;
  if (!arrival.payload.empty()) {
    result = InsertOutOfOrder(tcb, arrival.seq, arrival.payload);
    if (result == InsertResult::kDuplicate && tcb.constant.sack_enabled) {
      reassembly.duplicate = {arrival.seq, end};
      reassembly.has_duplicate = true;
    }
  }
  const bool complete =
      result == InsertResult::kStored || result == InsertResult::kDuplicate;
  if (arrival.fin && complete) {
    reassembly.fin_held = true;
    reassembly.fin_seq = end;
  }
  return InsertReason(result, arrival.fin && complete);
}

// RFC 9293 section 3.8.6.1: told where we stand, by whoever still stands.
SegmentReason RefuseProbe(Tcb& tcb) {
  tcb.rcv.ack_now = tcb.connection_state != ConnectionState::kClosed;
  return SegmentReason::kZeroWindowProbe;
}

}  // namespace

SegmentReason ProcessText(InputContext& in) {
  Tcb& tcb = in.tcb;
  const Arrival& arrival = in.arrival;
  if (arrival.payload.empty() && !arrival.fin) {
    const bool probe = in.segment.length() != 0 && tcb.rcv.edge == tcb.rcv.nxt;
    return probe ? RefuseProbe(tcb) : SegmentReason::kNone;
  }
  if (!AcceptsText(tcb.connection_state)) return SegmentReason::kDataAfterFin;
  if (ContradictsFin(tcb, arrival)) {
    FlushOutOfOrder(tcb);
    tcb.rcv.ack_now = true;
    return SegmentReason::kDataBeyondHeldFin;
  }
  if (arrival.seq == tcb.rcv.nxt) return ProcessInOrder(in);
  return ProcessOutOfOrder(in);
}

}  // namespace chimney::tcp
