// SPDX-License-Identifier: BSD-3-Clause
// Setting up and emptying a control block.
#include "tcp/tcb.h"

#include <algorithm>
#include <utility>

#include "tcp/receive_buffer.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

// Windows decay within some timeouts of rest (RFC 2861), and CUBIC's epoch and
// HyStart's round trips are of no use with them.
constexpr Duration kHistoryLifetime = Duration::Seconds(60);

}  // namespace

void Prepare(Tcb& tcb, ConnectionStore* store, bool ipv6,
             uint32_t path_mtu_bytes) {
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

namespace {

// All that a fresh Outgoing would not show again, but for a tail probe of which
// nothing was heard.
bool IsQuiet(const Tcb& tcb) {
  const Outgoing& out = *tcb.outgoing;
  const RecoveryState& recovery = out.recovery;
  const OutgoingTimers& timers = out.timers;
  if (!out.completed.empty() || tcb.snd.una != tcb.snd.max) return false;
  const Instant first_timer =
      std::min(std::min(timers.retransmit, timers.early),
               std::min(timers.sws, timers.pace));
  const int pending =
      static_cast<int>(recovery.phase) | static_cast<int>(recovery.frto) |
      recovery.dup_ack_count | static_cast<int>(recovery.retransmit_now) |
      static_cast<int>(out.timing.running) | static_cast<int>(out.sws_forced) |
      static_cast<int>(timers.tail_probe_due) |
      static_cast<int>(tcb.snd.fin_queued && !tcb.snd.fin_acked);
  // With pacing, what was sent before says when the next segment may leave.
  return pending == 0 && first_timer.IsNever() &&
         timers.total_rt == Duration() && out.queued_bytes == 0 &&
         out.queue.empty() && out.flight.empty() && !tcb.params().pacing;
}

}  // namespace

bool AtRest(const Tcb& tcb) {
  return tcb.outgoing == nullptr ||
         (!tcb.outgoing->recovery.probe_outstanding && IsQuiet(tcb));
}

Outgoing& TakeOutgoing(Tcb& tcb) {
  if (tcb.outgoing == nullptr) {
    tcb.outgoing = tcb.store->outgoing->Take();
    tcb.outgoing->Begin(tcb.store->flight_ranges, tcb.snd.una);
  }
  return *tcb.outgoing;
}

void EndOutgoing(Tcb& tcb) {
  if (tcb.outgoing == nullptr || !tcb.outgoing->completed.empty()) return;
  if (AtRest(tcb)) {
    tcb.store->outgoing->GiveBack(std::exchange(tcb.outgoing, nullptr));
  } else if (tcb.connection_state == ConnectionState::kClosed &&
             tcb.outgoing->queue.empty() && tcb.outgoing->flight.empty()) {
    DropOutgoing(tcb);
  }
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

Instant HistoryDeadline(const Tcb& tcb) {
  if (tcb.history == nullptr || tcb.frozen ||
      tcb.connection_state == ConnectionState::kClosed) {
    return Instant::Never();
  }
  if (tcb.outgoing != nullptr &&
      !(tcb.outgoing->recovery.probe_outstanding && IsQuiet(tcb))) {
    return Instant::Never();
  }
  const ChallengeState& challenge = tcb.history->challenge;
  return std::max({tcb.snd.last_sent_at + kHistoryLifetime, challenge.next_rst,
                   challenge.next_syn, challenge.next_ack});
}

void EndHistory(Tcb& tcb, Instant now) {
  if (now < HistoryDeadline(tcb)) return;
  if (tcb.outgoing != nullptr) {
    tcb.outgoing->recovery.probe_outstanding = false;
    EndOutgoing(tcb);
  }
  tcb.store->history->Free(std::exchange(tcb.history, nullptr));
}

void DropOutgoing(Tcb& tcb) {
  if (tcb.outgoing == nullptr) return;
  tcb.outgoing->Clear();
  tcb.store->outgoing->GiveBack(std::exchange(tcb.outgoing, nullptr));
}

}  // namespace chimney::tcp
