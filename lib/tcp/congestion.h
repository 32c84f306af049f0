// SPDX-License-Identifier: BSD-3-Clause
// The congestion window: RFC 5681 with byte counting (RFC 3465, R193, R194).
#ifndef CHIMNEY_TCP_CONGESTION_H_
#define CHIMNEY_TCP_CONGESTION_H_

#include <cstdint>

#include "base/time.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// RFC 6928 for the current segment size.
uint32_t InitialWindow(const Tcb& tcb);
// `acked` bytes were newly acknowledged outside fast recovery.
void GrowWindow(Tcb& tcb, uint32_t acked);
// A duplicate ACK in recovery without SACK: a segment left the network.
void InflateWindow(Tcb& tcb);
// ssthresh after a loss (R194).
uint32_t ThresholdAfterLoss(const Tcb& tcb);
// New data after a pause longer than the timeout (RFC 5681 section 4.1).
void RestartAfterIdle(Tcb& tcb, Instant now);

// Segment sizes from the peer's MSS and the path MTU (R70, R123).
void UpdateMss(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_CONGESTION_H_
