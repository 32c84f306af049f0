// SPDX-License-Identifier: BSD-3-Clause
// The transmission control block: every variable of one connection, named as
// in the RFCs. What a connection at rest does without is in parts that come and
// go: Outgoing, Reassembly, History. Owned by one core. The engine's functions
// (engine.h) are the only writers; a worker reads through the accessors of Tcb
// and takes fragments from receive_queue().
#ifndef CHIMNEY_TCP_TCB_H_
#define CHIMNEY_TCP_TCB_H_

#include <array>
#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "packet/tcp_options.h"
#include "tcp/connection_state.h"
#include "tcp/fragments.h"
#include "tcp/outgoing.h"
#include "tcp/parameters.h"

namespace chimney::tcp {

// RFC 8985: what was learned of a path's reordering.
struct ReorderState {
  bool seen = false;  // RACK.reordering_seen
  uint8_t reo_wnd_mult = 1;
  uint8_t reo_wnd_persist = 0;  // recoveries until the window shrinks again
};

// RFC 9293 section 3.3.1, send sequence variables.
struct SendState {
  SeqNum una;
  SeqNum max;  // highest ever sent, plus one: where new data goes on
  uint32_t wnd = 0;
  SeqNum wl1;
  SeqNum wl2;
  uint32_t mss = 0;  // payload of a full segment beside the usual options
  uint32_t cwnd = 0;
  uint32_t ssthresh = 0;
  uint32_t max_wnd = 0;
  SeqNum recover;           // a recovery ends when una reaches it (RFC 6582)
  bool fin_queued = false;  // the application closed; stays set
  bool fin_sent = false;
  bool fin_acked = false;
  bool rst_pending = false;
  // The peer seems to have taken the byte of a window probe (SND.WND is 0).
  bool probe_taken = false;
  ReorderState reordering;
  Instant last_sent_at;
};

// RFC 9293 section 3.3.1, receive sequence variables.
struct ReceiveVariables {
  SeqNum nxt;
  SeqNum edge;  // highest right edge ever advertised
  bool ack_now = false;
  bool fin_received = false;     // counted in nxt
  uint8_t unacked_segments = 0;  // since the last ACK left
  uint8_t quick_acks = 0;        // data segments to acknowledge at once
  // Duplicate ACKs due besides the one of ack_now, for a peer that counts them.
  uint8_t duplicate_acks = 0;
  // Fragments put into the receive queue since it was empty when data came, and
  // their bytes.
  uint32_t queue_fragments : 24 = 0;
  uint32_t queue_fragment_bytes = 0;
  uint32_t unread_bytes = 0;  // stored in order, not consumed yet
  // Memory being filled: this connection writes at write_offset and nobody
  // else does. Holds its own reference on the chunk.
  ChunkIndex write_chunk = kNoChunk;
  uint32_t write_offset = 0;
};

struct ReceiveState : ReceiveVariables {
  FragmentList queue;  // in order and adjacent, ends at nxt (less FIN)
};

// What only a stream with holes needs, and a peer that sends twice.
struct Reassembly {
  FragmentList out_of_order;       // disjoint and sorted
  Fragment* last_place = nullptr;  // in it: where data came last
  uint32_t bytes = 0;              // in it
  uint32_t count = 0;              // of its fragments
  bool fin_held = false;           // out of order, at fin_seq
  bool has_duplicate = false;
  uint8_t sack_count = 0;
  SeqNum fin_seq;
  // SACK blocks to send, most recent first (RFC 2018 section 4), and the
  // duplicate to report once (RFC 2883).
  std::array<packet::SackBlock, packet::kMaxSackBlocks> sack_blocks;
  packet::SackBlock duplicate;

