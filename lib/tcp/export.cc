// SPDX-License-Identifier: BSD-3-Clause
// Handing a connection back, and showing its state without doing so
// (R58, R90-R102).
#include <algorithm>

#include "tcp/congestion.h"
#include "tcp/engine.h"
#include "tcp/receive_buffer.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

TimerState ShowTimer(Instant deadline, uint8_t count, Instant now) {
  TimerState timer;
  timer.count = count;
  timer.running = !deadline.IsNever();
  if (timer.running) timer.delta = std::max(deadline - now, Duration());
  return timer;
}

// Inside a fast recovery cwnd says what may leave at the moment; the receiver
// of this state gets what the recovery will end with.
uint32_t ShownCwnd(const Tcb& tcb) {
  if (tcb.outgoing == nullptr ||
      tcb.outgoing->recovery.phase != RecoveryPhase::kFastRecovery) {
    return tcb.snd.cwnd;
  }
  // No window is below one segment, should they have grown since it began.
  return std::clamp(tcb.snd.ssthresh, tcb.snd.mss, kMaxCwnd);
}

// R192. The threshold says that a recovery has begun, whatever showed the loss,
// and has sent again what was missing (else SND.NXT shows that); duplicates
// that did not start one do not count up to it, and the echoes of our own
// resending not at all.
uint8_t ShownDupAckCount(const Tcb& tcb) {
  if (tcb.outgoing == nullptr) return 0;
  const uint8_t count = tcb.outgoing->recovery.dup_ack_count;
  const uint8_t threshold =
      std::max<uint8_t>(tcb.params().duplicate_ack_threshold, 1);
  if (tcb.outgoing->recovery.phase == RecoveryPhase::kFastRecovery &&
      tcb.outgoing->flight.lost_bytes() == 0) {
    return std::max(count, threshold);
  }
  // While something is still to be sent again, SND.NXT says so.
  if (tcb.outgoing->flight.lost_bytes() == 0 && DuplicatesAreEchoes(tcb))
    return 0;
  return std::min<uint8_t>(count, threshold - 1);
}

}  // namespace

TcpState Query(const Tcb& tcb, Instant now) {
  TcpState state;
  state.constant = tcb.constant;
  state.cached = tcb.cached;
  TcpDelegatedState& d = state.delegated;
  d.state = tcb.connection_state;
  d.fin_queued = tcb.snd.fin_queued && !tcb.snd.fin_sent;
  d.rcv_nxt = tcb.rcv.nxt;
  d.rcv_wnd = tcb.rcv_wnd();
  d.snd_una = tcb.snd.una;
  d.snd_nxt = tcb.snd_nxt();
  d.snd_max = tcb.snd.max;
  d.snd_wnd = tcb.snd.wnd;
  d.max_snd_wnd = tcb.snd.max_wnd;
  d.snd_wl1 = tcb.snd.wl1;
  d.cwnd = ShownCwnd(tcb);
  d.ssthresh = tcb.snd.ssthresh;
  d.srtt = tcb.rtt.srtt;
  d.rttvar = tcb.rtt.rttvar;
  d.ts_recent = tcb.ts.recent;
  d.ts_recent_age = now - tcb.ts.recent_at;
  d.ts_time = TimestampNow(tcb, now);
  d.total_rt = TotalRetransmitTime(tcb, now);
  d.dup_ack_count = ShownDupAckCount(tcb);
  d.snd_wnd_probe_count = tcb.timers.probe_round;
  d.keepalive =
      ShowTimer(tcb.timers.keepalive, tcb.timers.keepalive_count, now);
  d.retransmit =
      ShowTimer(tcb.outgoing == nullptr ? Instant::Never()
                                        : tcb.outgoing->timers.retransmit,
                tcb.timers.retransmit_count, now);
  return state;
}

PublishedView Published(const Tcb& tcb) {
  PublishedView view;
  view.rcv_nxt = tcb.rcv.nxt.value();
  view.rcv_edge = tcb.rcv.edge.value();
  view.snd_una = tcb.snd.una.value();
  view.snd_nxt = tcb.snd_nxt().value();
  view.snd_max = tcb.snd.max.value();
  view.tsval_max = tcb.ts.sent_max;
  view.snd_wnd = tcb.snd.wnd;
  view.state = static_cast<uint8_t>(tcb.connection_state);
  view.fin_sent = tcb.snd.fin_sent ? 1 : 0;
  view.fin_received = tcb.rcv.fin_received ? 1 : 0;
  view.fin_queued = tcb.snd.fin_queued ? 1 : 0;
  view.bytes_sent = tcb.counters.bytes_sent;
  view.bytes_received = tcb.counters.bytes_received;
  return view;
}

void Export(Tcb& tcb, Instant now, Exported* out) {
  out->state = Query(tcb, now);
  out->receive_data.SpliceBack(&tcb.rcv.queue);
  if (tcb.reassembly != nullptr) {
    out->out_of_order.SpliceBack(&tcb.reassembly->out_of_order);
  }
  if (tcb.outgoing != nullptr) {
    out->send_data.SpliceBack(&tcb.outgoing->queue);
    tcb.outgoing->queued_bytes = 0;
    tcb.outgoing->cursor = {};
    tcb.outgoing->recovery.cursor = {};
  }
  // What is left to give back: the chunk that was being filled.
  Discard(tcb);
}

}  // namespace chimney::tcp
