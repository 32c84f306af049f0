// SPDX-License-Identifier: BSD-3-Clause
// RFC 5682 sections 2.1 and 3.1. The flight knows which bytes were sent once,
// so both versions of the algorithm are one here.
#include "tcp/frto.h"

#include <algorithm>

#include "tcp/congestion.h"

namespace chimney::tcp {
namespace {

bool CanSendNewData(const Tcb& tcb) {
  const SendState& snd = tcb.snd;
  const uint32_t sent = snd.max.BytesFrom(snd.una);
  return tcb.outgoing->queued_bytes > sent && snd.wnd > sent;
}

// Step 2.
bool OnFirstAck(Tcb& tcb, const AckNews& news) {
  RecoveryState& recovery = tcb.outgoing->recovery;
  if (news.acked == 0) return false;  // duplicates may come before it
  if (tcb.snd.una.AtOrAfter(tcb.snd.recover) || !CanSendNewData(tcb)) {
    recovery.frto = FrtoStep::kOff;
    return false;
  }
  recovery.frto = FrtoStep::kSecondAck;
  tcb.snd.cwnd = tcb.outgoing->flight.in_flight_bytes() + 2 * tcb.snd.mss;
  return true;
}

// Step 3: what was sent once and arrived had not been lost.
bool OnSecondAck(Tcb& tcb, const AckNews& news) {
  RecoveryState& recovery = tcb.outgoing->recovery;
  if (news.acked == 0 && !news.duplicate && !news.delivery.any) return false;
  recovery.frto = FrtoStep::kOff;
  const bool spurious =
      news.delivery.any_once &&
      news.delivery.lowest_once_end.AtOrBefore(tcb.snd.recover) &&
      !news.delivery.highest_end.After(tcb.snd.recover);
  if (!spurious) {
    tcb.snd.cwnd = 3 * tcb.snd.mss;
    return true;
  }
  ++TakeHistory(tcb).counters.spurious_timeouts;
  tcb.outgoing->flight.UnmarkLost();
  // What the resent segment seemed to say was said of its first transmission.
  recovery.rack.any = false;
  recovery.phase = RecoveryPhase::kOpen;
  tcb.snd.recover = tcb.snd.una - 1;
  tcb.snd.cwnd = std::max(tcb.snd.cwnd, recovery.prior_cwnd);
  tcb.snd.ssthresh = recovery.prior_ssthresh;
  UndoCut(tcb);
  return true;
}

}  // namespace

void BeginFrto(Tcb& tcb, uint32_t prior_cwnd, uint32_t prior_ssthresh) {
  if (!tcb.params().f_rto) return;
  tcb.outgoing->recovery.frto = FrtoStep::kFirstAck;
  tcb.outgoing->recovery.prior_cwnd = prior_cwnd;
  tcb.outgoing->recovery.prior_ssthresh = prior_ssthresh;
}

bool OnAckFrto(Tcb& tcb, const AckNews& news) {
  if (tcb.outgoing->recovery.phase != RecoveryPhase::kLoss) return false;
  switch (tcb.outgoing->recovery.frto) {
    case FrtoStep::kOff:
      return false;
    case FrtoStep::kFirstAck:
      return OnFirstAck(tcb, news);
    case FrtoStep::kSecondAck:
      return OnSecondAck(tcb, news);
  }
  return false;
}

}  // namespace chimney::tcp
