// SPDX-License-Identifier: BSD-3-Clause
// The stream calls while the daemon has the connection, and what is common to
// both sides. Bytes that came back untaken go out before anything newer, so
// that the stream stays exact over hand-overs.
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "hostapi/client/session.h"

namespace chimney::client {
namespace {

// One NBL of stream bytes. Memory comes back NBL by NBL, so that a few of them
// have to fit into a connection's share.
constexpr uint64_t kStreamBlockBytes = 64 * 1024;
// Less than this is not worth an NBL while more is waiting to be sent.
constexpr uint64_t kSmallBlockBytes = 2048;

constexpr uint64_t kShutdownRequest = 1;
constexpr uint64_t kAbortRequest = 2;

}  // namespace

ssize_t Session::StreamSend(Connection& connection, const uint8_t* data,
                            size_t bytes) {
  if (connection.reset) return CHIMNEY_E_RESET;
  if (connection.shutdown_wanted) return CHIMNEY_E_SHUTDOWN;
  if (connection.Lost()) return CHIMNEY_E_DAEMON_GONE;
  if (bytes == 0) return 0;
  if (connection.InHost()) return SendToKernel(connection, data, bytes);
  if (connection.Offloaded()) return SendToRing(connection, data, bytes);
  connection.write_wanted = true;
  return CHIMNEY_E_AGAIN;
}

ssize_t Session::SendToRing(Connection& connection, const uint8_t* data,
                            size_t bytes) {
  size_t taken = 0;
  if (FlushToRing(connection)) {
    for (;;) {
      const uint64_t held = connection.unsent_bytes + connection.imported_bytes;
      if (taken == bytes || held >= send_buffer_bytes_) break;
      const uint64_t wanted =
          std::min({uint64_t{bytes - taken}, kStreamBlockBytes,
                    send_buffer_bytes_ - held});
      BouncedSend block;
      uint64_t got = 0;
      block.block =
          arena_.AllocateUpTo(wanted, std::min(wanted, kSmallBlockBytes), &got);
      if (block.block == nullptr) break;
      block.bytes = static_cast<uint32_t>(got);
      std::memcpy(block.block, data + taken, block.bytes);
      if (!PushStreamBlock(connection, block)) {
        arena_.Free(block.block);
        break;
      }
      connection.unsent_bytes += block.bytes;
      taken += block.bytes;
    }
  }
  if (taken < bytes) {
    connection.write_wanted = true;
    // With nothing in flight no completion will come to wake the writer.
    if (connection.pending_sends.empty() && connection.imported_bytes == 0) {
      Stall(connection);
    }
  }
  return taken > 0 ? static_cast<ssize_t>(taken) : ssize_t{CHIMNEY_E_AGAIN};
}

bool Session::PushStreamBlock(Connection& connection,
                              const BouncedSend& block) {
  abi::RequestEntry request;
  request.op = abi::RequestOp::kSend;
  request.flow = connection.flow;
  request.request_id = connection.first_send + connection.pending_sends.size();
  request.offset = arena_.OffsetOf(block.block) + block.offset;
  request.length = block.bytes;
  if (connection.must_say_resumed) request.flags = abi::kFlagResumed;
  if (!link_.Push(connection.lane, request)) return false;
  connection.must_say_resumed = false;
  PendingSend& pending = connection.pending_sends.emplace_back();
  pending.block = block.block;
  pending.offset = block.offset;
  pending.bytes = block.bytes;
  pending.of_stream = true;
  return true;
}

bool Session::FlushToRing(Connection& connection) {
  while (!connection.bounced_sends.empty()) {
    if (!PushStreamBlock(connection, connection.bounced_sends.front())) {
      Stall(connection);
      return false;
    }
    connection.bounced_sends.pop_front();
  }
  return true;
}

void Session::CompleteSend(Connection& connection, PendingSend* send,
                           uint32_t status, uint32_t bytes) {
  send->done = true;
  if (!send->of_stream) {
    chimney_event& event = Emit(CHIMNEY_EVENT_SEND_COMPLETE, &connection);
    event.id = send->user_id;
    event.status = status;
    event.bytes = bytes;
    event.text = chimney_status_text(status);
    return;
  }
  const bool untaken = status == CHIMNEY_STATUS_UPLOAD_IN_PROGRESS;
  const uint32_t gone = untaken ? std::min(bytes, send->bytes) : send->bytes;
  connection.unsent_bytes -= gone;
  if (gone < send->bytes) {
    send->untaken = true;
    send->offset += gone;
    send->bytes -= gone;
    return;
  }
  arena_.Free(send->block);
  const bool delivered = status == CHIMNEY_STATUS_SUCCESS ||
                         status == CHIMNEY_STATUS_MOVED_TO_KERNEL || untaken;
  if (!delivered && !connection.Lost() && !connection.reset) {
    // A hole in the stream: nothing after it may be sent or read as whole.
    connection.reset = true;
    EmitReadable(connection);
    EmitWritable(connection);
  }
}

ssize_t Session::StreamReceive(Connection& connection, uint8_t* data,
                               size_t bytes) {
  if (connection.UsesDescriptors()) return CHIMNEY_E_STATE;
  if (bytes == 0) return CHIMNEY_E_INVALID;
  size_t copied = 0;
  while (copied < bytes && !connection.received.empty()) {
    ReceivedPiece& piece = connection.received.front();
    const size_t part =
        std::min<size_t>(bytes - copied, piece.bytes - piece.consumed);
    std::memcpy(data + copied, piece.data + piece.consumed, part);
    copied += part;
    piece.consumed += static_cast<uint32_t>(part);
    if (piece.consumed < piece.bytes) break;
    ReturnChunk({connection.wire_id, piece.flow, piece.lane, piece.chunk, 0},
                piece.bytes);
    connection.received.pop_front();
  }
  if (copied > 0) return static_cast<ssize_t>(copied);
  if (connection.peer_finished) return 0;
  if (connection.reset) return CHIMNEY_E_RESET;
  if (connection.Lost()) return CHIMNEY_E_DAEMON_GONE;
  if (connection.InHost()) return ReceiveFromKernel(connection, data, bytes);
  connection.read_wanted = true;
  return CHIMNEY_E_AGAIN;
}

int Session::StreamShutdown(Connection& connection) {
  if (connection.reset) return CHIMNEY_E_RESET;
  if (connection.Lost()) return CHIMNEY_E_DAEMON_GONE;
  connection.shutdown_wanted = true;
  Advance(connection);
  return CHIMNEY_OK;
}

int Session::Abort(Connection& connection) {
  if (connection.reset) return CHIMNEY_E_RESET;
  if (connection.Lost()) return CHIMNEY_E_DAEMON_GONE;
  connection.abort_wanted = true;
  Advance(connection);
  return CHIMNEY_OK;
}

void Session::Advance(Connection& connection) {
  if (connection.InHost()) AdvanceInHost(connection);
  if (connection.Offloaded()) AdvanceOffloaded(connection);
}

void Session::AdvanceOffloaded(Connection& connection) {
  if (connection.forgotten) {
    StartTerminate(connection);
    return;
  }
  if (connection.reset) return;
  abi::RequestEntry request;
  request.op = abi::RequestOp::kDisconnect;
  request.flow = connection.flow;
  if (connection.abort_wanted) {
    if (connection.abort_posted) return;
    request.request_id = kAbortRequest;
    request.flags = abi::kFlagAbortive;
    connection.abort_posted = PushDisconnect(connection, request);
    return;
  }
  if (!FlushToRing(connection)) return;
  if (connection.shutdown_wanted && !connection.shutdown_done &&
      !connection.shutdown_posted) {
    request.request_id = kShutdownRequest;
    connection.shutdown_posted = PushDisconnect(connection, request);
  }
}

bool Session::PushDisconnect(Connection& connection,
                             abi::RequestEntry request) {
  if (connection.must_say_resumed) request.flags |= abi::kFlagResumed;
  if (!link_.Push(connection.lane, request)) {
    Stall(connection);
    return false;
  }
  connection.must_say_resumed = false;
  return true;
}

void Session::OnDisconnectComplete(Connection& connection,
                                   const abi::NoticeEntry& notice) {
  if (notice.request_id == kAbortRequest) {
    if (notice.status == CHIMNEY_STATUS_UPLOAD_IN_PROGRESS) {
      MarkCut(connection);
      connection.abort_posted = false;
      return;
    }
    connection.aborted = true;
    connection.reset = true;
    ReportDisconnect(connection, notice.status);
    EmitReadable(connection);
    EmitWritable(connection);
    return;
  }
  if (connection.shutdown_done) return;
  if (notice.status == CHIMNEY_STATUS_UPLOAD_IN_PROGRESS) {
    MarkCut(connection);
    connection.shutdown_posted = false;
    return;
  }
  connection.shutdown_done = true;
  ReportDisconnect(connection, notice.status);
}

void Session::ReportDisconnect(Connection& connection, uint32_t status) {
  chimney_event& event = Emit(CHIMNEY_EVENT_DISCONNECT_COMPLETE, &connection);
  event.status = status;
  event.text = chimney_status_text(status);
}

void Session::Stall(Connection& connection) {
  if (connection.stalled) return;
  connection.stalled = true;
  stalled_.push_back(connection.wire_id);
}

void Session::RetryStalled() {
  std::vector<uint64_t> again;
  again.swap(stalled_);
  for (const uint64_t wire_id : again) {
    Connection* connection = Find(wire_id);
    if (connection == nullptr) continue;
    connection->stalled = false;
    Advance(*connection);
    if (!connection->stalled && !connection->cut &&
        connection->bounced_sends.empty()) {
      EmitWritable(*connection);
    }
  }
}

}  // namespace chimney::client
