// SPDX-License-Identifier: BSD-3-Clause
// Taking over a connection from the host (R43-R54).
#include <algorithm>
#include <optional>

#include "tcp/congestion.h"
#include "tcp/engine.h"
#include "tcp/output.h"
#include "tcp/rtt.h"
#include "tcp/send_queue.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kMaxWindowBytes = 65535u << 14;  // RFC 7323 section 2.3
constexpr uint8_t kMaxWindowShift = 14;

// Where the two FINs stand.
struct FinPosition {
  ConnectionState state = ConnectionState::kClosed;
  bool fin_queued = false;
  bool fin_sent = false;
  bool fin_acked = false;
  bool fin_received = false;
};

// A half that is closed but whose FIN has not left runs here in the state
// before the FIN: ESTABLISHED or CLOSE-WAIT with `fin_queued`.
std::optional<FinPosition> LocateFins(const TcpDelegatedState& state,
                                      uint64_t send_bytes) {
  FinPosition fins;
  fins.state = state.state;
  fins.fin_received = state.state == ConnectionState::kCloseWait ||
                      state.state == ConnectionState::kClosing ||
                      state.state == ConnectionState::kLastAck;
  const uint32_t sent = state.snd_max.BytesFrom(state.snd_una);
  switch (state.state) {
    case ConnectionState::kEstablished:
    case ConnectionState::kCloseWait:
      fins.fin_queued = state.fin_queued;
      if (sent > send_bytes) return std::nullopt;
      return fins;
    case ConnectionState::kFinWait1:
    case ConnectionState::kClosing:
    case ConnectionState::kLastAck:
      if (sent > send_bytes + 1) return std::nullopt;
      fins.fin_queued = true;
      fins.fin_sent = sent == send_bytes + 1;
      if (!fins.fin_sent) {
        fins.state = fins.fin_received ? ConnectionState::kCloseWait
                                       : ConnectionState::kEstablished;
      }
      return fins;
    case ConnectionState::kFinWait2:
      if (sent != 0 || send_bytes != 0) return std::nullopt;
      fins.fin_queued = fins.fin_sent = fins.fin_acked = true;
      return fins;
    default:
      return std::nullopt;
  }
}

bool NumbersAgree(const TcpState& state) {
  const TcpDelegatedState& d = state.delegated;
  const uint32_t sent = d.snd_max.BytesFrom(d.snd_una);
  return sent <= kMaxWindowBytes + 1 &&
         d.snd_nxt.BytesFrom(d.snd_una) <= sent &&
         d.rcv_wnd <= kMaxWindowBytes && d.snd_wnd <= kMaxWindowBytes &&
         d.max_snd_wnd <= kMaxWindowBytes &&
         state.constant.snd_wind_scale <= kMaxWindowShift &&
         state.constant.rcv_wind_scale <= kMaxWindowShift &&
         state.cached.initial_rcv_wnd <= kMaxWindowBytes;
}

// Times that a host claims, kept within what the arithmetic bears.
Duration Bounded(Duration claimed) {
  return std::clamp(claimed, Duration(), kLongestTimer);
}

// Bytes from SND.UNA on; only the first record may be partly acknowledged.
std::optional<uint64_t> SendBytes(RecordList& records) {
  uint64_t bytes = 0;
  for (SendRecord& record : records) {
    const bool first = &record == records.front();
    if (record.acked_bytes > record.length) return std::nullopt;
    if (!first && record.acked_bytes != 0) return std::nullopt;
    bytes += record.length - record.acked_bytes;
  }
  return bytes;
}

// Bytes of adjacent fragments that end at `end`.
std::optional<uint32_t> ReceiveBytes(FragmentList& fragments, SeqNum end) {
  uint64_t bytes = 0;
  SeqNum next;
  for (const Fragment& fragment : fragments) {
    if (bytes != 0 && fragment.seq != next) return std::nullopt;
    next = fragment.seq + fragment.length;
    bytes += fragment.length;
    if (bytes > kMaxWindowBytes) return std::nullopt;
  }
  if (bytes != 0 && next != end) return std::nullopt;
  return static_cast<uint32_t>(bytes);
}

