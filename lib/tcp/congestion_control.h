// SPDX-License-Identifier: BSD-3-Clause
// The algorithms behind congestion.h. A cut returns ssthresh, a growth moves
// cwnd in congestion avoidance.
#ifndef CHIMNEY_TCP_CONGESTION_CONTROL_H_
#define CHIMNEY_TCP_CONGESTION_CONTROL_H_

#include <cstdint>

#include "base/time.h"
#include "tcp/recovery.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// NewReno (RFC 5681, R194), newreno.cc.
uint32_t CutNewReno(const Tcb& tcb);
void GrowNewReno(Tcb& tcb, uint32_t acked);

// CUBIC (RFC 9438), cubic.cc.
uint32_t CutCubic(Tcb& tcb);
void UndoCutCubic(Tcb& tcb);
void GrowCubic(Tcb& tcb, Instant now, uint32_t acked);
// Time in which nothing was to be sent does not count (section 5.8).
void PauseCubic(Tcb& tcb, Instant now, Duration pause);
// Where growth begins after a timeout is the new W_max (section 4.8).
void TimeoutCubic(Tcb& tcb);

// HyStart++ (RFC 9406), hystart.cc: slow start that sees the queue grow.
// Returns how much of `growth` is left; may end slow start.
uint32_t GrowthHystart(Tcb& tcb, Instant now, const AckNews& news,
                       uint32_t growth);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_CONGESTION_CONTROL_H_
