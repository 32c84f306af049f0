// SPDX-License-Identifier: BSD-3-Clause
// Choosing among the ways to see a loss.
#include "tcp/loss_detection.h"

#include "tcp/rack.h"

namespace chimney::tcp {
namespace {

// RFC 6675 IsLost(): everything below the point above which the peer reported
// DupThresh ranges, or more than DupThresh - 1 segments' bytes.
void MarkLostByReports(Tcb& tcb) {
  const Flight& flight = tcb.outgoing->flight;
  const uint32_t threshold = tcb.params().duplicate_ack_threshold;
  uint32_t ranges = 0;
  uint32_t bytes = 0;
  for (const FlightRange* range = flight.back(); range != nullptr;
       range = flight.Previous(range)) {
    if (range->fate != FlightFate::kSacked) continue;
    ++ranges;
    bytes += range->bytes();
    if (ranges < threshold && bytes <= (threshold - 1) * tcb.snd.mss) continue;
    const SeqNum end = range->start;
    tcb.outgoing->flight.MarkLostIf([end](const FlightRange& below) {
      if (below.start.AtOrAfter(end)) return Flight::Verdict::kEnough;
      // What was sent again is judged no more: that is the timer's.
      return below.copies == FlightCopies::kSeveral ? Flight::Verdict::kSpare
                                                    : Flight::Verdict::kLost;
    });
    return;
  }
}

}  // namespace

void MarkLostBySack(Tcb& tcb, Instant now) {
  if (!tcb.constant.sack_enabled) return;
  if (tcb.params().rack) {
    MarkLostByTime(tcb, now);
  } else if (tcb.outgoing->flight.sacked_bytes() != 0) {
    MarkLostByReports(tcb);
  }
}

}  // namespace chimney::tcp
