// SPDX-License-Identifier: BSD-3-Clause
// What the owner of a connection asks of it: send, consumed, disconnect,
// update.
#include <algorithm>

#include "tcp/congestion.h"
#include "tcp/engine.h"
#include "tcp/output.h"
#include "tcp/receive_buffer.h"
#include "tcp/recovery.h"
#include "tcp/send_queue.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

bool MayStillSend(const Tcb& tcb) {
  return !tcb.snd.fin_queued &&
         (tcb.connection_state == ConnectionState::kEstablished ||
          tcb.connection_state == ConnectionState::kCloseWait);
}

void Reset(Tcb& tcb, Outcome* outcome) {
  if (tcb.connection_state == ConnectionState::kClosed) return;
  FlushOutOfOrder(tcb);
  AbortSends(tcb);
  StopAllTimers(tcb);
  tcb.rcv.ack_now = false;
  tcb.snd.rst_pending = true;
  tcb.connection_state = ConnectionState::kClosed;
  if (!tcb.outgoing->completed.empty()) outcome->events |= kEventSendAcked;
}

bool KeepaliveDiffers(const TcpCachedState& a, const TcpCachedState& b) {
  return a.keepalive_enabled != b.keepalive_enabled ||
         a.ka_timeout != b.ka_timeout || a.ka_interval != b.ka_interval ||
         a.ka_probe_count != b.ka_probe_count;
}

// RFC 1191 section 6.5: what is in flight in segments that are too large now
// never arrives, and its loss says nothing about congestion.
void ChangePathMtu(Tcb& tcb, Instant now, uint32_t path_mtu_bytes) {
  if (path_mtu_bytes == tcb.path_mtu_bytes) return;
  const uint32_t mss_before = tcb.snd.mss;
  tcb.path_mtu_bytes = path_mtu_bytes;
  UpdateMss(tcb);
  const uint32_t outstanding = tcb.snd.max.BytesFrom(tcb.snd.una);
  if (tcb.snd.mss >= mss_before || outstanding <= tcb.snd.mss) return;
  if (tcb.timers.retransmit_use != RetransmitUse::kRetransmit) return;
  // A recovery that this ends leaves its cwnd no more inflated (RFC 6582).
  if (tcb.outgoing->recovery.phase == RecoveryPhase::kFastRecovery) {
    const uint32_t target = std::max(tcb.snd.ssthresh, tcb.snd.mss);
    tcb.snd.cwnd = std::min(tcb.snd.cwnd, target);
  }
  ResendFromUna(tcb);
  ArmRetransmit(tcb, now);
}

}  // namespace

Outcome OnSend(Tcb& tcb, Instant now, SendRecord* record) {
  Outcome outcome;
  Outgoing& outgoing = TakeOutgoing(tcb);
  if (!MayStillSend(tcb)) {
    record->aborted = true;
    outgoing.completed.PushBack(record);
    outcome.events |= kEventSendAcked;
    return outcome;
  }
  const uint32_t bytes = record->length - record->acked_bytes;
  // Only what is first to be sent ends a pause.
  if (outgoing.queued_bytes == 0 && bytes != 0) RestartAfterIdle(tcb, now);
  outgoing.queue.PushBack(record);
  outgoing.queued_bytes += bytes;
  tcb.counters.bytes_sent += record->length;
  // A record without bytes is done as soon as it is first.
  if (ReleaseAcked(tcb, 0)) outcome.events |= kEventSendAcked;
  Conclude(tcb, now, &outcome);
  return outcome;
}

Outcome OnReceiveConsumed(Tcb& tcb, Instant now, uint32_t bytes) {
  Outcome outcome;
  ReceiveState& rcv = tcb.rcv;
  rcv.unread_bytes -= std::min(bytes, rcv.unread_bytes);
  if (rcv.unread_bytes == 0 && tcb.out_of_order_bytes() == 0) {
    ReleaseWriteChunk(tcb);
  }
  if (tcb.connection_state == ConnectionState::kClosed) return outcome;
  if (!tcb.frozen && WindowUpdateDue(tcb)) rcv.ack_now = true;
  Conclude(tcb, now, &outcome);
  return outcome;
}

Outcome OnDisconnect(Tcb& tcb, Instant now, bool abortive) {
  Outcome outcome;
  TakeOutgoing(tcb);
  if (abortive) {
    Reset(tcb, &outcome);
  } else if (MayStillSend(tcb)) {
    tcb.snd.fin_queued = true;
  }
  Conclude(tcb, now, &outcome);
  EndReassembly(tcb);
  EndOutgoing(tcb);
  return outcome;
}

Outcome OnUpdate(Tcb& tcb, Instant now, const TcpCachedState& cached,
                 uint32_t path_mtu_bytes) {
  Outcome outcome;
  const TcpCachedState before = tcb.cached;
  tcb.cached = cached;
  // No window is larger, and no import takes more (RFC 7323 section 2.3).
  tcb.cached.initial_rcv_wnd =
      std::min(cached.initial_rcv_wnd, uint32_t{65535} << 14);
  if (tcb.connection_state == ConnectionState::kClosed ||
      tcb.connection_state == ConnectionState::kTimeWait) {
    tcb.path_mtu_bytes = path_mtu_bytes;
    return outcome;
  }
  TakeOutgoing(tcb);
  if (KeepaliveDiffers(before, cached) && !tcb.timers.validating) {
    RestartKeepalive(tcb, now);
  }
  if (before.max_rt != cached.max_rt) {
    tcb.outgoing->timers.total_rt = Duration();
    tcb.outgoing->timers.backed_off_at = now;
  }
  if (before.initial_rcv_wnd != cached.initial_rcv_wnd && !tcb.frozen &&
      cached.initial_rcv_wnd != tcb.rcv_wnd()) {
    tcb.rcv.ack_now = true;
  }
  ChangePathMtu(tcb, now, path_mtu_bytes);
  Conclude(tcb, now, &outcome);
  EndOutgoing(tcb);
  return outcome;
}

SendRecord* NextCompletedSend(Tcb& tcb) {
  if (tcb.outgoing == nullptr) return nullptr;
  SendRecord* first = tcb.outgoing->completed.front();
  if (first == nullptr) {
    EndOutgoing(tcb);
    return nullptr;
  }
  if (first->io_refs != 0) return nullptr;
  RecordList::Remove(first);
  EndOutgoing(tcb);
  return first;
}

}  // namespace chimney::tcp
