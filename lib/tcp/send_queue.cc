// SPDX-License-Identifier: BSD-3-Clause
// Walking the send queue. A cursor makes the common walk one step long.
#include "tcp/send_queue.h"

#include <algorithm>

namespace chimney::tcp {
namespace {

// Bounds the walk over records without bytes.
constexpr size_t kMaxRecordsVisited = 16;

// Puts `cursor` on the record that holds `seq`, or on the last one if `seq` is
// the end of the queue. A null record means that the queue is empty.
void Seek(Tcb& tcb, SendCursor& cursor, SeqNum seq) {
  RecordList& queue = tcb.outgoing->queue;
  if (cursor.record == nullptr || seq.Before(cursor.record_seq)) {
    cursor.record = queue.front();
    if (cursor.record == nullptr) return;
    cursor.record_seq = tcb.snd.una - cursor.record->acked_bytes;
  }
  while (seq.BytesFrom(cursor.record_seq) >= cursor.record->length) {
    SendRecord* next = queue.Next(cursor.record);
    if (next == nullptr) return;
    cursor.record_seq += cursor.record->length;
    cursor.record = next;
  }
}

void ForgetInCursors(Tcb& tcb, const SendRecord* record) {
  for (SendCursor* cursor :
       {&tcb.outgoing->cursor, &tcb.outgoing->recovery.cursor}) {
    if (cursor->record == record) cursor->record = nullptr;
  }
}

void AddPiece(OutSegment* out, SendRecord* record, uint32_t offset,
              uint32_t bytes) {
  OutSegment::Piece& piece = out->pieces[out->piece_count++];
  piece.bytes = ByteSpan(record->data + offset, bytes);
  piece.record = record;
}

// What most segments carry: a part of one record, or the whole of it.
PayloadShape CollectPart(SendRecord* record, uint32_t offset, uint32_t bytes,
                         OutSegment* out) {
  if (out != nullptr) AddPiece(out, record, offset, bytes);
  PayloadShape shape;
  shape.bytes = bytes;
  if (offset + bytes == record->length) {
    shape.ends_nbl = record->ends_nbl;
    shape.push = record->push;
  }
  return shape;
}

}  // namespace

PayloadShape CollectPayload(Tcb& tcb, SendCursor& cursor, SeqNum seq,
                            uint32_t limit, OutSegment* out) {
  PayloadShape shape;
  if (limit == 0) return shape;
  Seek(tcb, cursor, seq);
  SendRecord* record = cursor.record;
  if (record == nullptr) return shape;
  uint32_t offset = seq.BytesFrom(cursor.record_seq);
  if (offset < record->length && record->length - offset >= limit) {
    return CollectPart(record, offset, limit, out);
  }
  size_t pieces = 0;
  size_t visited = 0;
  while (record != nullptr && shape.bytes < limit) {
    if (++visited > kMaxRecordsVisited) {
      shape.piece_limited = true;
      break;
    }
    const uint32_t left = record->length - std::min(offset, record->length);
    const uint32_t take = std::min(left, limit - shape.bytes);
    if (take != 0) {
      if (pieces == kMaxPayloadPieces) {
        shape.piece_limited = true;
        break;
      }
      ++pieces;
      if (out != nullptr) AddPiece(out, record, offset, take);
      shape.bytes += take;
    }
    if (take == left && shape.bytes != 0) {
      shape.ends_nbl |= record->ends_nbl;
      shape.push |= record->push;
    }
    record = tcb.outgoing->queue.Next(record);
    offset = 0;
  }
  return shape;
}

PayloadShape MeasurePayload(Tcb& tcb, SendCursor& cursor, SeqNum seq,
                            uint32_t limit) {
  return CollectPayload(tcb, cursor, seq, limit, nullptr);
}

bool ReleaseAcked(Tcb& tcb, uint32_t bytes) {
  bool moved = false;
  tcb.outgoing->queued_bytes -= bytes;
  while (SendRecord* record = tcb.outgoing->queue.front()) {
    const uint32_t take = std::min(bytes, record->length - record->acked_bytes);
    record->acked_bytes += take;
    bytes -= take;
    if (record->acked_bytes != record->length) break;
    ForgetInCursors(tcb, record);
    RecordList::Remove(record);
    tcb.outgoing->completed.PushBack(record);
    moved = true;
  }
  return moved;
}

void AbortSends(Tcb& tcb) {
  while (SendRecord* record = tcb.outgoing->queue.PopFront()) {
    record->aborted = true;
    tcb.outgoing->completed.PushBack(record);
  }
  tcb.outgoing->queued_bytes = 0;
  tcb.outgoing->cursor = {};
  tcb.outgoing->recovery.cursor = {};
}

}  // namespace chimney::tcp
