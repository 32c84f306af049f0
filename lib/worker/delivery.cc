// SPDX-License-Identifier: BSD-3-Clause
// The delivery algorithm (spec section 4.3, R125-R144): received bytes into
// posted receives by one copy, or else lent to the session where they lie.
//
// Completions and indications are entries of one ring, so nothing of the host
// runs inside them: BUSY is never true here, and no indication is refused. Of
// refusals one case remains: data that came with the offload is not indicated
// before the first receive is posted (R45).
#include <algorithm>
#include <cstring>

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

namespace {

// Bytes copied and descriptors lent in one turn of a flow.
constexpr uint32_t kCopyPerTurn = 256 * 1024;
constexpr uint32_t kDescriptorsPerTurn = 64;

}  // namespace

void Worker::Impl::Deliver(Turn* turn) {
  Flow* flow = turn->flow;
  if (flow->session()->closing != nullptr) return;
  Place(turn);
  TellDone(turn);
  if (!flow->HasReceives()) Indicate(turn);
}

void Worker::Impl::Place(Turn* turn) {
  Flow* flow = turn->flow;
  tcp::FragmentList& queue = flow->tcb.receive_queue();
  SessionWork* work = flow->work;
  if (work == nullptr) {
    if (queue.empty()) flow->push_seen = false;
    return;
  }
  const ChunkPool* pool = flow->session()->port->chunks();
  uint32_t placed = 0;
  while (PostedReceive* receive = work->posted.front()) {
    tcp::Fragment* fragment = queue.front();
    if (receive->filled == receive->length) {  // also of zero bytes (R128)
      work->posted.PopFront();
      work->done.PushBack(receive);
      work->push_deadline = Instant::Never();
      continue;
    }
    if (fragment == nullptr) break;
    if (placed >= kCopyPerTurn) {
      turn->wants_turn = true;
      break;
    }
    const uint32_t length = std::min(
        {fragment->length, receive->length - receive->filled, kCopyPerTurn});
    std::memcpy(receive->data + receive->filled,
                pool->Data(fragment->chunk) + fragment->offset_in_chunk,
                length);
    receive->filled += length;
    placed += length;
    fragment->seq += length;
    fragment->offset_in_chunk += length;
    fragment->length -= length;
    if (fragment->length == 0) {
      flow->session()->port->chunks()->Release(fragment->chunk);
      fragments_.Free(fragment);
    }
  }
  if (placed > 0) {
    Count(Counter::kBytesPlaced, placed);
    Absorb(turn->now, flow,
           tcp::OnReceiveConsumed(flow->tcb, turn->now, placed));
  }
  if (!queue.empty()) return;
  // Item 12 of spec section 0.2: the peer's FIN ends what nothing will fill.
  if (flow->tcb.fin_received()) CompletePosted(flow, Status::kSuccess);
  PostedReceive* partial = work->posted.front();
  if (partial != nullptr && partial->filled > 0 && !partial->no_push) {
    if (flow->push_seen) {
      work->posted.PopFront();
      work->done.PushBack(partial);
      work->push_deadline = Instant::Never();
    } else if (placed > 0) {
      work->push_deadline = turn->now + config_.push_timeout;
    }
  }
  flow->push_seen = false;
}

void Worker::Impl::CompletePosted(Flow* flow, Status status) {
  SessionWork* work = flow->work;
  if (work == nullptr) return;
  while (PostedReceive* receive = work->posted.PopFront()) {
    const bool full = receive->filled == receive->length;
    receive->status = full ? Status::kSuccess : status;
    work->done.PushBack(receive);
  }
  work->push_deadline = Instant::Never();
}

void Worker::Impl::Indicate(Turn* turn) {
  Flow* flow = turn->flow;
  if (flow->indications_wait) return;
  tcp::FragmentList& queue = flow->tcb.receive_queue();
  for (uint32_t i = 0; !queue.empty(); ++i) {
    if (turn->room == 0) {
      turn->wants_room = true;
      return;
    }
    Notice notice;
    if (i == kDescriptorsPerTurn || !LendFront(flow, &notice)) {
      turn->wants_turn = true;
      return;
    }
    Count(Counter::kIndications);
    Count(Counter::kBytesIndicated, notice.bytes);
    Emit(turn, notice);
  }
}

// Lends the first fragment and those that continue it in the same chunk. The
// bytes count as unread until they are returned, so the window shrinks.
bool Worker::Impl::LendFront(Flow* flow, Notice* notice) {
  Session* session = flow->session();
  tcp::FragmentList& queue = flow->tcb.receive_queue();
  // A session that does not consume what it was lent gets no more of its
  // memory: what follows waits here, where it closes the window.
  const uint32_t most = session->port->chunks()->chunk_count() / 2;
  if (session->lent_pieces >= most ||
      !WithinShare(session->lent_pieces, ledger_.free())) {
    Count(Counter::kLentPiecesEmpty);
    return false;
  }
  const tcp::Fragment* first = queue.front();
  const LentKey key{session->slot, first->chunk, HandleOf(flow)};
  const uint32_t offset = first->offset_in_chunk;
  SessionWork* work = TakeWork(flow);
  uint32_t end = offset;
  while (tcp::Fragment* fragment = queue.front()) {
    if (fragment->chunk != key.chunk || fragment->offset_in_chunk != end) break;
    // Cannot fail: the first piece has room, the others join it.
    if (!ledger_.Lend(key, end, fragment->length, &work->lent,
                      session->port->chunks(), &session->lent_pieces)) {
      break;
    }
    end += fragment->length;
    fragments_.Free(fragment);
  }
  work->lent_bytes += end - offset;
  notice->kind = Notice::Kind::kReceiveIndication;
  notice->bytes = end - offset;
  notice->chunk = key.chunk;
  notice->offset_in_chunk = offset;
  return end != offset;
}

}  // namespace chimney::worker
