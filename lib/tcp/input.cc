// SPDX-License-Identifier: BSD-3-Clause
// The checklist of RFC 9293 section 3.10.7.4 in its order.
#include "tcp/input.h"

#include "tcp/output.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

using Step = SegmentReason (*)(InputContext&);

// RST and SYN judge the sequence number by rules of their own, so they come
// before the general test; everything else as the RFC lists it.
constexpr Step kChecks[] = {
    CheckState,    CheckReset,    CheckSyn,    CheckTimestamp,
    CheckSequence, CheckAckField, CheckUrgent,
};

SegmentReason RunChecks(InputContext& in) {
  for (const Step check : kChecks) {
    const SegmentReason reason = check(in);
    if (reason != SegmentReason::kNone) return reason;
  }
  return SegmentReason::kNone;
}

}  // namespace

Outcome ProcessSegment(Tcb& tcb, Instant now, const packet::Segment& segment) {
  InputContext in{tcb, now, segment, {}, {}};
  TakeOutgoing(tcb);
  ++tcb.counters.segments_in;
  in.outcome.reason = RunChecks(in);
  if (in.outcome.reason == SegmentReason::kNone) {
    NoteDuplicate(in);
    NoteTimestamp(in);
    OnPeerHeard(tcb, now);
    const SegmentReason acked = ProcessAck(in);
    const SegmentReason text = ProcessText(in);
    in.outcome.reason = text != SegmentReason::kNone ? text : acked;
  }
  Conclude(tcb, now, &in.outcome);
  EndReassembly(tcb);
  EndOutgoing(tcb);
  return in.outcome;
}

Outcome OnSegment(Tcb& tcb, Instant now, const packet::Segment& segment) {
  Outcome outcome;
  if (ProcessFast(tcb, now, segment, &outcome)) return outcome;
  return ProcessSegment(tcb, now, segment);
}

}  // namespace chimney::tcp
