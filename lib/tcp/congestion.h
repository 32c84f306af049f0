// SPDX-License-Identifier: BSD-3-Clause
// The congestion window: slow start with byte counting (RFC 3465, R193) and
// its early end (RFC 9406), congestion avoidance and cuts after RFC 5681 (R194)
// or RFC 9438, and the restart after a pause (RFC 2861).
#ifndef CHIMNEY_TCP_CONGESTION_H_
#define CHIMNEY_TCP_CONGESTION_H_

#include <cstdint>

#include "base/time.h"
#include "tcp/recovery.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

inline constexpr uint32_t kMaxCwnd = 1u << 30;

// RFC 6928 for the current segment size.
uint32_t InitialWindow(const Tcb& tcb);
// An acknowledgement outside fast recovery. `after_timeout`: of what a timeout
// had sent again.
void GrowWindow(Tcb& tcb, Instant now, const AckNews& news, bool after_timeout);
// After every acknowledgement: what cwnd held back is of no interest once all
// that was out then has arrived (RFC 7661 section 4.3).
void EndCwndLimited(Tcb& tcb);
// A duplicate ACK in recovery without SACK: a segment left the network.
void InflateWindow(Tcb& tcb);
// A loss: sets ssthresh. What becomes of cwnd is the caller's.
void CutWindow(Tcb& tcb);
void CutWindowOnTimeout(Tcb& tcb);
// The last loss was none.
void UndoCut(Tcb& tcb);
// New data after a pause longer than the timeout.
void RestartAfterIdle(Tcb& tcb, Instant now);

// Segment sizes from the peer's MSS and the path MTU (R70, R123).
void UpdateMss(Tcb& tcb);
// Payload of a full segment without any options.
uint32_t BaseMss(const Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_CONGESTION_H_
