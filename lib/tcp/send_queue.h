// SPDX-License-Identifier: BSD-3-Clause
// The queue of send records: finding bytes by sequence number and letting go of
// what is acknowledged.
#ifndef CHIMNEY_TCP_SEND_QUEUE_H_
#define CHIMNEY_TCP_SEND_QUEUE_H_

#include <cstdint>

#include "base/seq.h"
#include "tcp/engine.h"

namespace chimney::tcp {

// A run of payload as one segment can carry it.
struct PayloadShape {
  uint32_t bytes = 0;
  bool ends_nbl = false;       // an NBL ends inside (R119)
  bool push = false;           // PSH belongs on the segment (R114)
  bool piece_limited = false;  // more bytes would need too many pieces
};

// What the run from `seq` on with at most `limit` bytes looks like. `seq` is at
// or after SND.UNA.
PayloadShape MeasurePayload(Tcb& tcb, SendCursor& cursor, SeqNum seq,
                            uint32_t limit);
// The same, and fills the pieces of `out`.
PayloadShape CollectPayload(Tcb& tcb, SendCursor& cursor, SeqNum seq,
                            uint32_t limit, OutSegment* out);

// The first `bytes` of the queue are acknowledged. Records that are done move
// to `completed`. The caller moves SND.UNA. True if any record moved.
bool ReleaseAcked(Tcb& tcb, uint32_t bytes);
// Moves every record to `completed`, marked as aborted.
void AbortSends(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_SEND_QUEUE_H_
