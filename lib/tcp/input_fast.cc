// SPDX-License-Identifier: BSD-3-Clause
// The short cut for what nearly every segment of a busy connection is: the next
// bytes in order, or an acknowledgement of more data, and nothing else.
#include "tcp/input.h"
#include "tcp/output.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

bool IsOrdinaryConnection(const Tcb& tcb) {
  return tcb.connection_state == ConnectionState::kEstablished && !tcb.frozen &&
         (tcb.outgoing == nullptr ||
          (tcb.outgoing->recovery.phase == RecoveryPhase::kOpen &&
           tcb.outgoing->flight.sacked_bytes() == 0)) &&
         (tcb.reassembly == nullptr || !tcb.reassembly->fin_held) &&
         tcb.timers.retransmit_use != RetransmitUse::kPersist;
}

bool HasExpectedTimestamp(const Tcb& tcb, const packet::TcpOptions& options) {
  if (!tcb.constant.timestamps_enabled) return true;
  return options.has_timestamps &&
         static_cast<int32_t>(options.tsval - tcb.ts.recent) >= 0;
}

// Every reason to leave the fast path stands here.
bool IsDisqualified(const Tcb& tcb, const packet::Segment& segment) {
  constexpr packet::TcpFlags kSpecial =
      packet::kTcpFin | packet::kTcpSyn | packet::kTcpRst | packet::kTcpUrg;
  if (!segment.flags.ack() || segment.flags.HasAny(kSpecial)) return true;
  if (segment.seq != tcb.rcv.nxt) return true;
  if (!IsOrdinaryConnection(tcb)) return true;
  if (!HasExpectedTimestamp(tcb, segment.options)) return true;
  if (segment.options.sack_count != 0) return true;
  // No window has room for more than is offered; a closed one has for nothing.
  if (segment.payload.size() > tcb.rcv.edge.BytesFrom(tcb.rcv.nxt)) return true;
  if (!segment.ack.AtOrAfter(tcb.snd.una)) return true;
  if (segment.ack.After(tcb.snd.max)) return true;
  // An ACK that tells nothing new may be a duplicate.
  return segment.payload.empty() && segment.ack == tcb.snd.una;
}

}  // namespace

bool ProcessFast(Tcb& tcb, Instant now, const packet::Segment& segment,
                 Outcome* outcome) {
  if (IsDisqualified(tcb, segment)) return false;
  InputContext in{tcb, now, segment, {}, {segment.seq, segment.payload, false}};
  SendState& snd = tcb.snd;
  if (!TellsWindow(in) || WindowOf(in) != snd.wnd) return false;

  ++tcb.counters.segments_in;
  NoteTimestamp(in);
  OnPeerHeard(tcb, now);
  // At rest there is nothing to acknowledge.
  if (segment.ack != snd.una) {
    AckNews news;
    AdvanceUna(in, &news);
    FinishAck(in, news);
  }
  snd.wl1 = segment.seq;
  snd.wl2 = segment.ack;
  in.outcome.reason =
      segment.payload.empty() ? SegmentReason::kAckAdvanced : ProcessText(in);
  Conclude(tcb, now, &in.outcome);
  EndReassembly(tcb);
  EndOutgoing(tcb);
  *outcome = in.outcome;
  return true;
}

}  // namespace chimney::tcp
