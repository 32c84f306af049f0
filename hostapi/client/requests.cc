// SPDX-License-Identifier: BSD-3-Clause
// Requests without a copy: sends from and receives into the session's arena,
// and the return of lent data.
#include <array>

#include "hostapi/client/session.h"

namespace chimney::client {
namespace {

constexpr int kMaxPieces = 64;

}  // namespace

int Session::CheckPost(const Connection& connection) const {
  if (connection.Lost()) return CHIMNEY_E_DAEMON_GONE;
  if (connection.reset) return CHIMNEY_E_RESET;
  return connection.Offloaded() ? CHIMNEY_OK : CHIMNEY_E_STATE;
}

int Session::Send(Connection& connection, const iovec* pieces, int count,
                  uint64_t id) {
  const int verdict = CheckPost(connection);
  if (verdict != CHIMNEY_OK) return verdict;
  if (connection.shutdown_wanted) return CHIMNEY_E_SHUTDOWN;
  if (pieces == nullptr || count < 1 || count > kMaxPieces ||
      static_cast<uint32_t>(count) > link_.ring_capacity()) {
    return CHIMNEY_E_INVALID;
  }
  std::array<abi::RequestEntry, kMaxPieces> entries;
  const uint64_t number =
      connection.first_send + connection.pending_sends.size();
  const auto pieces_count = static_cast<size_t>(count);
  for (size_t i = 0; i < pieces_count; ++i) {
    const iovec& piece = pieces[i];
    if (piece.iov_len == 0 || piece.iov_len > UINT32_MAX ||
        !arena_.Contains(piece.iov_base, piece.iov_len)) {
      return CHIMNEY_E_INVALID;
    }
    abi::RequestEntry& entry = entries[i];
    entry.op = abi::RequestOp::kSend;
    entry.flags =
        i + 1 < pieces_count ? uint16_t{abi::kFlagMoreOfNbl} : uint16_t{0};
    entry.flow = connection.flow;
    entry.request_id = number;
    entry.offset = arena_.OffsetOf(piece.iov_base);
    entry.length = static_cast<uint32_t>(piece.iov_len);
  }
  if (!FlushToRing(connection)) return CHIMNEY_E_AGAIN;
  if (connection.must_say_resumed) entries[0].flags |= abi::kFlagResumed;
  if (!link_.PushAll(connection.lane,
                     std::span(entries.data(), pieces_count))) {
    return CHIMNEY_E_AGAIN;
  }
  connection.must_say_resumed = false;
  PendingSend& pending = connection.pending_sends.emplace_back();
  pending.user_id = id;
  return CHIMNEY_OK;
}

int Session::PostReceive(Connection& connection, const iovec& buffer,
                         uint32_t flags, uint64_t id) {
  const int verdict = CheckPost(connection);
  if (verdict != CHIMNEY_OK) return verdict;
  if (!connection.UsesDescriptors()) return CHIMNEY_E_STATE;
  const bool empty = buffer.iov_len == 0;
  if (buffer.iov_len > UINT32_MAX ||
      (!empty && !arena_.Contains(buffer.iov_base, buffer.iov_len))) {
    return CHIMNEY_E_INVALID;
  }
  abi::RequestEntry entry;
  entry.op = abi::RequestOp::kReceive;
  if ((flags & CHIMNEY_RECEIVE_NO_PUSH) != 0) entry.flags = abi::kFlagNoPush;
  entry.flow = connection.flow;
  entry.request_id = id;
  entry.offset = empty ? 0 : arena_.OffsetOf(buffer.iov_base);
  entry.length = static_cast<uint32_t>(buffer.iov_len);
  if (!link_.Push(connection.lane, entry)) return CHIMNEY_E_AGAIN;
  connection.posted_receives.push_back({id, buffer.iov_base, false});
  return CHIMNEY_OK;
}

int Session::ReceiveReturn(uint64_t token, size_t bytes) {
  LentData* lent = lent_.Find(token);
  if (lent == nullptr || bytes == 0 || bytes > lent->left_bytes) {
    return CHIMNEY_E_INVALID;
  }
  ReturnChunk(*lent, static_cast<uint32_t>(bytes));
  lent->left_bytes -= static_cast<uint32_t>(bytes);
  if (lent->left_bytes == 0) lent_.Remove(token);
  return CHIMNEY_OK;
}

void Session::OnReceiveIndication(Connection& connection, uint32_t lane,
                                  const abi::NoticeEntry& notice) {
  const uint8_t* data = link_.ReceivedBytes(lane, notice);
  if (data == nullptr) return;
  LentData lent;
  lent.connection = connection.wire_id;
  lent.flow = notice.flow;
  lent.lane = lane;
  lent.chunk = notice.chunk;
  lent.left_bytes = notice.bytes;
  if (connection.forgotten) {
    ReturnChunk(lent, notice.bytes);
    return;
  }
  if (connection.UsesDescriptors()) {
    const uint64_t token = lent_.Add(lent);
    chimney_event& event = Emit(CHIMNEY_EVENT_RECEIVE, &connection);
    event.data = data;
    event.bytes = notice.bytes;
    event.token = token;
    return;
  }
  ReceivedPiece& piece = connection.received.emplace_back();
  piece.data = data;
  piece.bytes = notice.bytes;
  piece.lane = lane;
  piece.chunk = notice.chunk;
  piece.flow = notice.flow;
  EmitReadable(connection);
}

void Session::ReturnChunk(const LentData& lent, uint32_t bytes) {
  abi::RequestEntry entry;
  entry.op = abi::RequestOp::kReceiveReturn;
  entry.flow = lent.flow;
  entry.chunk = lent.chunk;
  entry.length = bytes;
  link_.PushOwed(lent.lane, entry);
}

void Session::ReturnReceived(Connection& connection) {
  for (const ReceivedPiece& piece : connection.received) {
    ReturnChunk({connection.wire_id, piece.flow, piece.lane, piece.chunk, 0},
                piece.bytes);
  }
  connection.received.clear();
  lent_.RemoveAllOf(connection.wire_id, [this](const LentData& lent) {
    ReturnChunk(lent, lent.left_bytes);
  });
}

}  // namespace chimney::client
