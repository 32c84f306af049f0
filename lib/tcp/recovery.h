// SPDX-License-Identifier: BSD-3-Clause
// Loss recovery: what an acknowledgement or a timer makes of the flight, fast
// retransmit with (RFC 6675, RFC 8985) and without (RFC 6582) SACK, recovery
// after a timeout.
#ifndef CHIMNEY_TCP_RECOVERY_H_
#define CHIMNEY_TCP_RECOVERY_H_

#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "packet/segment.h"
#include "tcp/flight.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// What one segment told of our data.
struct AckNews {
  uint32_t acked = 0;              // sequence numbers that SND.UNA moved by
  bool duplicate = false;          // RFC 5681 section 2, RFC 6675 section 2
  bool reports_duplicate = false;  // RFC 2883
  packet::SackBlock reported;      // only then
  Delivery delivery;
};

// Notes the segment's SACK blocks.
void NoteSackBlocks(Tcb& tcb, const packet::Segment& segment, AckNews* news);
// Draws the conclusions: losses, the phase, the congestion window. SND.UNA, the
// window and the flight are up to date.
void OnAckRecovery(Tcb& tcb, Instant now, const packet::Segment& segment,
                   const AckNews& news);
// The retransmission timer ran out: everything is sent again from SND.UNA.
void EnterLossRecovery(Tcb& tcb);
// Sends everything from SND.UNA again without blaming congestion (RFC 1191).
void ResendFromUna(Tcb& tcb);
// The window in which segments may only be late is over (RFC 8985 section 6.3).
void OnReorderTimer(Tcb& tcb, Instant now);
// Bytes left, again or for the first time.
void NoteBytesSent(Tcb& tcb, Instant now, SeqNum start, SeqNum end);

// RFC 6582 section 3.2 step 4: after a loss, duplicate ACKs up to `recover` are
// echoes of our own resending. With SACK they name what they echo.
bool DuplicatesAreEchoes(const Tcb& tcb);

// Bytes believed to be in the network, for comparison with cwnd.
uint32_t BytesInFlight(const Tcb& tcb);

// Reduces ssthresh and begins to repair; bytes are marked as lost.
void EnterFastRecovery(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_RECOVERY_H_