// When the giver sent what is in flight, and how often, it does not say: an
// acknowledgement of that is no sample.
void ImportFlight(Tcb& tcb, Instant now, const TcpDelegatedState& d) {
  Flight& flight = tcb.outgoing->flight;
  if (d.snd_una == d.snd_max) return;
  flight.Import(d.snd_una, d.snd_max, now);
  if (d.snd_nxt == d.snd_max) return;
  // The giver was sending again from SND.NXT on: its duplicates are not to
  // start a fast recovery here (RFC 6582 section 4).
  flight.MarkLost(d.snd_nxt, d.snd_max);
  tcb.outgoing->recovery.phase = RecoveryPhase::kLoss;
  tcb.snd.recover = d.snd_max;
}

// The giver had seen the loss, cut its window and sent again what was missing:
// what is still to come of the same duplicates must not do that once more
// (RFC 6582 section 3.2, R192).
void ImportFastRecovery(Tcb& tcb) {
  SendState& snd = tcb.snd;
  RecoveryState& recovery = tcb.outgoing->recovery;
  // Whoever cut its window has a threshold and keeps to it; duplicates alone
  // are also counted where they may not start a recovery.
  if (recovery.phase != RecoveryPhase::kOpen || snd.una == snd.max ||
      recovery.dup_ack_count < tcb.params().duplicate_ack_threshold ||
      snd.ssthresh >= kMaxCwnd || snd.cwnd > std::max(snd.ssthresh, snd.mss)) {
    return;
  }
  recovery.phase = RecoveryPhase::kFastRecovery;
  snd.recover = snd.max;
  recovery.sack_based = tcb.constant.sack_enabled;
  recovery.prr.recover_fs = tcb.outgoing->flight.total_bytes();
}

void ImportSend(Tcb& tcb, Instant now, const TcpDelegatedState& d,
                const FinPosition& fins, uint64_t send_bytes) {
  tcb.snd = SendState{};
  SendState& snd = tcb.snd;
  snd.una = d.snd_una;
  snd.max = d.snd_max;
  snd.wnd = d.snd_wnd;
  snd.max_wnd = std::max(d.max_snd_wnd, d.snd_wnd);
  snd.wl1 = d.snd_wl1;
  snd.wl2 = d.snd_una;
  snd.ssthresh = d.ssthresh;
  snd.fin_queued = fins.fin_queued;
  snd.fin_sent = fins.fin_sent;
  snd.fin_acked = fins.fin_acked;
  snd.last_sent_at = now;
  snd.cwnd = std::min(d.cwnd, kMaxCwnd);
  UpdateMss(tcb);
  if (d.cwnd == 0) snd.cwnd = InitialWindow(tcb);
  snd.recover = d.snd_una - 1;
  Outgoing& outgoing = TakeOutgoing(tcb);
  outgoing.queued_bytes = send_bytes;
  // Of nothing in flight there are no duplicates.
  if (snd.una != snd.max) outgoing.recovery.dup_ack_count = d.dup_ack_count;
  ImportFlight(tcb, now, d);
  ImportFastRecovery(tcb);
}

void ImportReceive(Tcb& tcb, Instant now, const TcpDelegatedState& d,
                   const FinPosition& fins, uint32_t unread_bytes) {
  static_cast<ReceiveVariables&>(tcb.rcv) = ReceiveVariables{};
  ReceiveState& rcv = tcb.rcv;
  rcv.nxt = d.rcv_nxt;
  rcv.edge = d.rcv_nxt + d.rcv_wnd;
  rcv.fin_received = fins.fin_received;
  rcv.quick_acks = tcb.params().quick_ack_segments;
  rcv.unread_bytes = unread_bytes;
  tcb.ts = TimestampState{};
  tcb.ts.last_ack_sent = d.rcv_nxt;
  tcb.ts.recent = d.ts_recent;
  tcb.ts.recent_at = now - Bounded(d.ts_recent_age);
  SetTimestampClock(tcb, d.ts_time_at == Instant() ? now : d.ts_time_at,
                    d.ts_time);
  // Looked at by TimestampNow as far as it is just above the clock.
  tcb.ts.sent_max = d.ts_floor != 0 ? d.ts_floor : d.ts_time;
}

RetransmitUse UseOfImportedTimer(const Tcb& tcb) {
  const SendState& snd = tcb.snd;
  if (tcb.connection_state == ConnectionState::kFinWait2) {
    return RetransmitUse::kFinWait2;
  }
  const bool waiting =
      tcb.outgoing->queued_bytes != 0 || (snd.fin_queued && !snd.fin_acked);
  const uint32_t outstanding = snd.max.BytesFrom(snd.una);
  // One byte out may be a window probe's; SND.NXT goes back to SND.UNA for the
  // probes of a window that closed over more.
  const bool all_lost = tcb.snd_nxt() == snd.una;
  if (snd.wnd == 0 && waiting && (outstanding <= 1 || all_lost)) {
    return RetransmitUse::kPersist;
  }
  return outstanding != 0 ? RetransmitUse::kRetransmit : RetransmitUse::kIdle;
}

