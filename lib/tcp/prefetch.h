// SPDX-License-Identifier: BSD-3-Clause
// What the next call on a control block will touch, asked for in stages: each
// for all connections of a burst before the next, which reads what the one
// before has asked for. The Tcb itself comes first, with PrefetchObject.
#ifndef CHIMNEY_TCP_PREFETCH_H_
#define CHIMNEY_TCP_PREFETCH_H_

#include "base/prefetch.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Its parts and the chunk that is being filled.
inline void PrefetchParts(const Tcb& tcb) {
  if (tcb.outgoing != nullptr) PrefetchObject(tcb.outgoing);
  if (tcb.rcv.write_chunk != kNoChunk) {
    const ChunkPool& chunks = *tcb.store->chunks;
    __builtin_prefetch(chunks.Data(tcb.rcv.write_chunk) + tcb.rcv.write_offset,
                       1);
  }
}

// What its parts name: the record that an acknowledgement will end, and the
// fragment that data in order will join.
inline void PrefetchRecords(Tcb& tcb) {
  if (tcb.outgoing != nullptr) {
    const SendRecord* first = tcb.outgoing->queue.front();
    if (first != nullptr) PrefetchObject(first);
  }
  const Fragment* last = tcb.rcv.queue.back();
  if (last != nullptr) PrefetchObject(last);
}

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_PREFETCH_H_
