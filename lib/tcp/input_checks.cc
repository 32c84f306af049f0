// SPDX-License-Identifier: BSD-3-Clause
// Steps that decide whether a segment may be processed at all.
#include <algorithm>

#include "tcp/input.h"
#include "tcp/receive_buffer.h"
#include "tcp/send_queue.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

// Answers to segments without data are at least this far apart, or two ends
// that disagree would answer each other for ever.
constexpr Duration kReplyInterval = Duration::Millis(500);
// RFC 7323 section 5.5: an older TS.Recent may have wrapped. Nobody tells how
// fast the peer's clock runs: one that counts microseconds, as a kernel's may,
// is half-way round in 36 minutes (Linux: TCP_PAWS_WRAP).
constexpr Duration kTimestampLifetime = Duration::Micros(INT32_MAX);

uint32_t ReceiveWindow(const Tcb& tcb) {
  return tcb.rcv.edge.BytesFrom(tcb.rcv.nxt);
}

void OweAckNow(Tcb& tcb) { tcb.rcv.ack_now = true; }

// RFC 9293: "If an incoming segment is not acceptable, an acknowledgment
// should be sent in reply".
SegmentReason Reply(InputContext& in, SegmentReason reason) {
  if (in.segment.length() == 0) {
    if (in.now < in.tcb.next_reply) return SegmentReason::kReplyThrottled;
    in.tcb.next_reply = in.now + kReplyInterval;
  }
  OweAckNow(in.tcb);
  return reason;
}

void Stop(InputContext& in, StopReason stop) {
  in.tcb.frozen = true;
  in.outcome.events |= kEventStopped;
  in.outcome.stop = stop;
}

void Close(Tcb& tcb) {
  tcb.connection_state = ConnectionState::kClosed;
  tcb.rcv.ack_now = false;
  StopAllTimers(tcb);
}

// Trims the segment to [RCV.NXT, right edge).
void Trim(InputContext& in) {
  ReceiveState& rcv = in.tcb.rcv;
  Arrival& arrival = in.arrival;
  arrival.seq = in.segment.seq;
  arrival.payload = in.segment.payload;
  arrival.fin = in.segment.flags.fin();
  if (arrival.seq.Before(rcv.nxt)) {
    const size_t old = std::min<size_t>(rcv.nxt.BytesFrom(arrival.seq),
                                        arrival.payload.size());
    arrival.payload = arrival.payload.subspan(old);
    arrival.seq += static_cast<uint32_t>(old);
  }
  const uint32_t room = rcv.edge.BytesFrom(arrival.seq);
  if (arrival.payload.size() > room) {
    arrival.payload = arrival.payload.first(room);
    arrival.fin = false;
  } else if (arrival.payload.size() == room) {
    arrival.fin = false;  // It would stand beyond the edge.
  }
}

// RFC 7323 section 5.3 R1.
bool IsTimestampOld(const InputContext& in) {
  const TimestampState& ts = in.tcb.ts;
  const auto age = static_cast<int32_t>(in.segment.options.tsval - ts.recent);
  return age < 0 && in.now - ts.recent_at <= kTimestampLifetime;
}

bool HasGoodTimestamp(const InputContext& in) {
  if (!in.tcb.constant.timestamps_enabled) return true;
  return in.segment.options.has_timestamps && !IsTimestampOld(in);
}

// Both windows were closed, each end has taken the other's probe, and neither
// knows: what one sends stands where its byte was, which is old to the other,
// so the acknowledgement in it is not believed. But it says where an answer has
// to stand to be heard.
void NoteProbeTaken(InputContext& in) {
  SendState& snd = in.tcb.snd;
  if (snd.wnd == 0 && snd.max == snd.una + 1 && in.segment.flags.ack() &&
      in.segment.ack == snd.max) {
    snd.probe_taken = true;
  }
}

SegmentReason Unacceptable(InputContext& in) {
  ReceiveState& rcv = in.tcb.rcv;
  const SeqNum end = in.segment.end();
  if (end.After(rcv.nxt)) return Reply(in, SegmentReason::kBeyondWindow);
  NoteProbeTaken(in);
  if (!in.segment.payload.empty() && in.tcb.constant.sack_enabled) {
    Reassembly& reassembly = TakeReassembly(in.tcb);
    reassembly.duplicate = {in.segment.seq, end};
    reassembly.has_duplicate = true;
  }
  return Reply(in, SegmentReason::kOldDuplicate);
}

}  // namespace

SegmentReason CheckState(InputContext& in) {
  switch (in.tcb.connection_state) {
    case ConnectionState::kEstablished:
    case ConnectionState::kFinWait1:
    case ConnectionState::kFinWait2:
    case ConnectionState::kCloseWait:
    case ConnectionState::kClosing:
    case ConnectionState::kLastAck:
      return in.tcb.frozen ? SegmentReason::kStopped : SegmentReason::kNone;
    case ConnectionState::kTimeWait:
      return SegmentReason::kStateTimeWait;
    default:
      return SegmentReason::kStateClosed;
  }
}

