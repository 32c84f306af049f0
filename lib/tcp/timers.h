// SPDX-License-Identifier: BSD-3-Clause
// Starting and stopping the timers of one connection (R187). The firing is in
// timer_expiry.cc.
#ifndef CHIMNEY_TCP_TIMERS_H_
#define CHIMNEY_TCP_TIMERS_H_

#include "base/time.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Restarts the retransmission timer with the current back-off, and the tail
// loss probe timer where it applies.
void ArmRetransmit(Tcb& tcb, Instant now);
// Puts the shared timer to rest.
void StopRetransmit(Tcb& tcb);
// Everything sent so far is acknowledged, or some more of it: `tcb` shows
// which. Persisting goes on while something waits.
void OnAckProgressTimers(Tcb& tcb, Instant now);

// Time spent on retransmitting the current segment (TotalRT).
Duration TotalRetransmitTime(const Tcb& tcb, Instant now);

// The peer closed its window and something waits (R195).
void StartPersist(Tcb& tcb, Instant now);
// An ACK that leaves the window closed: the next round if a probe was out.
void OnZeroWindowAck(Tcb& tcb, Instant now);
// The window opened.
void LeavePersist(Tcb& tcb, Instant now);

// FIN_WAIT_2 begins, or goes on after an acceptable segment (R177).
void ArmFinWait2(Tcb& tcb, Instant now);

// The peer was heard of: keepalive starts over, a validation ends (R160).
void OnPeerHeard(Tcb& tcb, Instant now);
// Starts keepalive from the cached values, or stops it (R73).
void RestartKeepalive(Tcb& tcb, Instant now);
// Makes sure that keepalive asks the peer within 5 minutes (R160).
void StartValidation(Tcb& tcb, Instant now);

// Nothing will be sent or expected any more.
void StopAllTimers(Tcb& tcb);

// No timer runs longer, whatever a host asks for.
inline constexpr Duration kLongestTimer = Duration::Seconds(366L * 24 * 3600);
// The cached values, with defaults where they are zero (R160).
Duration KeepaliveTimeout(const Tcb& tcb);
Duration KeepaliveInterval(const Tcb& tcb);
uint8_t KeepaliveProbeLimit(const Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_TIMERS_H_
