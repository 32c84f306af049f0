// SPDX-License-Identifier: BSD-3-Clause
// The TCP engine for connections that are already established: the calls a
// worker makes, and nothing else. Pure (no clock, no I/O, no globals, no
// allocation): time and segments come in as arguments, segments to send are
// pulled with NextSegment(), everything else comes out as event bits.
//
// Protocol of use, on the one core that owns the Tcb:
//   1. feed: OnSegment / OnTimer / OnSend / OnReceiveConsumed / OnDisconnect
//   2. pull: NextSegment() until it returns false or the wire is full
//   3. publish the record (PublishedView), then transmit what was pulled
//   4. pop finished sends (NextCompletedSend), read the receive queue
//   5. arm one timer at NextDeadline()
//
// Memory: received payload is copied once into chunks of the Tcb's `store`
// before any segment acknowledges it (so a ChunkPool in session memory outlives
// the process); send payload is referenced where the sender put it and must
// stay unchanged until its record is popped or exported.
#ifndef CHIMNEY_TCP_ENGINE_H_
#define CHIMNEY_TCP_ENGINE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/chunk_pool.h"
#include "base/published_record.h"
#include "base/time.h"
#include "packet/segment.h"
#include "packet/tcp_options.h"
#include "tcp/connection_state.h"
#include "tcp/fragments.h"
#include "tcp/parameters.h"
#include "tcp/segment_reason.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Bits of Outcome::events. Each is raised once per cause.
enum Event : uint32_t {
  kEventReceiveReady = 1u << 0,     // tcb.receive_queue() grew
  kEventSendAcked = 1u << 1,        // NextCompletedSend() has something
  kEventOutput = 1u << 2,           // NextSegment() has something
  kEventFinReceived = 1u << 3,      // peer's FIN is in sequence (R174)
  kEventAborted = 1u << 4,          // acceptable RST (R175)
  kEventFinAcked = 1u << 5,         // our FIN and all data are acknowledged
  kEventTimeWait = 1u << 6,         // entered TIME_WAIT: hand back (R176)
  kEventStopped = 1u << 7,          // must be uploaded: Outcome::stop says why
  kEventForwardProgress = 1u << 8,  // neighbor is reachable (R205)
};

// Why the engine stopped processing and wants the connection uploaded.
enum class StopReason : uint8_t {
  kNone,
  kUrgentData,         // R156: the segment was not processed nor acknowledged
  kRetransmitTimeout,  // R191
  kPersistTimeout,     // R196
  kKeepaliveTimeout,   // R198: state is CLOSED
  kFinWait2Timeout,    // R177: state is CLOSED
  kSynInWindow,        // R157 when SEQ == RCV.NXT: state is CLOSED
};

struct Outcome {
  uint32_t events = 0;
  SegmentReason reason = SegmentReason::kNone;  // what became of the segment
  StopReason stop = StopReason::kNone;
};

// Payload of a segment to send: at most this many pieces of sender memory.
inline constexpr size_t kMaxPayloadPieces = 4;

// One segment the connection wants on the wire. `pieces` point into send
// memory; they stay valid until the next call on the Tcb.
struct OutSegment {
  SeqNum seq;
  SeqNum ack;
  packet::TcpFlags flags;
  uint16_t raw_window = 0;  // as on the wire
  packet::TcpOptions options;
  uint32_t payload_bytes = 0;
  uint8_t piece_count = 0;
  bool retransmission = false;
  struct Piece {
    ByteSpan bytes;
    SendRecord* record = nullptr;  // whose io_refs a zero-copy wire raises
  };
  std::array<Piece, kMaxPayloadPieces> pieces;
};

// Puts an imported state into `tcb`, which is empty and prepared (tcb.h).
// `send_data` are the bytes from snd_una on
// (records already allocated, owned by the tcb afterwards); `receive_data` the
// acknowledged, undelivered bytes ending at rcv_nxt (FIN aside). Returns false
// and leaves everything with the caller when the state cannot be run: a state
// outside R43's six, or sequence numbers that contradict each other. Sends that
// were completed before and not asked for are kept.
bool Import(Tcb& tcb, Instant now, const TcpState& state, RecordList& send_data,
            FragmentList& receive_data);

// Feeds one segment whose checksum and tuple have been verified
// (RFC 9293 section 3.10.7.4, RFC 5961, RFC 7323).
Outcome OnSegment(Tcb& tcb, Instant now, const packet::Segment& segment);

// Fires whatever is due at `now`.
Outcome OnTimer(Tcb& tcb, Instant now);

// Appends one send record; always accepted (R108). `record` belongs to the tcb
// until popped or exported.
Outcome OnSend(Tcb& tcb, Instant now, SendRecord* record);

// The application took `bytes` off the receive side: the window may open.
Outcome OnReceiveConsumed(Tcb& tcb, Instant now, uint32_t bytes);

// Graceful: FIN after all queued data (R170). Abortive: RST now (R169); the
// pending sends then pop as aborted.
Outcome OnDisconnect(Tcb& tcb, Instant now, bool abortive);

// New cached values (R65-R77) and path MTU (R70).
Outcome OnUpdate(Tcb& tcb, Instant now, const TcpCachedState& cached,
                 uint32_t path_mtu_bytes);

// Next segment to put on the wire now, or false. State advances as if it had
// been sent (RFC 9293 section 3.8, RFC 1122 section 4.2.3.4).
bool NextSegment(Tcb& tcb, Instant now, OutSegment* out);

// Forces out an owed ACK at the next NextSegment() (R54, R98).
void FlushOwedAck(Tcb& tcb);

// What was fed since the last NextSegment() were no arrivals, but data that had
// been acknowledged before (an upload that was called off): no duplicate ACK is
// due for it (RFC 5681 section 4.2 asks for them when segments arrive).
void ForgetDuplicateAcks(Tcb& tcb);

// Oldest send record that is wholly acknowledged (or aborted: `aborted` set)
// and no longer referenced by the wire; nullptr if none. Order is FIFO.
SendRecord* NextCompletedSend(Tcb& tcb);

// Earliest instant at which OnTimer has work; Never() if none.
Instant NextDeadline(const Tcb& tcb);
// The same for what changes the connection or sends something: a deadline that
// comes before only gives memory back.
Instant NextTimer(const Tcb& tcb);

// Current values, without stopping the connection (query, R58).
TcpState Query(const Tcb& tcb, Instant now);

// What a rescue needs if this process dies right now (design D9).
PublishedView Published(const Tcb& tcb);

// Takes the connection apart for an upload: final state, the send records from
// snd_una on (first one partly acknowledged), acknowledged undelivered data,
// and out-of-order data held (to be replayed, not reneged on). The tcb is
// empty afterwards. Undo of a failed upload is another Import.
struct Exported {
  TcpState state;
  RecordList send_data;
  FragmentList receive_data;
  FragmentList out_of_order;
};
void Export(Tcb& tcb, Instant now, Exported* out);

// Says how a connection's variables contradict each other; nullptr when all is
// well. Walks every list: for tests, simulators and checked builds.
const char* CheckInvariants(const Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_ENGINE_H_
