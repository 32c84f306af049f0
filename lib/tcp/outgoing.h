// SPDX-License-Identifier: BSD-3-Clause
// What a connection needs while bytes of its own are on their way, from the
// first that is queued to the last that is acknowledged and told of. One at
// rest has none of it.
#ifndef CHIMNEY_TCP_OUTGOING_H_
#define CHIMNEY_TCP_OUTGOING_H_

#include <cstdint>

#include "base/seq.h"
#include "base/slab.h"
#include "base/time.h"
#include "tcp/flight.h"
#include "tcp/fragments.h"

namespace chimney::tcp {

// A remembered place in the send queue, so that finding the bytes to send next
// costs no walk. Null record: start from the head.
struct SendCursor {
  SendRecord* record = nullptr;
  SeqNum record_seq;  // of the record's byte 0, acknowledged or not
};

enum class RecoveryPhase : uint8_t {
  kOpen,
  kFastRecovery,  // RFC 6582, RFC 6675, RFC 8985: the peer showed a loss
  kLoss,          // after a timeout: everything from una on was lost
};

// RFC 5682: is a timeout spurious?
enum class FrtoStep : uint8_t {
  kOff,
  kFirstAck,   // una was sent again, its ACK is awaited
  kSecondAck,  // new data was sent instead of the rest
};

// RFC 8985, the names of its section 5.
struct RackState {
  bool any = false;    // something was delivered since the import
  Instant xmit_ts;     // of the last sent segment that was delivered
  SeqNum end_seq;      // of the same
  Duration rtt;        // of the same
  SeqNum fack;         // highest delivered
  SeqNum dsack_round;  // the window grows once a round trip
  bool in_dsack_round = false;
};

// RFC 6937.
struct PrrState {
  uint32_t delivered = 0;
  uint32_t out = 0;
  uint32_t recover_fs = 0;
};

struct RecoveryState {
  RecoveryPhase phase = RecoveryPhase::kOpen;
  FrtoStep frto = FrtoStep::kOff;
  bool sack_based = false;      // phase kFastRecovery goes by the flight
  bool retransmit_now = false;  // the first lost bytes go, whatever cwnd says
  uint8_t dup_ack_count = 0;
  bool probe_outstanding = false;    // tail loss probe (RFC 8985 section 7)
  bool probe_retransmitted = false;  // it was no new data
  SeqNum probe_end;
  SendCursor cursor;  // near the last retransmission
  PrrState prr;
  RackState rack;
  // What a spurious timeout restores.
  uint32_t prior_cwnd = 0;
  uint32_t prior_ssthresh = 0;
};

// RFC 6298 section 3: one segment at a time is timed.
struct SegmentTiming {
  bool running = false;
  SeqNum end;
  Instant sent_at;
};

// What runs out before the retransmission timer does (RFC 8985 section 8).
enum class EarlyUse : uint8_t { kTailProbe, kReorder };

// Timers that only run while something is on its way, or FIN_WAIT_2 has a
// limit.
struct OutgoingTimers {
  Instant retransmit = Instant::Never();  // RetransmitUse says for what
  Instant early = Instant::Never();
  Instant sws = Instant::Never();
  Instant pace = Instant::Never();  // nothing but ACKs before
  Instant backed_off_at;  // when retransmitting the current segment began
  Duration total_rt;      // TotalRT carried in by an import
  EarlyUse early_use = EarlyUse::kTailProbe;
  bool tail_probe_due = false;
};

// Hot fields first. Whoever gives it back leaves it at rest (AtRest in tcb.h).
struct alignas(64) Outgoing {
  // Forgets what of its last connection a rest leaves behind.
  void Begin(Slab<FlightRange>* ranges, SeqNum una) {
    flight.UseStore(ranges);
    small_end = una;
    cwnd_limited = false;  // all that it was of interest for has arrived
    cwnd_limited_end = una;
    recovery = RecoveryState{};
    recovery.rack.fack = una;
  }
  // To rest, whatever there was.
  void Clear() {
    queue.Clear();
    completed.Clear();
    queued_bytes = 0;
    timing = {};
    cursor = {};
    timers = {};
    cwnd_limited = sws_forced = false;
    paced_until = {};
    flight.Clear();
    recovery = {};
  }

  RecordList queue;           // first record holds SND.UNA
  RecordList completed;       // acknowledged or aborted, to be popped in order
  uint64_t queued_bytes = 0;  // in `queue` from SND.UNA on; no FIN
  SegmentTiming timing;
  SendCursor cursor;  // near SND.MAX
  OutgoingTimers timers;
  SeqNum small_end;  // end of the last segment below mss (Nagle)
  // cwnd held something back when SND.MAX was cwnd_limited_end; of interest
  // until that is acknowledged.
  SeqNum cwnd_limited_end;
  bool cwnd_limited = false;
  bool sws_forced = false;  // override timer fired (RFC 1122 4.2.3.4)
  Instant paced_until;  // when what was sent would have left at the pacing rate
  Flight flight;        // [SND.UNA, SND.MAX), range by range
  RecoveryState recovery;
};

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_OUTGOING_H_