  bool HasHole() const { return !out_of_order.empty() || fin_held; }
};

// RFC 7323. `delta` turns our clock into TSval (R199).
struct TimestampState {
  uint32_t delta = 0;
  uint32_t recent = 0;
  uint32_t sent_max = 0;
  SeqNum last_ack_sent;  // RFC 7323 section 4.3
  Instant recent_at;
};

// RFC 6298; the minimum for RFC 8985 and RFC 9406.
struct RttState {
  Duration srtt;  // zero = no sample yet
  Duration rttvar;
  Duration min_rtt;  // of the last minutes; zero = no sample yet
  Instant min_rtt_at;
};

// RFC 9438. Bytes and seconds, as fractions: growth is far below a byte an ACK
// at times.
struct CubicState {
  double w_max = 0;
  double w_est = 0;
  double k_seconds = 0;
  double cwnd_prior = 0;
  double w_max_prior = 0;  // what a cut that was none restores
  double credit = 0;       // growth not yet in cwnd
  Instant epoch_start = Instant::Never();
};

// RFC 9406, the names of its section 4.
struct HystartState {
  Duration last_round_min_rtt;
  Duration current_round_min_rtt;
  Duration css_baseline_min_rtt;
  SeqNum window_end;
  uint8_t rtt_sample_count = 0;
  uint8_t css_rounds = 0;
  bool in_css = false;
  bool in_round = false;
};

struct CongestionState {
  CubicState cubic;
  HystartState hystart;
};

// RFC 5961 section 10: how often a stranger is answered.
struct ChallengeState {
  Instant next_rst;  // no challenge for an RST in the window before
  Instant next_syn;  // nor for a SYN
  Instant next_ack;  // nor for data with an ACK that cannot be
};

// Of what rarely happens, since there is a History.
struct TroubleCounters {
  uint64_t segments_retransmitted = 0;
  uint32_t retransmit_timeouts = 0;
  uint32_t fast_retransmits = 0;
  uint32_t spurious_timeouts = 0;  // found by RFC 5682
  uint32_t tail_probes = 0;
  uint32_t window_probes = 0;
  uint32_t duplicate_acks_in = 0;
};

// What a connection learns when its window is what limits it, when something is
// lost, or when somebody forges. To whom none of this happened has none; after
// a long rest it no longer tells of the path, and is forgotten.
struct History {
  CongestionState congestion;
  ChallengeState challenge;
  TroubleCounters counters;
};

// What the shared timer is running for: one timer, as in the contract (R101).
enum class RetransmitUse : uint8_t {
  kIdle,
  kRetransmit,
  kPersist,
  kFinWait2,
};

// The shared timer itself is in OutgoingTimers.
struct Timers {
  Instant delayed_ack = Instant::Never();
  Instant keepalive = Instant::Never();
  RetransmitUse retransmit_use = RetransmitUse::kIdle;
  uint8_t retransmit_count = 0;  // Retransmit.Count
  // Doublings of the timeout. They outlive the retransmission: only a sample
  // ends them (Karn, RFC 6298 section 5).
  uint8_t backoff = 0;
  uint8_t probe_round = 0;      // SndWndProbeCount (R195)
  uint8_t keepalive_count = 0;  // KeepAlive.ProbeCount
  bool window_probe_due = false;
  bool keepalive_probe_due = false;
  bool validating = false;  // the keepalive timer runs for R160
};

// Plain facts about this connection since its import (RFC 4898 names where
// they exist). Written by the owning core.
struct ConnectionCounters {
  uint64_t segments_in = 0;
  uint64_t segments_out = 0;
  uint64_t bytes_sent = 0;      // accepted by OnSend
  uint64_t bytes_received = 0;  // put in order
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
  // Behind snd_max() while data is to be sent again (R46). A byte that probes a
  // window closed over a flight may have been refused: it is to be sent again.
  SeqNum snd_nxt() const {
    if (outgoing == nullptr) return snd.max;
    if (timers.retransmit_use == RetransmitUse::kPersist &&
        snd.max.BytesFrom(snd.una) > 1) {
      return snd.una;
    }
    const FlightRange* lost = outgoing->flight.FirstLost();
    return lost != nullptr ? lost->start : snd.max;
  }
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
  uint32_t out_of_order_bytes() const {
    return reassembly == nullptr ? 0 : reassembly->bytes;
  }
  bool HasHole() const {
    return reassembly != nullptr && reassembly->HasHole();
  }
  // Bytes accepted by OnSend (or imported) and not acknowledged.
  uint64_t unacked_send_bytes() const {
    return outgoing == nullptr ? 0 : outgoing->queued_bytes;
  }
  // Records that wait for NextCompletedSend.
  bool HasCompletedSends() const {
    return outgoing != nullptr && !outgoing->completed.empty();
  }
  // The peer's FIN is in sequence; it is due for the application once
  // everything before it was consumed (R174).
  bool fin_received() const { return rcv.fin_received; }
  bool FinDue() const { return rcv.fin_received && rcv.unread_bytes == 0; }
  bool fin_acked() const { return snd.fin_acked; }
  // Zero before anything happened, and after it was forgotten.
  TroubleCounters trouble_counters() const {
    return history == nullptr ? TroubleCounters{} : history->counters;
  }

  const Parameters& params() const { return *store->params; }

  // For the engine: hot fields first.
  ConnectionState connection_state = ConnectionState::kClosed;
  bool frozen = false;  // waits for its upload: nothing is processed or sent
  bool ipv6 = false;
  uint32_t path_mtu_bytes = 0;
  SendState snd;
  Outgoing* outgoing = nullptr;  // null: nothing is on its way (AtRest)
  ReceiveState rcv;
  Reassembly* reassembly = nullptr;  // null: no hole, nothing to report
  TimestampState ts;
  Timers timers;
  RttState rtt;
  History* history = nullptr;  // null: as a fresh one
  Instant next_reply;  // none to unacceptable segments without data before
  ConnectionStore* store = nullptr;
  TcpConstState constant;
  TcpCachedState cached;
  ConnectionCounters counters;
};

// Gives an empty tcb what it lives on, before Import. `store` and what that
// names outlive it.
void Prepare(Tcb& tcb, ConnectionStore* store, bool ipv6,
             uint32_t path_mtu_bytes);

// Gives everything received back to the store, for a tcb that is dropped
// without an Export. Send records stay with the tcb: pop them first.
void Discard(Tcb& tcb);

// Nothing is on its way out: no byte queued or unacknowledged, no record to be
// popped, nothing pending that an acknowledgement or a timer would decide.
bool AtRest(const Tcb& tcb);
// Takes what bytes on their way need, if it is not there. Calls that may need
// it take it first and end with EndOutgoing.
Outgoing& TakeOutgoing(Tcb& tcb);
// Gives it back at rest, or when a connection is over and its records popped.
void EndOutgoing(Tcb& tcb);
// Gives it back in any case.
void DropOutgoing(Tcb& tcb);

// The same for what came out of order.
Reassembly& TakeReassembly(Tcb& tcb);
void EndReassembly(Tcb& tcb);
History& TakeHistory(Tcb& tcb);
// When it is to be forgotten: Never() while something is on its way (with
// pacing: or was), or when the engine is done with the connection. A tail probe
// that nothing was heard of is given up with it.
Instant HistoryDeadline(const Tcb& tcb);
void EndHistory(Tcb& tcb, Instant now);

// True if NextSegment would give a segment now.
bool HasOutput(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_TCB_H_
