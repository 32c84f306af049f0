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
  return snd.queued_bytes > sent && snd.wnd > sent;
}

// Step 2.
bool OnFirstAck(Tcb& tcb, const AckNews& news) {
  RecoveryState& recovery = tcb.recovery;
  if (news.acked == 0) return false;  // duplicates may come before it
  if (tcb.snd.una.AtOrAfter(recovery.recover) || !CanSendNewData(tcb)) {
    recovery.frto = FrtoStep::kOff;
    return false;
  }
  recovery.frto = FrtoStep::kSecondAck;
  tcb.snd.cwnd = tcb.flight.in_flight_bytes() + 2 * tcb.snd.mss;
  return true;
}

// Step 3: what was sent once and arrived had not been lost.
bool OnSecondAck(Tcb& tcb, const AckNews& news) {
  RecoveryState& recovery = tcb.recovery;
  if (news.acked == 0 && !news.duplicate && !news.delivery.any) return false;
  recovery.frto = FrtoStep::kOff;
  const bool spurious =
      news.delivery.any_once &&
      news.delivery.lowest_once_end.AtOrBefore(recovery.recover) &&
      !news.delivery.highest_end.After(recovery.recover);
  if (!spurious) {
    tcb.snd.cwnd = 3 * tcb.snd.mss;
    return true;
  }
  ++tcb.counters.spurious_timeouts;
  tcb.flight.UnmarkLost();
  // What the resent segment seemed to say was said of its first transmission.
  recovery.rack.any = false;
  recovery.phase = RecoveryPhase::kOpen;
  recovery.recover = tcb.snd.una - 1;
  tcb.snd.cwnd = std::max(tcb.snd.cwnd, recovery.prior_cwnd);
  tcb.snd.ssthresh = recovery.prior_ssthresh;
  UndoCut(tcb);
  return true;
}

}  // namespace

void BeginFrto(Tcb& tcb, uint32_t prior_cwnd, uint32_t prior_ssthresh) {
  if (!tcb.params->f_rto) return;
  tcb.recovery.frto = FrtoStep::kFirstAck;
  tcb.recovery.prior_cwnd = prior_cwnd;
  tcb.recovery.prior_ssthresh = prior_ssthresh;
}

bool OnAckFrto(Tcb& tcb, const AckNews& news) {
  if (tcb.recovery.phase != RecoveryPhase::kLoss) return false;
  switch (tcb.recovery.frto) {
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
