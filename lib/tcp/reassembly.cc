// SPDX-License-Identifier: BSD-3-Clause
// Out-of-order data: filling holes, and the SACK blocks that tell of them.
#include <algorithm>

#include "tcp/receive_buffer.h"

namespace chimney::tcp {
namespace {

// A fragment costs book-keeping: beyond the first ones they have to hold so
// many bytes each, on average. A peer that sends single bytes between holes is
// held to few. What such bytes left in the receive queue counts as well.
constexpr uint32_t kFragmentsAllowed = 64;
constexpr uint32_t kBytesPerFurtherFragment = 256;
// Data out of order leaves so large a part of the fragments to data in order.
constexpr uint32_t kPartOfFragmentsKept = 8;
// A connection with more than these leaves as large a part again to those that
// have fewer, and as many as it takes itself.
constexpr uint32_t kFragmentsOfOwn = 16;
// Steps of a search. What is not found within them comes again when the hole
// in front of it is filled.
constexpr int kMaxSearchSteps = 512;
// Adjacent fragments looked at for the ends of one SACK block.
constexpr int kMaxNeighbours = 64;

SeqNum EndOf(const Fragment* fragment) {
  return fragment->seq + fragment->length;
}

ByteSpan Part(ByteSpan bytes, SeqNum bytes_seq, SeqNum from, SeqNum to) {
  return bytes.subspan(from.BytesFrom(bytes_seq), to.BytesFrom(from));
}

// AgeQueueFragments keeps the count far from its end.
void CountQueued(ReceiveState& rcv, uint32_t fragments, uint32_t bytes) {
  constexpr uint32_t kMost = 0xffffff;
  rcv.queue_fragments = (rcv.queue_fragments + fragments) & kMost;
  rcv.queue_fragment_bytes += bytes;
}

void MoveReachedFragments(Tcb& tcb) {
  ReceiveState& rcv = tcb.rcv;
  Reassembly& reassembly = *tcb.reassembly;
  while (Fragment* first = reassembly.out_of_order.front()) {
    if (first->seq.After(rcv.nxt)) return;
    reassembly.out_of_order.PopFront();
    if (reassembly.last_place == first) reassembly.last_place = nullptr;
    --reassembly.count;
    reassembly.bytes -= first->length;
    rcv.queue.PushBack(first);
    CountQueued(rcv, 1, first->length);
    rcv.nxt += first->length;
    rcv.unread_bytes += first->length;
    tcb.counters.bytes_received += first->length;
  }
}

// Counts begin anew with each queue that was read to its end.
void AgeQueueFragments(ReceiveState& rcv) {
  constexpr uint32_t kMany = 1u << 22;
  constexpr uint32_t kManyBytes = 1u << 30;
  if (rcv.queue.empty()) {
    rcv.queue_fragments = 0;
    rcv.queue_fragment_bytes = 0;
  }
  if (rcv.queue_fragments >= kMany || rcv.queue_fragment_bytes >= kManyBytes) {
    rcv.queue_fragments = (rcv.queue_fragments / 2) & 0x7fffff;
    rcv.queue_fragment_bytes /= 2;
  }
}

void DropReachedSackBlocks(Reassembly& reassembly, SeqNum nxt) {
  uint8_t kept = 0;
  for (uint8_t i = 0; i < reassembly.sack_count; ++i) {
    if (reassembly.sack_blocks[i].end.After(nxt)) {
      reassembly.sack_blocks[kept++] = reassembly.sack_blocks[i];
    }
  }
  reassembly.sack_count = kept;
}

// RFC 2018 section 4: the block that holds the newest data comes first.
void NoteSackBlock(Reassembly& reassembly, packet::SackBlock first) {
  uint8_t kept = 0;
  std::array<packet::SackBlock, packet::kMaxSackBlocks> others;
  for (uint8_t i = 0; i < reassembly.sack_count; ++i) {
    const packet::SackBlock& block = reassembly.sack_blocks[i];
    if (block.start.AtOrBefore(first.end) &&
        first.start.AtOrBefore(block.end)) {
      first.start = Earlier(first.start, block.start);
      first.end = Later(first.end, block.end);
    } else {
      others[kept++] = block;
    }
  }
  kept = std::min<uint8_t>(kept, packet::kMaxSackBlocks - 1);
  reassembly.sack_blocks[0] = first;
  std::copy_n(others.begin(), kept, reassembly.sack_blocks.begin() + 1);
  reassembly.sack_count = static_cast<uint8_t>(kept + 1);
}

// The whole of the contiguous data that `fragment` is part of (RFC 2018
// section 4), as far as there are not too many pieces.
packet::SackBlock BlockAround(FragmentList& list, Fragment* fragment) {
  packet::SackBlock block{fragment->seq, EndOf(fragment)};
  Fragment* left = list.Previous(fragment);
  for (int i = 0; i < kMaxNeighbours && left != nullptr; ++i) {
    if (EndOf(left) != block.start) break;
    block.start = left->seq;
    left = list.Previous(left);
  }
  Fragment* right = list.Next(fragment);
  for (int i = 0; i < kMaxNeighbours && right != nullptr; ++i) {
    if (right->seq != block.end) break;
    block.end = EndOf(right);
    right = list.Next(right);
  }
  return block;
}

// Of the fragments of this worker.
bool HasFragmentsFor(const Tcb& tcb) {
  const Slab<Fragment>& fragments = *tcb.store->fragments;
  const uint32_t left = fragments.capacity() - fragments.in_use();
  const uint32_t kept = fragments.capacity() / kPartOfFragmentsKept;
  const uint32_t own = tcb.reassembly->count;
  return own < kFragmentsOfOwn ? left > kept
                               : left > 2 * kept && own <= left - 2 * kept;
}

bool HasRoomFor(const Tcb& tcb, uint32_t bytes) {
  const uint32_t bound = tcb.params().max_reassembly_bytes;
  const ReceiveState& rcv = tcb.rcv;
  const uint32_t held = tcb.reassembly->bytes;
  return bound >= held && bytes <= bound - held && HasFragmentsFor(tcb) &&
         tcb.reassembly->count + rcv.queue_fragments <
             kFragmentsAllowed +
                 (held + rcv.queue_fragment_bytes) / kBytesPerFurtherFragment;
}

// Looks for the last fragment that begins at or before `seq` (nullptr: none),
// from `from` on in both directions. False when it lies too far off.
bool FindPreviousNear(FragmentList& list, Fragment* from, SeqNum seq,
                      Fragment** previous) {
  Fragment* at = from;
  for (int i = 0; i < kMaxSearchSteps; ++i) {
    if (at == nullptr || at->seq.AtOrBefore(seq)) break;
    at = list.Previous(at);
  }
  if (at != nullptr && at->seq.After(seq)) return false;
  for (int i = 0; i < kMaxSearchSteps; ++i) {
    Fragment* next = at == nullptr ? list.front() : list.Next(at);
    if (next == nullptr || next->seq.After(seq)) {
      *previous = at;
      return true;
    }
    at = next;
  }
  return false;
}

// The same in the whole list: near its end, near the last place that was found
// (holes are filled one after the other), or near its front.
bool FindPrevious(Reassembly& reassembly, SeqNum seq, Fragment** previous) {
  FragmentList& list = reassembly.out_of_order;
  return FindPreviousNear(list, list.back(), seq, previous) ||
         (reassembly.last_place != nullptr &&
          FindPreviousNear(list, reassembly.last_place, seq, previous)) ||
         FindPreviousNear(list, nullptr, seq, previous);
}

// Stores [from, to) of `bytes` in front of `next`. False when memory or the
// bound stopped it; *reached says how far it came.
InsertResult FillHole(Tcb& tcb, Fragment* next, SeqNum from, ByteSpan hole,
                      SeqNum* reached) {
  Reassembly& reassembly = *tcb.reassembly;
  if (!HasRoomFor(tcb, static_cast<uint32_t>(hole.size()))) {
    return InsertResult::kFull;
  }
  const uint32_t stored = StoreBytes(tcb, reassembly.out_of_order, next, from,
                                     hole, &reassembly.count);
  reassembly.bytes += stored;
  *reached = from + stored;
  return stored == hole.size() ? InsertResult::kStored
                               : InsertResult::kNoMemory;
}

}  // namespace

namespace {

// RFC 2883 section 4.2: the part of a segment that was held already.
void NoteOverlap(Tcb& tcb, SeqNum start, SeqNum end) {
  if (!tcb.constant.sack_enabled || start.AtOrAfter(end)) return;
  Reassembly& reassembly = *tcb.reassembly;
  if (reassembly.has_duplicate) return;  // one is told, the first
  reassembly.duplicate = {start, end};
  reassembly.has_duplicate = true;
}

}  // namespace

uint32_t StoreInOrder(Tcb& tcb, ByteSpan bytes) {
  ReceiveState& rcv = tcb.rcv;
  const SeqNum start = rcv.nxt;
  const SeqNum end = start + static_cast<uint32_t>(bytes.size());
  AgeQueueFragments(rcv);
  while (rcv.nxt.Before(end)) {
    const Fragment* held = tcb.reassembly == nullptr
                               ? nullptr
                               : tcb.reassembly->out_of_order.front();
    const SeqNum stop = held == nullptr ? end : Earlier(end, held->seq);
    const ByteSpan part = Part(bytes, start, rcv.nxt, stop);
    uint32_t added = 0;
    const uint32_t stored =
        StoreBytes(tcb, rcv.queue, nullptr, rcv.nxt, part, &added);
    rcv.nxt += stored;
    CountQueued(rcv, added, stored);
    rcv.duplicate_acks = 0;  // they would have told of the old RCV.NXT
    rcv.unread_bytes += stored;
    tcb.counters.bytes_received += stored;
    if (stored != part.size()) {
      if (held == nullptr) break;
      // What is next must not wait for memory that later data hold; those come
      // again (RFC 2018 section 8).
      FlushOutOfOrder(tcb);
      continue;
    }
    if (held == nullptr) continue;
    MoveReachedFragments(tcb);
    NoteOverlap(tcb, stop, Earlier(end, rcv.nxt));
  }
  if (tcb.reassembly != nullptr) {
    DropReachedSackBlocks(*tcb.reassembly, rcv.nxt);
  }
  return std::min(static_cast<uint32_t>(bytes.size()),
                  rcv.nxt.BytesFrom(start));
}

InsertResult InsertOutOfOrder(Tcb& tcb, SeqNum seq, ByteSpan bytes) {
  Reassembly& reassembly = *tcb.reassembly;
  FragmentList& list = reassembly.out_of_order;
  const SeqNum end = seq + static_cast<uint32_t>(bytes.size());
  Fragment* previous = nullptr;
  if (!FindPrevious(reassembly, seq, &previous)) return InsertResult::kFull;
  SeqNum from = seq;
  if (previous != nullptr) from = Later(from, EndOf(previous));
  NoteOverlap(tcb, seq, Earlier(end, from));
  Fragment* next = previous == nullptr ? list.front() : list.Next(previous);
  InsertResult result = InsertResult::kDuplicate;
  while (from.Before(end)) {
    const SeqNum stop = next == nullptr ? end : Earlier(end, next->seq);
    if (from.Before(stop)) {
      result = FillHole(tcb, next, from, Part(bytes, seq, from, stop), &from);
      if (result != InsertResult::kStored) break;
    }
    if (next == nullptr) break;
    NoteOverlap(tcb, Later(from, next->seq), Earlier(end, EndOf(next)));
    from = Later(from, EndOf(next));
    next = list.Next(next);
  }
  if (!Earlier(from, end).After(seq)) return result;
  Fragment* holder = previous;
  if (holder == nullptr) {
    holder = list.front();
  } else if (EndOf(holder).AtOrBefore(seq)) {
    holder = list.Next(holder);
  }
  reassembly.last_place = holder;
  NoteSackBlock(reassembly, BlockAround(list, holder));
  return result;
}

void FlushOutOfOrder(Tcb& tcb) {
  if (tcb.reassembly == nullptr) return;
  Reassembly& reassembly = *tcb.reassembly;
  FreeFragments(tcb, reassembly.out_of_order);
  reassembly.last_place = nullptr;
  reassembly.bytes = 0;
  reassembly.count = 0;
  reassembly.sack_count = 0;
  reassembly.fin_held = false;
}

}  // namespace chimney::tcp
