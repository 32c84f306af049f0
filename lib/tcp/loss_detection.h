// SPDX-License-Identifier: BSD-3-Clause
// What a peer's reports show to be lost: by the bytes reported above (RFC 6675)
// or by time (RFC 8985, rack.h).
#ifndef CHIMNEY_TCP_LOSS_DETECTION_H_
#define CHIMNEY_TCP_LOSS_DETECTION_H_

#include "base/time.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Marks in the flight what is lost by now.
void MarkLostBySack(Tcb& tcb, Instant now);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_LOSS_DETECTION_H_
