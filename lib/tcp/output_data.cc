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
  return edge.After(tcb.snd.nxt) ? edge.BytesFrom(tcb.snd.nxt) : 0;
}

uint32_t CongestionRoom(const Tcb& tcb) {
  uint32_t allowed = tcb.snd.cwnd;
  if (tcb.recovery.phase == RecoveryPhase::kOpen) {
    allowed += tcb.snd.mss * std::min<uint32_t>(tcb.recovery.dup_ack_count,
                                                kLimitedTransmitSegments);
  }
  const uint32_t flight = BytesInFlight(tcb);
  return allowed > flight ? allowed - flight : 0;
}

// Resending passes over what the peer reported to hold.
void SkipSackedAtNxt(Tcb& tcb) {
  SendState& snd = tcb.snd;
  if (snd.nxt == snd.max || tcb.recovery.scoreboard.empty()) return;
  snd.nxt = tcb.recovery.scoreboard.SkipSacked(snd.nxt);
}

// RFC 1122 section 4.2.3.4 with the chimney's first stage (R119), for a
// segment of new data that is not full.
HoldReason HoldSmallSegment(const Tcb& tcb, const PayloadShape& shape,
                            bool fin) {
  const SendState& snd = tcb.snd;
  if (fin || snd.sws_forced) return HoldReason::kNone;
  const bool small_in_flight = tcb.params->minshall_nagle
                                   ? snd.small_end.After(snd.una)
                                   : snd.nxt != snd.una;
  if (tcb.cached.nagle_enabled && small_in_flight) return HoldReason::kNagle;
  if (shape.ends_nbl || shape.bytes >= snd.max_wnd / 2) {
    return HoldReason::kNone;
  }
  return HoldReason::kSws;
}

SendPlan Held(HoldReason reason) {
  SendPlan plan;
  plan.hold = reason;
  return plan;
}

SendPlan DataPlan(const Tcb& tcb, uint32_t bytes, bool fin) {
  SendPlan plan;
  plan.kind = PlanKind::kData;
  plan.seq = tcb.snd.nxt;
  plan.bytes = bytes;
  plan.fin = fin;
  return plan;
}

}  // namespace

SendPlan PlanData(Tcb& tcb) {
  SkipSackedAtNxt(tcb);
  SendState& snd = tcb.snd;
  const uint32_t offset = snd.nxt.BytesFrom(snd.una);
  const bool fin_waits = snd.fin_queued && !snd.fin_acked;
  if (offset > snd.queued_bytes) return {};  // The FIN is out already.
  const uint64_t left = snd.queued_bytes - offset;
  if (left == 0 && !fin_waits) return {};
  const uint32_t room = WindowRoom(tcb);
  if (room == 0) return Held(HoldReason::kWindow);
  if (left == 0) return DataPlan(tcb, 0, true);

  const bool resend = snd.nxt.Before(snd.max);
  uint32_t limit = SegmentLimit(tcb);
  if (resend) {
    const SeqNum stop =
        tcb.recovery.scoreboard.NextSacked(snd.nxt, snd.nxt + limit);
    limit = std::min(limit, stop.BytesFrom(snd.nxt));
  }
  const bool full = left >= limit && room >= limit;
  const auto want =
      static_cast<uint32_t>(std::min<uint64_t>(left, std::min(limit, room)));
  const PayloadShape shape = MeasurePayload(tcb, snd.cursor, snd.nxt, want);
  if (shape.bytes == 0) return {};
  const bool fin = fin_waits && shape.bytes == left && room > shape.bytes;
  if (snd.nxt != snd.una && CongestionRoom(tcb) < shape.bytes) {
    snd.cwnd_limited = true;
    return Held(HoldReason::kCwnd);
  }
  if (!full && !resend && !shape.piece_limited) {
    const HoldReason hold = HoldSmallSegment(tcb, shape, fin);
    if (hold != HoldReason::kNone) return Held(hold);
  }
  return DataPlan(tcb, shape.bytes, fin);
}

}  // namespace chimney::tcp
