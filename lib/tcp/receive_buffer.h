// SPDX-License-Identifier: BSD-3-Clause
// Putting received bytes into the connection's memory, in order or not.
#ifndef CHIMNEY_TCP_RECEIVE_BUFFER_H_
#define CHIMNEY_TCP_RECEIVE_BUFFER_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/seq.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Copies as much of `bytes`, which begin at `seq`, as there is memory for into
// fragments of `list` in front of `before` (nullptr: at the end). Returns the
// bytes stored and adds to *added the number of new fragments.
uint32_t StoreBytes(Tcb& tcb, FragmentList& list, Fragment* before, SeqNum seq,
                    ByteSpan bytes, uint32_t* added);

// Stores `bytes`, which begin at RCV.NXT, in the receive queue; out-of-order
// data that they reach follow. Moves RCV.NXT. Returns how many of `bytes` are
// held now: fewer than offered when memory ran out.
uint32_t StoreInOrder(Tcb& tcb, ByteSpan bytes);

// How InsertOutOfOrder fared.
enum class InsertResult : uint8_t {
  kStored,     // all of it is held now, some of it is new
  kDuplicate,  // all of it was held before
  kFull,       // a bound of the reassembly queue; comes again
  kNoMemory,
};
// Stores what is new of `bytes`, which begin after RCV.NXT, and notes the SACK
// block to send first (RFC 2018 section 4).
InsertResult InsertOutOfOrder(Tcb& tcb, SeqNum seq, ByteSpan bytes);

// Forgets all out-of-order data, FIN included (R164, R165).
void FlushOutOfOrder(Tcb& tcb);
// Gives fragments and their memory back.
void FreeFragments(Tcb& tcb, FragmentList& list);
// Lets go of the partly filled chunk.
void ReleaseWriteChunk(Tcb& tcb);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_RECEIVE_BUFFER_H_
