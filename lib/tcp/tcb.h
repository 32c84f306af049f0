// SPDX-License-Identifier: BSD-3-Clause
// The transmission control block: every variable of one connection, named as
// in the RFCs. Owned by one core. The engine's functions (engine.h) are the
// only writers; a worker reads through the accessors of Tcb and takes
// fragments from receive_queue().
#ifndef CHIMNEY_TCP_TCB_H_
#define CHIMNEY_TCP_TCB_H_

#include <array>
#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "packet/tcp_options.h"
#include "tcp/connection_state.h"
#include "tcp/fragments.h"
#include "tcp/parameters.h"
#include "tcp/scoreboard.h"

namespace chimney::tcp {

// A remembered place in the send queue, so that finding the bytes to send next
// costs no walk. Null record: start from the head.
struct SendCursor {
  SendRecord* record = nullptr;
  SeqNum record_seq;  // of the record's byte 0, acknowledged or not
};

// RFC 9293 section 3.3.1, send sequence variables.
struct SendVariables {
  SeqNum una;
  SeqNum nxt;  // next to send; behind `max` while data is sent again (R46)
  SeqNum max;  // highest ever sent, plus one
  uint32_t wnd = 0;
  SeqNum wl1;
  SeqNum wl2;
  uint32_t mss = 0;  // payload of a full segment beside the usual options
  uint32_t cwnd = 0;
  uint32_t ssthresh = 0;
  uint64_t queued_bytes = 0;  // in `queue` from una on; no FIN
  SendCursor cursor;          // near nxt
  bool fin_queued = false;    // the application closed; stays set
  bool fin_sent = false;
  bool fin_acked = false;
  bool rst_pending = false;
  bool sws_forced = false;  // override timer fired (RFC 1122 4.2.3.4)
  bool cwnd_limited = false;
  uint32_t max_wnd = 0;
  uint32_t base_mss = 0;  // without any options
  SeqNum small_end;       // end of the last segment below mss (Nagle)
  Instant last_sent_at;
};

struct SendState : SendVariables {
  RecordList queue;      // first record holds una
  RecordList completed;  // acknowledged or aborted, to be popped in order
};

// RFC 9293 section 3.3.1, receive sequence variables.
struct ReceiveVariables {
  SeqNum nxt;
  SeqNum edge;           // highest right edge ever advertised
  SeqNum last_ack_sent;  // RFC 7323 section 4.3
  bool ack_now = false;
  bool fin_received = false;     // counted in nxt
  bool fin_held = false;         // out of order, at fin_seq
  uint8_t unacked_segments = 0;  // since the last ACK left
  uint8_t quick_acks = 0;        // data segments to acknowledge at once
  uint32_t unread_bytes = 0;     // stored in order, not consumed yet
  // Memory being filled: this connection writes at write_offset and nobody
  // else does. Holds its own reference on the chunk.
  ChunkIndex write_chunk = kNoChunk;
  uint32_t write_offset = 0;
  uint32_t out_of_order_bytes = 0;
  uint32_t out_of_order_count = 0;
  SeqNum fin_seq;
  // SACK blocks to send, most recent first (RFC 2018 section 4), and the
  // duplicate to report once (RFC 2883).
  std::array<packet::SackBlock, packet::kMaxSackBlocks> sack_blocks;
  uint8_t sack_count = 0;
  bool has_duplicate = false;
  packet::SackBlock duplicate;
};

struct ReceiveState : ReceiveVariables {
  FragmentList queue;         // in order and adjacent, ends at nxt (less FIN)
  FragmentList out_of_order;  // disjoint and sorted
};

// RFC 7323. `delta` turns our clock into TSval (R199).
struct TimestampState {
  uint32_t delta = 0;
  uint32_t recent = 0;
  uint32_t sent_max = 0;
  Instant recent_at;
};

// RFC 6298.
struct RttState {
  Duration srtt;  // zero = no sample yet
  Duration rttvar;
  Duration rto;         // not backed off
  bool timing = false;  // one segment at a time
  SeqNum timed_end;
  Instant timed_at;
};

enum class RecoveryPhase : uint8_t {
  kOpen,
  kFastRecovery,  // RFC 6582, RFC 6675: entered by duplicate ACKs
  kLoss,          // everything from una on is sent again
};

struct RecoveryState {
  RecoveryPhase phase = RecoveryPhase::kOpen;
  bool sack_based = false;      // phase kFastRecovery runs on the scoreboard
  bool retransmit_una = false;  // una is due whatever cwnd says
  uint8_t dup_ack_count = 0;
  bool probe_outstanding = false;  // tail loss probe (RFC 8985 section 7)
  SeqNum recover;                  // phase ends when una reaches it (RFC 6582)
  SeqNum high_rxt;    // holes below were retransmitted (RFC 6675 HighRxt)
  SeqNum lost_below;  // holes below are lost, whatever the scoreboard counts
  SeqNum probe_end;
  SendCursor cursor;  // near the last retransmission
  Scoreboard scoreboard;
};

// What the shared timer is running for: one timer, as in the contract (R101).
enum class RetransmitUse : uint8_t {
  kIdle,
  kRetransmit,
  kPersist,
  kFinWait2,
};

struct Timers {
  Instant retransmit = Instant::Never();
  Instant delayed_ack = Instant::Never();
  Instant tail_probe = Instant::Never();
  Instant keepalive = Instant::Never();
  Instant sws = Instant::Never();
  RetransmitUse retransmit_use = RetransmitUse::kIdle;
  uint8_t retransmit_count = 0;  // Retransmit.Count
  uint8_t probe_round = 0;       // SndWndProbeCount (R195)
  uint8_t keepalive_count = 0;   // KeepAlive.ProbeCount
  bool window_probe_due = false;
  bool tail_probe_due = false;
  bool keepalive_probe_due = false;
  Instant backed_off_at;  // when retransmitting the current segment began
  Duration total_rt;      // TotalRT carried in by an import
};

// RFC 5961 section 10 and the validation of R158-R160.
struct ChallengeState {
  Instant next_rst;         // no challenge for an RST in the window before
  Instant next_syn;         // nor for a SYN
  Instant next_reply;       // nor any for unacceptable segments without data
  bool validating = false;  // keepalive timer runs for R160
};

// Plain facts about this connection since its import (RFC 4898 names where
// they exist). Written by the owning core.
struct ConnectionCounters {
  uint64_t segments_in = 0;
  uint64_t segments_out = 0;
  uint64_t segments_retransmitted = 0;
  uint64_t bytes_sent = 0;      // accepted by OnSend
  uint64_t bytes_received = 0;  // put in order
  uint32_t retransmit_timeouts = 0;
  uint32_t fast_retransmits = 0;
  uint32_t tail_probes = 0;
  uint32_t window_probes = 0;
  uint32_t duplicate_acks_in = 0;
};

// One connection. Made empty (for instance in a Slab); Prepare() then Import()
// bring it to life, Export() or Discard() empty it again. Never moved: lists
// point into it.
class Tcb {
 public:
  Tcb() = default;
  Tcb(const Tcb&) = delete;
  Tcb& operator=(const Tcb&) = delete;

