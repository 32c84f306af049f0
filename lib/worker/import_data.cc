// SPDX-License-Identifier: BSD-3-Clause
// Bytes of an imported connection, into the session's memory and back: there
// they outlive this process (design D9).
#include <algorithm>
#include <cstring>

#include "worker/worker_impl.h"

namespace chimney::worker {

namespace {

// A chunk with the next bytes of `*rest`, kNoChunk if there is none.
ChunkIndex FillChunk(ChunkPool* pool, std::span<const uint8_t>* rest,
                     uint32_t* length) {
  const ChunkIndex chunk = pool->Allocate();
  if (chunk == kNoChunk) return kNoChunk;
  *length = static_cast<uint32_t>(
      std::min<size_t>(pool->chunk_bytes(), rest->size()));
  std::memcpy(pool->Data(chunk), rest->data(), *length);
  *rest = rest->subspan(*length);
  return chunk;
}

// States in which the peer's FIN is counted in RCV.NXT.
bool FinReceived(tcp::ConnectionState state) {
  return state == tcp::ConnectionState::kCloseWait ||
         state == tcp::ConnectionState::kClosing ||
         state == tcp::ConnectionState::kLastAck ||
         state == tcp::ConnectionState::kTimeWait;
}

}  // namespace

// False with whatever was made so far in `records`.
bool Worker::Impl::ImportSends(std::span<const uint8_t> bytes, Session* session,
                               tcp::RecordList* records) {
  ChunkPool* pool = session->port->chunks();
  while (!bytes.empty()) {
    tcp::SendRecord* record = nullptr;
    if (WithinShare(session->send_records,
                    send_records_.capacity() - send_records_.in_use())) {
      record = send_records_.Allocate();
    }
    if (record == nullptr) return false;
    ++session->send_records;
    records->PushBack(record);
    record->chunk = FillChunk(pool, &bytes, &record->length);
    if (record->chunk == kNoChunk) return false;
    record->data = pool->Data(record->chunk);
    record->owner = session->slot;
    record->imported = true;
    record->ends_nbl = bytes.empty();
    record->push = bytes.empty();
  }
  return true;
}

bool Worker::Impl::ImportReceives(const Operation& operation, Session* session,
                                  tcp::FragmentList* fragments) {
  const tcp::TcpDelegatedState& state = operation.snapshot.tcp.delegated;
  std::span<const uint8_t> bytes = operation.receive_bytes;
  SeqNum seq = state.rcv_nxt - (FinReceived(state.state) ? 1u : 0u) -
               static_cast<uint32_t>(bytes.size());
  ChunkPool* pool = session->port->chunks();
  while (!bytes.empty()) {
    tcp::Fragment* fragment = fragments_.Allocate();
    if (fragment == nullptr) return false;
    fragments->PushBack(fragment);
    fragment->chunk = FillChunk(pool, &bytes, &fragment->length);
    if (fragment->chunk == kNoChunk) return false;
    fragment->seq = seq;
    seq += fragment->length;
  }
  return true;
}

void Worker::Impl::FreeRecord(Session* session, tcp::SendRecord* record) {
  if (record->chunk != kNoChunk) {
    session->port->chunks()->Release(record->chunk);
  }
  --session->send_records;
  send_records_.Free(record);
}

void Worker::Impl::FreeRecords(Session* session, tcp::RecordList* records) {
  while (tcp::SendRecord* record = records->PopFront()) {
    FreeRecord(session, record);
  }
}

void Worker::Impl::FreeFragments(Session* session,
                                 tcp::FragmentList* fragments) {
  while (tcp::Fragment* fragment = fragments->PopFront()) {
    if (fragment->chunk != kNoChunk) {
      session->port->chunks()->Release(fragment->chunk);
    }
    fragments_.Free(fragment);
  }
}

}  // namespace chimney::worker
