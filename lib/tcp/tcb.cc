// SPDX-License-Identifier: BSD-3-Clause
// Setting up and emptying a control block.
#include "tcp/tcb.h"

#include "tcp/receive_buffer.h"
#include "tcp/timers.h"

namespace chimney::tcp {

void Prepare(Tcb& tcb, const Parameters* params, const ConnectionStore* store,
             bool ipv6, uint32_t path_mtu_bytes) {
  tcb.params = params;
  tcb.store = store;
  tcb.ipv6 = ipv6;
  tcb.path_mtu_bytes = path_mtu_bytes;
}

void Discard(Tcb& tcb) {
  FreeFragments(tcb, tcb.rcv.queue);
  FlushOutOfOrder(tcb);
  if (tcb.reassembly != nullptr) tcb.reassembly->has_duplicate = false;
  EndReassembly(tcb);
  if (tcb.history != nullptr) tcb.store->history->Free(tcb.history);
  tcb.history = nullptr;
  ReleaseWriteChunk(tcb);
  StopAllTimers(tcb);
  tcb.rcv.unread_bytes = 0;
  tcb.rcv.ack_now = false;
  tcb.connection_state = ConnectionState::kClosed;
  if (tcb.outgoing == nullptr) return;
  tcb.outgoing->flight.Clear();
  EndOutgoing(tcb);
}

// All that a fresh Outgoing would not show again.
bool AtRest(const Tcb& tcb) {
  if (tcb.outgoing == nullptr) return true;
  const Outgoing& out = *tcb.outgoing;
  const RecoveryState& recovery = out.recovery;
  const OutgoingTimers& timers = out.timers;
  const bool fin_waits = tcb.snd.fin_queued && !tcb.snd.fin_acked;
  // With pacing, what was sent before says when the next segment may leave.
  return out.completed.empty() && out.queue.empty() && out.flight.empty() &&
         !fin_waits && recovery.phase == RecoveryPhase::kOpen &&
         recovery.frto == FrtoStep::kOff && recovery.dup_ack_count == 0 &&
         !recovery.probe_outstanding && !recovery.retransmit_now &&
         !out.timing.running && !out.cwnd_limited && !out.sws_forced &&
         timers.early.IsNever() && timers.sws.IsNever() &&
         timers.pace.IsNever() && !timers.tail_probe_due &&
         timers.total_rt == Duration() && !tcb.params->pacing;
}

Outgoing& TakeOutgoing(Tcb& tcb) {
  if (tcb.outgoing == nullptr) {
    tcb.outgoing =
        tcb.store->outgoing->Allocate(tcb.store->flight_ranges, tcb.snd.una);
  }
  return *tcb.outgoing;
}

void EndOutgoing(Tcb& tcb) {
  if (tcb.outgoing == nullptr) return;
  const Outgoing& out = *tcb.outgoing;
  if (!out.completed.empty()) return;
  const bool emptied = tcb.connection_state == ConnectionState::kClosed &&
                       out.queue.empty() && out.flight.empty();
  if (emptied || AtRest(tcb)) DropOutgoing(tcb);
}

Reassembly& TakeReassembly(Tcb& tcb) {
  if (tcb.reassembly == nullptr) {
    tcb.reassembly = tcb.store->reassembly->Allocate();
  }
  return *tcb.reassembly;
}

void EndReassembly(Tcb& tcb) {
  const Reassembly* reassembly = tcb.reassembly;
  if (reassembly == nullptr || reassembly->HasHole() ||
      reassembly->sack_count != 0 || reassembly->has_duplicate) {
    return;
  }
  tcb.store->reassembly->Free(tcb.reassembly);
  tcb.reassembly = nullptr;
}

History& TakeHistory(Tcb& tcb) {
  if (tcb.history == nullptr) tcb.history = tcb.store->history->Allocate();
  return *tcb.history;
}

void DropOutgoing(Tcb& tcb) {
  if (tcb.outgoing == nullptr) return;
  tcb.store->outgoing->Free(tcb.outgoing);
  tcb.outgoing = nullptr;
}

}  // namespace chimney::tcp
