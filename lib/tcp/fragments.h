// SPDX-License-Identifier: BSD-3-Clause
// Pieces of the byte stream: what waits to be sent and what has been received.
#ifndef CHIMNEY_TCP_FRAGMENTS_H_
#define CHIMNEY_TCP_FRAGMENTS_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/chunk_pool.h"
#include "base/intrusive_list.h"
#include "base/seq.h"
#include "base/slab.h"
#include "tcp/flight.h"
#include "tcp/parameters.h"

namespace chimney::tcp {

// One contiguous piece of send data in the sender's memory. One NBL is one or
// more records, the last of which has `ends_nbl`; its completion is the NBL's.
struct SendRecord : ListNode<> {
  const uint8_t* data = nullptr;
  uint32_t length = 0;
  // Bytes of this record that the peer has acknowledged (R111).
  uint32_t acked_bytes = 0;
  // Sender's name for the NBL, given back at completion.
  uint64_t nbl_id = 0;
  uint32_t owner = 0;           // worker's: which session's memory this is
  ChunkIndex chunk = kNoChunk;  // imported data: chunk to release when done
  // Frames in flight inside a driver that point into `data`. Raised and
  // lowered on the owning worker's core only.
  uint32_t io_refs = 0;
  bool ends_nbl = true;
  bool push = true;       // PSH on the segment that ends here (R114)
  bool aborted = false;   // set when popped after a reset
  bool imported = false;  // came with the offload: completes silently
};
using RecordList = IntrusiveList<SendRecord>;

// One contiguous piece of received data inside a chunk. Holds one reference on
// the chunk. In the receive queue pieces are in order and adjacent; in
// reassembly they are disjoint and sorted by seq.
struct Fragment : ListNode<> {
  SeqNum seq;
  uint32_t length = 0;
  ChunkIndex chunk = kNoChunk;
  uint32_t offset_in_chunk = 0;
};
using FragmentList = IntrusiveList<Fragment>;

struct History;
struct Outgoing;
struct Reassembly;

// Where one connection keeps received bytes, what it notes of sent ones, and
// how it behaves. All are shared by many connections of the same owner core and
// outlive them.
struct ConnectionStore {
  ChunkPool* chunks = nullptr;          // the session's memory
  Slab<Fragment>* fragments = nullptr;  // bookkeeping of this worker
  // Null: each connection does with the two ranges it has.
  Slab<FlightRange>* flight_ranges = nullptr;
  // A place for every connection: taking one never fails.
  Pool<Outgoing>* outgoing = nullptr;
  Slab<Reassembly>* reassembly = nullptr;
  Slab<History>* history = nullptr;
  const Parameters* params = nullptr;
};

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_FRAGMENTS_H_
