// SPDX-License-Identifier: BSD-3-Clause
// How much to send from SND.NXT on, or why to wait.
#include <algorithm>

#include "tcp/output.h"
#include "tcp/recovery.h"
#include "tcp/send_queue.h"

namespace chimney::tcp {
namespace {

// RFC 3042: the first two duplicate ACKs each release one segment.
constexpr uint32_t kLimitedTransmitSegments = 2;

uint32_t WindowRoom(const Tcb& tcb) {
  const SeqNum edge = tcb.snd.una + tcb.snd.wnd;
  return edge.After(tcb.snd.max) ? edge.BytesFrom(tcb.snd.max) : 0;
}

uint32_t CongestionRoom(const Tcb& tcb) {
  uint32_t allowed = tcb.snd.cwnd;
  // With SACK what was reported has left the flight already.
  if (tcb.outgoing->recovery.phase == RecoveryPhase::kOpen &&
      tcb.outgoing->flight.sacked_bytes() == 0) {
    allowed +=
        tcb.snd.mss * std::min<uint32_t>(tcb.outgoing->recovery.dup_ack_count,
                                         kLimitedTransmitSegments);
  }
  const uint32_t flight = BytesInFlight(tcb);
  return allowed > flight ? allowed - flight : 0;
}

// RFC 1122 section 4.2.3.4 with the chimney's first stage (R119), for a
// segment of new data that is not full.
HoldReason HoldSmallSegment(const Tcb& tcb, const PayloadShape& shape,
                            bool fin) {
  const SendState& snd = tcb.snd;
  const Outgoing& out = *tcb.outgoing;
  if (fin || out.sws_forced) return HoldReason::kNone;
  // New data is to tell whether a timeout was spurious; till then nothing else
  // is sent.
  if (out.recovery.frto == FrtoStep::kSecondAck) return HoldReason::kNone;
  const bool small_in_flight = tcb.params().minshall_nagle
                                   ? out.small_end.After(snd.una)
                                   : snd.max != snd.una;
  if (tcb.cached.nagle_enabled && small_in_flight) return HoldReason::kNagle;
  if (shape.ends_nbl || shape.bytes >= snd.max_wnd / 2) {
    return HoldReason::kNone;
  }
  return HoldReason::kSws;
}

}  // namespace

void NoteCwndLimited(Tcb& tcb) {
  tcb.outgoing->cwnd_limited = true;
  tcb.outgoing->cwnd_limited_end = tcb.snd.max;
}

namespace {

SendPlan Held(HoldReason reason) {
  SendPlan plan;
  plan.hold = reason;
  return plan;
}

SendPlan DataPlan(const Tcb& tcb, uint32_t bytes, bool fin) {
  SendPlan plan;
  plan.kind = PlanKind::kData;
  plan.seq = tcb.snd.max;
  plan.bytes = bytes;
  plan.fin = fin;
  return plan;
}

}  // namespace

SendPlan PlanData(Tcb& tcb) {
  SendState& snd = tcb.snd;
  const uint32_t offset = snd.max.BytesFrom(snd.una);
  const bool fin_waits = snd.fin_queued && !snd.fin_acked;
  const uint64_t queued = tcb.outgoing->queued_bytes;
  if (offset > queued) return {};  // The FIN is out already.
  const uint64_t left = queued - offset;
  if (left == 0 && !fin_waits) return {};
  const uint32_t room = WindowRoom(tcb);
  if (room == 0) return Held(HoldReason::kWindow);
  if (left == 0) return DataPlan(tcb, 0, true);

  const uint32_t limit = SegmentLimit(tcb);
  const bool full = left >= limit && room >= limit;
  const auto want =
      static_cast<uint32_t>(std::min<uint64_t>(left, std::min(limit, room)));
  const PayloadShape shape =
      MeasurePayload(tcb, tcb.outgoing->cursor, snd.max, want);
  if (shape.bytes == 0) return {};
  const bool fin = fin_waits && shape.bytes == left && room > shape.bytes;
  if (offset != 0 && CongestionRoom(tcb) < shape.bytes) {
    NoteCwndLimited(tcb);
    return Held(HoldReason::kCwnd);
  }
  if (!full && !shape.piece_limited) {
    const HoldReason hold = HoldSmallSegment(tcb, shape, fin);
    if (hold != HoldReason::kNone) return Held(hold);
  }
  return DataPlan(tcb, shape.bytes, fin);
}

}  // namespace chimney::tcp