// R53: running timers go on where they were.
void ImportTimers(Tcb& tcb, Instant now, const TcpDelegatedState& d) {
  Timers& timers = tcb.timers;
  timers = Timers{};
  tcb.outgoing->timers.backed_off_at = now;
  const RetransmitUse use = UseOfImportedTimer(tcb);
  // Spent on what waits; on nothing else.
  if (use == RetransmitUse::kRetransmit || use == RetransmitUse::kPersist) {
    tcb.outgoing->timers.total_rt = Bounded(d.total_rt);
  }
  if (use == RetransmitUse::kFinWait2) {
    ArmFinWait2(tcb, now);
  } else if (use == RetransmitUse::kRetransmit) {
    timers.retransmit_count = d.retransmit.count;
    timers.backoff = d.retransmit.count;
    ArmRetransmit(tcb, now);
  } else if (use == RetransmitUse::kPersist) {
    StartPersist(tcb, now);
    timers.probe_round = d.snd_wnd_probe_count;
    timers.retransmit_count = d.retransmit.count;
  }
  if (use != RetransmitUse::kIdle && d.retransmit.running) {
    tcb.outgoing->timers.retransmit = now + Bounded(d.retransmit.delta);
  }
  RestartKeepalive(tcb, now);
  if (d.keepalive.running) {
    timers.keepalive = now + Bounded(d.keepalive.delta);
    timers.keepalive_count = d.keepalive.count;
    // Without keepalive it runs to validate the peer (R160).
    timers.validating = !tcb.cached.keepalive_enabled;
  }
  // The host may have owed an ACK that it does not tell of (R54).
  timers.delayed_ack = now + tcb.params().delayed_ack;
}

}  // namespace

bool Import(Tcb& tcb, Instant now, const TcpState& state, RecordList& send_data,
            FragmentList& receive_data) {
  const TcpDelegatedState& d = state.delegated;
  if (tcb.store == nullptr || tcb.store->params == nullptr ||
      tcb.store->chunks == nullptr || tcb.store->fragments == nullptr ||
      tcb.store->outgoing == nullptr || tcb.store->reassembly == nullptr ||
      tcb.store->history == nullptr || !NumbersAgree(state)) {
    return false;
  }
  const std::optional<uint64_t> send_bytes = SendBytes(send_data);
  if (!send_bytes.has_value()) return false;
  const std::optional<FinPosition> fins = LocateFins(d, *send_bytes);
  if (!fins.has_value()) return false;
  const SeqNum data_end = d.rcv_nxt - (fins->fin_received ? 1 : 0);
  const std::optional<uint32_t> unread = ReceiveBytes(receive_data, data_end);
  if (!unread.has_value()) return false;

  RecordList completed;  // of the time before, still to be asked for
  if (tcb.outgoing != nullptr) completed.SpliceBack(&tcb.outgoing->completed);
  DropOutgoing(tcb);
  tcb.connection_state = fins->state;
  tcb.frozen = false;
  tcb.constant = state.constant;
  tcb.cached = state.cached;
  if (tcb.history != nullptr) *tcb.history = History{};
  tcb.next_reply = Instant();
  tcb.counters = ConnectionCounters{};
  ImportSend(tcb, now, d, *fins, *send_bytes);
  ImportReceive(tcb, now, d, *fins, *unread);
  tcb.rtt = RttState{};
  tcb.rtt.srtt = Bounded(d.srtt);
  tcb.rtt.rttvar = Bounded(d.rttvar);
  ImportTimers(tcb, now, d);
  tcb.outgoing->completed.SpliceBack(&completed);
  tcb.outgoing->queue.SpliceBack(&send_data);
  // A first record that is acknowledged to its end waits for nothing more.
  ReleaseAcked(tcb, 0);
  tcb.rcv.queue.SpliceBack(&receive_data);
  Outcome ignored;
  Conclude(tcb, now, &ignored);
  EndOutgoing(tcb);
  return true;
}

}  // namespace chimney::tcp
