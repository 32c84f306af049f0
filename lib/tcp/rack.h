// SPDX-License-Identifier: BSD-3-Clause
// RACK (RFC 8985 sections 5 and 6): a segment is lost if one that was sent
// later has been delivered, and it has had the time that reordering may take.
#ifndef CHIMNEY_TCP_RACK_H_
#define CHIMNEY_TCP_RACK_H_

#include "base/time.h"
#include "packet/segment.h"
#include "tcp/recovery.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Steps 2 and 3, and the duplicates of step 4.
void NoteDeliveryRack(Tcb& tcb, Instant now, const packet::Segment& segment,
                      const AckNews& news);
// Steps 4 and 5. What may only be late yet starts the reordering timer.
void MarkLostByTime(Tcb& tcb, Instant now);
// A fast recovery ended.
void OnRecoveryEndRack(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_RACK_H_
