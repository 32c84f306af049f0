// SPDX-License-Identifier: BSD-3-Clause
// What always holds for a connection between two calls. For tests and
// simulators: it walks every list.
#include "tcp/engine.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

// Lists have no reading iterator; nothing is written here.
template <typename List>
List& Readable(const List& list) {
  return const_cast<List&>(list);
}

const char* CheckSendNumbers(const Tcb& tcb) {
  const SendState& snd = tcb.snd;
  if (snd.max.Before(snd.una)) return "SND.MAX before SND.UNA";
  const uint32_t fin = snd.fin_sent && !snd.fin_acked ? 1 : 0;
  if (snd.max.BytesFrom(snd.una) > tcb.unacked_send_bytes() + fin) {
    return "more in flight than the queue holds";
  }
  if (snd.fin_sent && !snd.fin_queued) return "FIN sent but never asked for";
  if (snd.fin_acked && !snd.fin_sent) return "FIN acknowledged but never sent";
  if (snd.fin_acked && tcb.unacked_send_bytes() != 0)
    return "data behind our FIN";
  if (snd.mss == 0 || snd.cwnd < snd.mss) return "cwnd below one segment";
  return nullptr;
}

const char* CheckSendQueue(const Tcb& tcb) {
  if (tcb.outgoing == nullptr) return nullptr;
  uint64_t bytes = 0;
  bool first = true;
  for (const SendRecord& record : Readable(tcb.outgoing->queue)) {
    if (record.acked_bytes > record.length)
      return "record acked beyond its end";
    if (!first && record.acked_bytes != 0) return "acked record behind another";
    if (first && record.acked_bytes == record.length) {
      return "finished record still queued";
    }
    bytes += record.length - record.acked_bytes;
    first = false;
  }
  return bytes == tcb.outgoing->queued_bytes ? nullptr
                                             : "queued bytes miscounted";
}

const char* CheckFlight(const Tcb& tcb) {
  if (tcb.outgoing == nullptr) {
    return tcb.snd.una == tcb.snd.max ? nullptr : "in flight, yet at rest";
  }
  const Flight& flight = tcb.outgoing->flight;
  SeqNum next = tcb.snd.una;
  uint32_t sacked = 0;
  uint32_t lost = 0;
  size_t count = 0;
  for (const FlightRange* range = flight.front(); range != nullptr;
       range = flight.Next(range)) {
    if (range->start != next) return "gap in the flight";
    if (range->start.AtOrAfter(range->end)) return "empty range in flight";
    if (range->fate == FlightFate::kSacked) sacked += range->bytes();
    if (range->fate == FlightFate::kLost) lost += range->bytes();
    next = range->end;
    ++count;
  }
  if (next != tcb.snd.max) return "flight does not end at SND.MAX";
  if (count != flight.range_count()) return "flight ranges miscounted";
  if (flight.total_bytes() != tcb.snd.max.BytesFrom(tcb.snd.una)) {
    return "flight bytes miscounted";
  }
  if (sacked != flight.sacked_bytes()) return "SACKed bytes miscounted";
  return lost == flight.lost_bytes() ? nullptr : "lost bytes miscounted";
}

const char* CheckReceiveQueue(const Tcb& tcb) {
  const ReceiveState& rcv = tcb.rcv;
  if (rcv.edge.Before(rcv.nxt)) return "right edge before RCV.NXT";
  const SeqNum end = rcv.nxt - (rcv.fin_received ? 1 : 0);
  uint64_t bytes = 0;
  SeqNum next;
  for (const Fragment& fragment : Readable(rcv.queue)) {
    if (fragment.length == 0) return "empty fragment";
    if (bytes != 0 && fragment.seq != next) return "gap in the receive queue";
    if (!tcb.store->chunks->IsHeld(fragment.chunk)) return "freed chunk in use";
    next = fragment.seq + fragment.length;
    bytes += fragment.length;
  }
  if (bytes != 0 && next != end) return "receive queue does not end at RCV.NXT";
  return bytes <= rcv.unread_bytes ? nullptr : "unread bytes miscounted";
}

const char* CheckReassembly(const Tcb& tcb) {
  if (tcb.reassembly == nullptr) return nullptr;
  const Reassembly& reassembly = *tcb.reassembly;
  const ReceiveState& rcv = tcb.rcv;
  uint32_t bytes = 0;
  uint32_t count = 0;
  SeqNum last = rcv.nxt;
  for (const Fragment& fragment : Readable(reassembly.out_of_order)) {
    if (count == 0 && fragment.seq == rcv.nxt) return "in-order data not moved";
    if (fragment.seq.Before(last)) return "out-of-order data overlap";
    if (!tcb.store->chunks->IsHeld(fragment.chunk)) return "freed chunk in use";
    last = fragment.seq + fragment.length;
    bytes += fragment.length;
    ++count;
  }
  if (count != 0 && last.After(rcv.edge)) return "data beyond the window";
  if (bytes != reassembly.bytes) return "out-of-order bytes miscounted";
  if (count != reassembly.count) return "fragments miscounted";
  for (uint8_t i = 0; i < reassembly.sack_count; ++i) {
    if (reassembly.sack_blocks[i].start.AtOrBefore(rcv.nxt)) {
      return "SACK block reaches RCV.NXT";
    }
  }
  return nullptr;
}

const char* CheckStateAndTimers(const Tcb& tcb) {
  const ConnectionState state = tcb.connection_state;
  const bool fin_sent_state = state == ConnectionState::kFinWait1 ||
                              state == ConnectionState::kFinWait2 ||
                              state == ConnectionState::kClosing ||
                              state == ConnectionState::kLastAck ||
                              state == ConnectionState::kTimeWait;
  if (fin_sent_state != tcb.snd.fin_sent) return "state and sent FIN differ";
  const bool fin_received_state = state == ConnectionState::kCloseWait ||
                                  state == ConnectionState::kClosing ||
                                  state == ConnectionState::kLastAck ||
                                  state == ConnectionState::kTimeWait;
  if (fin_received_state != tcb.rcv.fin_received) {
    return "state and received FIN differ";
  }
  if (tcb.frozen || state == ConnectionState::kTimeWait) return nullptr;
  if (tcb.snd.una != tcb.snd.max && tcb.outgoing->timers.retransmit.IsNever()) {
    return "data in flight without a timer";
  }
  return nullptr;
}

}  // namespace

const char* CheckInvariants(const Tcb& tcb) {
  const char* fault = CheckReceiveQueue(tcb);
  if (fault == nullptr) fault = CheckSendQueue(tcb);
  if (tcb.connection_state == ConnectionState::kClosed) return fault;
  using Check = const char* (*)(const Tcb&);
  constexpr Check kChecks[] = {CheckSendNumbers, CheckFlight, CheckReassembly,
                               CheckStateAndTimers};
  for (const Check check : kChecks) {
    if (fault == nullptr) fault = check(tcb);
  }
  return fault;
}

}  // namespace chimney::tcp
