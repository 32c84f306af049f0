// SPDX-License-Identifier: BSD-3-Clause
// F-RTO (RFC 5682): after a timeout, new data shows whether what seemed lost
// was only late.
#ifndef CHIMNEY_TCP_FRTO_H_
#define CHIMNEY_TCP_FRTO_H_

#include <cstdint>

#include "tcp/recovery.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// A first timeout: SND.UNA is about to be sent again.
void BeginFrto(Tcb& tcb, uint32_t prior_cwnd, uint32_t prior_ssthresh);
// Before the phase is looked at. True if it has set cwnd.
bool OnAckFrto(Tcb& tcb, const AckNews& news);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_FRTO_H_
