// SPDX-License-Identifier: BSD-3-Clause
// Copying received bytes into chunks, once.
#include "tcp/receive_buffer.h"

#include <algorithm>
#include <cstring>

namespace chimney::tcp {
namespace {

// Bytes that can be written at write_offset, after making room if there is
// none; 0 if there is no memory.
uint32_t WritableBytes(Tcb& tcb) {
  ReceiveState& rcv = tcb.rcv;
  ChunkPool& chunks = *tcb.store->chunks;
  if (rcv.write_chunk != kNoChunk) {
    // Nobody but us holds it, so nothing in it is needed any more.
    if (chunks.references(rcv.write_chunk) == 1) rcv.write_offset = 0;
    if (rcv.write_offset < chunks.chunk_bytes()) {
      return chunks.chunk_bytes() - rcv.write_offset;
    }
    chunks.Release(rcv.write_chunk);
  }
  rcv.write_chunk = chunks.Allocate();
  rcv.write_offset = 0;
  return rcv.write_chunk == kNoChunk ? 0 : chunks.chunk_bytes();
}

bool EndsAtWritePosition(const Tcb& tcb, const Fragment* fragment, SeqNum seq) {
  return fragment != nullptr && fragment->chunk == tcb.rcv.write_chunk &&
         fragment->offset_in_chunk + fragment->length == tcb.rcv.write_offset &&
         fragment->seq + fragment->length == seq;
}

// The fragment that the next bytes, which begin at `seq`, belong to: `previous`
// if they join it, else a new one in front of `before`; nullptr without memory.
Fragment* FragmentFor(Tcb& tcb, FragmentList& list, Fragment* before,
                      SeqNum seq, uint32_t* added) {
  Fragment* previous = before == nullptr ? list.back() : list.Previous(before);
  if (EndsAtWritePosition(tcb, previous, seq)) return previous;
  Fragment* fragment = tcb.store->fragments->Allocate();
  if (fragment == nullptr) return nullptr;
  fragment->seq = seq;
  fragment->chunk = tcb.rcv.write_chunk;
  fragment->offset_in_chunk = tcb.rcv.write_offset;
  tcb.store->chunks->AddRef(fragment->chunk);
  if (before == nullptr) {
    list.PushBack(fragment);
  } else {
    list.InsertBefore(before, fragment);
  }
  ++*added;
  return fragment;
}

}  // namespace

uint32_t StoreBytes(Tcb& tcb, FragmentList& list, Fragment* before, SeqNum seq,
                    ByteSpan bytes, uint32_t* added) {
  uint32_t stored = 0;
  while (stored < bytes.size()) {
    const uint32_t room = WritableBytes(tcb);
    if (room == 0) break;
    Fragment* fragment = FragmentFor(tcb, list, before, seq + stored, added);
    if (fragment == nullptr) break;
    const uint32_t take =
        std::min(room, static_cast<uint32_t>(bytes.size()) - stored);
    std::memcpy(
        tcb.store->chunks->Data(tcb.rcv.write_chunk) + tcb.rcv.write_offset,
        bytes.data() + stored, take);
    fragment->length += take;
    tcb.rcv.write_offset += take;
    stored += take;
  }
  return stored;
}

void FreeFragments(Tcb& tcb, FragmentList& list) {
  while (Fragment* fragment = list.PopFront()) {
    tcb.store->chunks->Release(fragment->chunk);
    tcb.store->fragments->Free(fragment);
  }
}

void ReleaseWriteChunk(Tcb& tcb) {
  if (tcb.rcv.write_chunk == kNoChunk) return;
  tcb.store->chunks->Release(tcb.rcv.write_chunk);
  tcb.rcv.write_chunk = kNoChunk;
  tcb.rcv.write_offset = 0;
}

}  // namespace chimney::tcp
