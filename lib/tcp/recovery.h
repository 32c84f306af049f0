// SPDX-License-Identifier: BSD-3-Clause
// Loss recovery: fast retransmit with (RFC 6675) and without (RFC 6582) SACK,
// recovery after a timeout, tail loss probes (RFC 8985 section 7).
#ifndef CHIMNEY_TCP_RECOVERY_H_
#define CHIMNEY_TCP_RECOVERY_H_

#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "packet/segment.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Notes the segment's SACK blocks. Returns the bytes not known before.
uint32_t NoteSackBlocks(Tcb& tcb, const packet::Segment& segment);
// A duplicate ACK arrived (RFC 5681 section 2, RFC 6675 section 2).
void OnDuplicateAck(Tcb& tcb);
// Enters fast recovery if the counts or the scoreboard show a loss.
void LookForLoss(Tcb& tcb);
// SND.UNA moved by `acked` bytes; sequence variables are up to date.
void OnNewAckRecovery(Tcb& tcb, uint32_t acked);
// The retransmission timer ran out: everything is sent again from SND.UNA.
void EnterLossRecovery(Tcb& tcb);
// Sends everything from SND.UNA again without blaming congestion (RFC 1191).
void ResendFromUna(Tcb& tcb);
// The tail loss probe timer ran out.
void OnTailProbeTimer(Tcb& tcb);
// A tail loss probe was sent: `end` is behind its last byte.
void NoteTailProbe(Tcb& tcb, SeqNum end);

// Bytes believed to be in the network, for comparison with cwnd.
uint32_t BytesInFlight(const Tcb& tcb);
// The next hole to retransmit in SACK-based recovery, if there is one: from
// *start up to *end.
bool NextHole(const Tcb& tcb, SeqNum* start, SeqNum* end);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_RECOVERY_H_
