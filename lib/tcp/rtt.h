// SPDX-License-Identifier: BSD-3-Clause
// Round-trip time: the timestamp clock (RFC 7323), samples and the
// retransmission timeout (RFC 6298).
#ifndef CHIMNEY_TCP_RTT_H_
#define CHIMNEY_TCP_RTT_H_

#include <cstdint>

#include "base/time.h"
#include "packet/segment.h"
#include "tcp/flight.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// TSval at `now`: our clock in the connection's unit plus the delta (R199).
uint32_t TimestampNow(const Tcb& tcb, Instant now);
// What the clock said at `at`, whatever was sent since.
uint32_t TimestampAt(const Tcb& tcb, Instant at);
// Chooses the delta so that the clock shows `value` at `now` (R102).
void SetTimestampClock(Tcb& tcb, Instant now, uint32_t value);

// Starts timing a segment of new data that ends at `end`, one at a time.
void StartTiming(Tcb& tcb, Instant now, SeqNum end);
// What was being timed is sent again: its ACK would be ambiguous (Karn).
void StopTiming(Tcb& tcb);
// Takes a sample from an ACK of new data: of the timed segment, or else from
// TSecr.
void SampleRtt(Tcb& tcb, Instant now, const packet::Segment& segment);

// Keeps the least round-trip time of late (RFC 8985 section 6.2 step 1).
void NoteDeliveryRtt(Tcb& tcb, Instant now, const Delivery& delivery);

// RTO, not backed off.
Duration RetransmitTimeout(const Tcb& tcb);
// The timeout doubled `count` times, bounded (RFC 6298 section 5.5).
Duration BackedOffRto(const Tcb& tcb, unsigned count);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_RTT_H_
