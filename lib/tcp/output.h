// SPDX-License-Identifier: BSD-3-Clause
// Deciding what to send next (RFC 9293 section 3.8.6, RFC 1122 section
// 4.2.3.4). The decision changes nothing that a peer could see; NextSegment
// carries it out.
#ifndef CHIMNEY_TCP_OUTPUT_H_
#define CHIMNEY_TCP_OUTPUT_H_

#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "packet/tcp_options.h"
#include "tcp/engine.h"

namespace chimney::tcp {

enum class PlanKind : uint8_t {
  kNothing,
  kReset,           // R169
  kData,            // from SND.NXT on; FIN may ride or stand alone
  kRetransmit,      // a hole, out of turn
  kTailProbe,       // RFC 8985 section 7
  kWindowProbe,     // R197
  kKeepaliveProbe,  // RFC 1122 section 4.2.3.6
  kAck,
};

// Why queued data does not go out now.
enum class HoldReason : uint8_t {
  kNone,
  kWindow,  // no room in the peer's window
  kSws,     // too little room to be worth a segment (R119, R120)
  kNagle,   // RFC 1122 section 4.2.3.4: a small segment waits for an ACK
  kCwnd,
};

struct SendPlan {
  PlanKind kind = PlanKind::kNothing;
  HoldReason hold = HoldReason::kNone;
  bool fin = false;
  uint32_t bytes = 0;
  SeqNum seq;
};

SendPlan PlanNext(Tcb& tcb);
// What to send from SND.NXT on (output_data.cc).
SendPlan PlanData(Tcb& tcb);

// cwnd, and nothing else, holds something back (RFC 7661).
void NoteCwndLimited(Tcb& tcb);

// Payload that fits in a segment beside the options it would carry now.
uint32_t SegmentLimit(const Tcb& tcb);
// Options of a segment sent at `now`.
packet::TcpOptions OptionsNow(const Tcb& tcb, Instant now);

// After an event: raises kEventOutput, or starts the timers that what is held
// back needs.
void Conclude(Tcb& tcb, Instant now, Outcome* outcome);

// The window for a segment that leaves now, as on the wire. Moves the
// advertised edge (receive_window.cc).
uint16_t AdvertiseWindow(Tcb& tcb);
// True if the application made enough room to tell the peer unasked.
bool WindowUpdateDue(const Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_OUTPUT_H_