  // For workers.
  ConnectionState state() const { return connection_state; }
  SeqNum snd_una() const { return snd.una; }
  SeqNum snd_nxt() const { return snd.nxt; }
  SeqNum snd_max() const { return snd.max; }
  SeqNum rcv_nxt() const { return rcv.nxt; }
  // Bytes of the window as advertised: rcv_nxt() + rcv_wnd() is its edge.
  uint32_t rcv_wnd() const { return rcv.edge.BytesFrom(rcv.nxt); }
  uint32_t snd_wnd() const { return snd.wnd; }
  uint32_t snd_mss() const { return snd.mss; }
  // Received bytes in order, ready for the application. The worker pops
  // fragments and takes over their chunk reference; it may also shorten the
  // first one from its front (seq, length and offset together). Every byte
  // counts as unread until OnReceiveConsumed.
  FragmentList& receive_queue() { return rcv.queue; }
  uint32_t unread_bytes() const { return rcv.unread_bytes; }
  uint32_t out_of_order_bytes() const { return rcv.out_of_order_bytes; }
  // Bytes accepted by OnSend (or imported) and not acknowledged.
  uint64_t unacked_send_bytes() const { return snd.queued_bytes; }
  // The peer's FIN is in sequence; it is due for the application once
  // everything before it was consumed (R174).
  bool fin_received() const { return rcv.fin_received; }
  bool FinDue() const { return rcv.fin_received && rcv.unread_bytes == 0; }
  bool fin_acked() const { return snd.fin_acked; }

  // For the engine: hot fields first.
  ConnectionState connection_state = ConnectionState::kClosed;
  bool frozen = false;  // waits for its upload: nothing is processed or sent
  bool ipv6 = false;
  SendState snd;
  ReceiveState rcv;
  TimestampState ts;
  Timers timers;
  RttState rtt;
  RecoveryState recovery;
  const Parameters* params = nullptr;
  ReceiveStore store;
  TcpConstState constant;
  TcpCachedState cached;
  uint32_t path_mtu_bytes = 0;
  ChallengeState challenge;
  ConnectionCounters counters;
};

// Gives an empty tcb what it lives on, before Import. `params` and what `store`
// names outlive it.
void Prepare(Tcb& tcb, const Parameters* params, const ReceiveStore& store,
             bool ipv6, uint32_t path_mtu_bytes);

// Gives everything received back to the store, for a tcb that is dropped
// without an Export. Send records stay with the tcb: pop them first.
void Discard(Tcb& tcb);

// True if NextSegment would give a segment now.
bool HasOutput(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_TCB_H_
