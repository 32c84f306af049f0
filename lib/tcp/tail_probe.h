// SPDX-License-Identifier: BSD-3-Clause
// Tail loss probes (RFC 8985 section 7).
#ifndef CHIMNEY_TCP_TAIL_PROBE_H_
#define CHIMNEY_TCP_TAIL_PROBE_H_

#include "base/seq.h"
#include "base/time.h"
#include "packet/segment.h"
#include "tcp/recovery.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// New data left or was acknowledged: the probe is due some time from now, if
// that is before the timeout.
void ArmTailProbe(Tcb& tcb, Instant now);
void OnTailProbeTimer(Tcb& tcb);
// The probe was sent: up to `end`, old data or new.
void NoteTailProbe(Tcb& tcb, SeqNum end, bool retransmission);
// Section 7.4: did the probe repair a loss that nobody else saw?
void OnAckTailProbe(Tcb& tcb, const packet::Segment& segment,
                    const AckNews& news);
void ForgetTailProbe(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_TAIL_PROBE_H_