SegmentReason CheckReset(InputContext& in) {
  if (!in.segment.flags.rst()) return SegmentReason::kNone;
  Tcb& tcb = in.tcb;
  if (in.segment.seq == tcb.rcv.nxt) {
    Close(tcb);
    FlushOutOfOrder(tcb);
    AbortSends(tcb);
    in.outcome.events |= kEventAborted;
    if (!tcb.outgoing->completed.empty()) in.outcome.events |= kEventSendAcked;
    return SegmentReason::kRstAccepted;
  }
  if (!in.segment.seq.InWindow(tcb.rcv.nxt, ReceiveWindow(tcb))) {
    return SegmentReason::kRstOutsideWindow;
  }
  if (tcb.params().one_challenge_per_validation) {
    // R158: what the peer says ends the period, however soon.
    if (tcb.timers.validating) return SegmentReason::kRstThrottled;
  } else {
    Instant& next_rst = TakeHistory(tcb).challenge.next_rst;
    if (in.now < next_rst) return SegmentReason::kRstThrottled;
    next_rst = in.now + tcb.params().challenge_ack_interval;
  }
  StartValidation(tcb, in.now);
  OweAckNow(tcb);
  return SegmentReason::kRstChallenged;
}

SegmentReason CheckSyn(InputContext& in) {
  if (!in.segment.flags.syn()) return SegmentReason::kNone;
  Tcb& tcb = in.tcb;
  // With an old timestamp, or none, it is acceptable nowhere (RFC 7323 section
  // 5.3 R1): then it is challenged here as well.
  if (in.segment.seq == tcb.rcv.nxt && HasGoodTimestamp(in)) {
    Close(tcb);
    Stop(in, StopReason::kSynInWindow);
    return SegmentReason::kSynAtRcvNxt;
  }
  // R159: outside the window the challenge needs no throttle.
  if (in.segment.seq.InWindow(tcb.rcv.nxt, ReceiveWindow(tcb))) {
    Instant& next_syn = TakeHistory(tcb).challenge.next_syn;
    if (in.now < next_syn) return SegmentReason::kSynThrottled;
    next_syn = in.now + tcb.params().challenge_ack_interval;
    StartValidation(tcb, in.now);
  }
  OweAckNow(tcb);
  return SegmentReason::kSynChallenged;
}

SegmentReason CheckTimestamp(InputContext& in) {
  if (HasGoodTimestamp(in)) return SegmentReason::kNone;
  // RFC 7323 section 3.2.
  if (!in.segment.options.has_timestamps) {
    return SegmentReason::kTimestampMissing;
  }
  return Reply(in, SegmentReason::kPawsRejected);
}

// The four cases of RFC 9293 section 3.10.7.4, with one leniency: a segment
// without data may stand exactly at the right edge, since that is where a peer
// is whose data fill the window and may be lost.
SegmentReason CheckSequence(InputContext& in) {
  const ReceiveState& rcv = in.tcb.rcv;
  const uint32_t window = ReceiveWindow(in.tcb);
  const uint32_t length = in.segment.length();
  const SeqNum seq = in.segment.seq;
  if (length == 0) {
    if (seq.BytesFrom(rcv.nxt) > window) return Unacceptable(in);
    in.arrival = {seq, {}, false};
    return SegmentReason::kNone;
  }
  if (window == 0) {
    if (seq != rcv.nxt) return Unacceptable(in);
    // A window probe: its byte is refused, its acknowledgement counts.
    in.arrival = {seq, {}, false};
    return SegmentReason::kNone;
  }
  if (!seq.Before(rcv.edge) || !in.segment.end().After(rcv.nxt)) {
    return Unacceptable(in);
  }
  Trim(in);
  return SegmentReason::kNone;
}

namespace {

// RFC 5961 sections 5.2 and 7.
SegmentReason ChallengeAck(InputContext& in, SegmentReason reason) {
  if (in.segment.length() == 0) return Reply(in, reason);
  Instant& next_ack = TakeHistory(in.tcb).challenge.next_ack;
  if (in.now < next_ack) return SegmentReason::kReplyThrottled;
  next_ack = in.now + in.tcb.params().challenge_ack_interval;
  OweAckNow(in.tcb);
  return reason;
}

}  // namespace

SegmentReason CheckAckField(InputContext& in) {
  if (!in.segment.flags.ack()) return SegmentReason::kAckFlagMissing;
  const SendState& snd = in.tcb.snd;
  const SeqNum ack = in.segment.ack;
  if (ack.After(snd.max)) {
    return ChallengeAck(in, SegmentReason::kAckOfUnsentData);
  }
  if (ack.Before(snd.una - snd.max_wnd)) {
    return ChallengeAck(in, SegmentReason::kAckTooOld);
  }
  return SegmentReason::kNone;
}

SegmentReason CheckUrgent(InputContext& in) {
  if (!in.segment.flags.urg()) return SegmentReason::kNone;
  Stop(in, StopReason::kUrgentData);
  return SegmentReason::kUrgentData;
}

void NoteDuplicate(InputContext& in) {
  if (in.arrival.seq == in.segment.seq || !in.tcb.constant.sack_enabled) return;
  Reassembly& reassembly = TakeReassembly(in.tcb);
  reassembly.duplicate = {in.segment.seq, in.arrival.seq};
  reassembly.has_duplicate = true;
}

void NoteTimestamp(InputContext& in) {
  Tcb& tcb = in.tcb;
  if (!tcb.constant.timestamps_enabled) return;
  if (in.segment.seq.After(tcb.ts.last_ack_sent)) return;
  tcb.ts.recent = in.segment.options.tsval;
  tcb.ts.recent_at = in.now;
}

}  // namespace chimney::tcp
