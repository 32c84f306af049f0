// SPDX-License-Identifier: BSD-3-Clause
// The receive path, one function a step of RFC 9293 section 3.10.7.4. A step
// that ends the processing returns the reason; kNone lets the next step run.
#ifndef CHIMNEY_TCP_INPUT_H_
#define CHIMNEY_TCP_INPUT_H_

#include "base/bytes.h"
#include "base/seq.h"
#include "base/time.h"
#include "packet/segment.h"
#include "tcp/engine.h"
#include "tcp/recovery.h"

namespace chimney::tcp {

// The part of a segment that lies in the receive window.
struct Arrival {
  SeqNum seq;
  ByteSpan payload;
  bool fin = false;
};

// What all steps share.
struct InputContext {
  Tcb& tcb;
  Instant now;
  const packet::Segment& segment;
  Outcome outcome;
  Arrival arrival;
};

// Checks, in input_checks.cc. They change nothing but what an answer needs.
SegmentReason CheckState(InputContext& in);
SegmentReason CheckReset(InputContext& in);      // RFC 5961 section 3
SegmentReason CheckSyn(InputContext& in);        // RFC 5961 section 4
SegmentReason CheckTimestamp(InputContext& in);  // RFC 7323 section 5.3 R1
SegmentReason CheckSequence(InputContext& in);   // fills in.arrival
SegmentReason CheckAckField(InputContext& in);   // RFC 5961 section 5
SegmentReason CheckUrgent(InputContext& in);     // R156

// Effects.
// RFC 2883 section 4.2: the next ACK tells what of the segment was old.
void NoteDuplicate(InputContext& in);
void NoteTimestamp(InputContext& in);         // RFC 7323 section 4.3
SegmentReason ProcessAck(InputContext& in);   // input_ack.cc
SegmentReason ProcessText(InputContext& in);  // input_data.cc
// SND.UNA moves to the segment's ACK, which is new.
void AdvanceUna(InputContext& in, AckNews* news);
// What the acknowledgement means for recovery, timers and the state.
void FinishAck(InputContext& in, const AckNews& news);
// RFC 9293: the window is taken from the newest segment. That includes any
// that moves SND.UNA, even a retransmission with an old SEG.SEQ, since the
// window counts from there. Ask before SND.UNA moves.
bool TellsWindow(const InputContext& in);
// The send window as this segment tells it (RFC 9293 "SND.WND").
uint32_t WindowOf(const InputContext& in);

// The whole checklist. OnSegment is the same with a short cut in front.
Outcome ProcessSegment(Tcb& tcb, Instant now, const packet::Segment& segment);
// Handles a segment that none of its disqualifiers names, with the same effect
// as ProcessSegment (input_fast.cc). False: nothing was done.
bool ProcessFast(Tcb& tcb, Instant now, const packet::Segment& segment,
                 Outcome* outcome);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_INPUT_H_
