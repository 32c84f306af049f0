// SPDX-License-Identifier: BSD-3-Clause
// RFC 6937 section 3, the slow start reduction bound.
#include "tcp/prr.h"

#include <algorithm>

namespace chimney::tcp {

void BeginPrr(Tcb& tcb) {
  PrrState& prr = tcb.outgoing->recovery.prr;
  prr = PrrState{};
  prr.recover_fs = std::max(tcb.outgoing->flight.total_bytes(), tcb.snd.mss);
  // Nothing but the first retransmission before an ACK says how much.
  tcb.snd.cwnd = std::max(tcb.snd.mss, tcb.outgoing->flight.in_flight_bytes());
}

void OnAckPrr(Tcb& tcb, uint32_t delivered) {
  if (delivered == 0) return;  // nothing left the network
  PrrState& prr = tcb.outgoing->recovery.prr;
  SendState& snd = tcb.snd;
  prr.delivered += delivered;
  const uint32_t pipe = tcb.outgoing->flight.in_flight_bytes();
  uint64_t allowed = 0;
  if (pipe > snd.ssthresh) {
    const uint64_t share =
        (static_cast<uint64_t>(prr.delivered) * snd.ssthresh + prr.recover_fs -
         1) /
        prr.recover_fs;
    allowed = share > prr.out ? share - prr.out : 0;
  } else {
    const uint32_t unused =
        prr.delivered > prr.out ? prr.delivered - prr.out : 0;
    allowed = std::min<uint64_t>(snd.ssthresh - pipe,
                                 std::max(unused, delivered) + snd.mss);
  }
  snd.cwnd = std::max(snd.mss, pipe + static_cast<uint32_t>(allowed));
}

}  // namespace chimney::tcp
