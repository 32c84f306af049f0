// SPDX-License-Identifier: BSD-3-Clause
// Proportional rate reduction (RFC 6937): how fast a fast recovery sends.
#ifndef CHIMNEY_TCP_PRR_H_
#define CHIMNEY_TCP_PRR_H_

#include <cstdint>

#include "tcp/tcb.h"

namespace chimney::tcp {

// ssthresh is reduced and the lost bytes are marked.
void BeginPrr(Tcb& tcb);
// `delivered` bytes were acknowledged or SACKed. Sets cwnd.
void OnAckPrr(Tcb& tcb, uint32_t delivered);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_PRR_H_
