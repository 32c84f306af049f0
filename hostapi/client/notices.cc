// SPDX-License-Identifier: BSD-3-Clause
// What the daemon tells: ring entries become changes of connections and events
// for the application.
#include <cstring>

#include "hostapi/client/session.h"

namespace chimney::client {
namespace {

// Entries of one lane before the next one gets its turn, and before the daemon
// is told that their slots are free.
constexpr int kLaneBudget = 64;
constexpr int kMaxRounds = 64;

}  // namespace

chimney_event& Session::Emit(uint32_t type, Connection* connection) {
  static thread_local chimney_event discarded;
  chimney_event event{};
  event.type = type;
  event.text = chimney_status_text(CHIMNEY_STATUS_SUCCESS);
  if (connection != nullptr) {
    if (connection->forgotten) {
      discarded = event;
      return discarded;
    }
    event.conn = reinterpret_cast<chimney_conn*>(connection);
    event.cookie = connection->cookie;
  }
  return events_.emplace_back(event);
}

void Session::EmitReadable(Connection& connection) {
  if (!connection.read_wanted || connection.forgotten ||
      connection.UsesDescriptors()) {
    return;
  }
  connection.read_wanted = false;
  Emit(CHIMNEY_EVENT_READABLE, &connection);
}

void Session::EmitWritable(Connection& connection) {
  if (!connection.write_wanted || connection.forgotten) return;
  connection.write_wanted = false;
  Emit(CHIMNEY_EVENT_WRITABLE, &connection);
}

void Session::PumpNotices(size_t wanted_events) {
  bool progress = true;
  for (int round = 0; progress && round < kMaxRounds; ++round) {
    progress = false;
    for (uint32_t lane = 0; lane < link_.lane_count(); ++lane) {
      progress |= PumpLane(lane, wanted_events);
    }
  }
}

bool Session::PumpLane(uint32_t lane, size_t wanted_events) {
  ring::HostConsumer& ring = link_.from_daemon(lane);
  int taken = 0;
  while (taken < kLaneBudget && events_.size() < wanted_events) {
    const abi::NoticeEntry* entry = ring.Peek();
    if (entry == nullptr) break;
    OnNotice(lane, *entry);
    ring.Release();
    ++taken;
  }
  if (taken > 0) ring.Publish();
  return taken > 0;
}

void Session::OnNotice(uint32_t lane, const abi::NoticeEntry& notice) {
  if (lane == kControlLane) {
    OnControlNotice(notice);
    return;
  }
  Connection* connection = Find(notice.cookie);
  if (connection == nullptr) return;
  if (notice.op == abi::NoticeOp::kOffloaded) {
    if (connection->Away()) OnOffloaded(*connection, lane, notice);
    return;
  }
  // Answers to requests that reached a worker after their flow had gone.
  const bool of_this_flow =
      connection->Away() && notice.flow == connection->flow;
  if (of_this_flow) OnFlowNotice(*connection, lane, notice);
}

void Session::OnFlowNotice(Connection& connection, uint32_t lane,
                           const abi::NoticeEntry& notice) {
  switch (notice.op) {
    case abi::NoticeOp::kSendComplete:
      OnSendComplete(connection, notice);
      return;
    case abi::NoticeOp::kReceiveComplete:
      OnReceiveComplete(connection, notice);
      return;
    case abi::NoticeOp::kReceiveIndication:
      OnReceiveIndication(connection, lane, notice);
      return;
    case abi::NoticeOp::kDisconnectComplete:
      OnDisconnectComplete(connection, notice);
      return;
    case abi::NoticeOp::kDisconnectEvent:
      connection.peer_finished = true;
      if (!connection.peer_finish_told) {
        connection.peer_finish_told = true;
        Emit(CHIMNEY_EVENT_PEER_DISCONNECT, &connection);
      }
      EmitReadable(connection);
      return;
    case abi::NoticeOp::kAbortEvent:
      connection.reset = true;
      Emit(CHIMNEY_EVENT_ABORT, &connection);
      EmitReadable(connection);
      EmitWritable(connection);
      return;
    case abi::NoticeOp::kRetrieveEvent:
      OnRetrieve(connection, notice);
      return;
    case abi::NoticeOp::kUploaded:
      OnUploaded(connection, notice);
      return;
    default:
      return;  // a newer daemon says more than this library understands
  }
}

void Session::OnSendComplete(Connection& connection,
                             const abi::NoticeEntry& notice) {
  if (notice.request_id == abi::kImportedSendId) {
    connection.imported_bytes = 0;
    EmitWritable(connection);
    return;
  }
  std::deque<PendingSend>& pending = connection.pending_sends;
  const uint64_t index = notice.request_id - connection.first_send;
  if (index >= pending.size() || pending[index].done) return;
  CompleteSend(connection, &pending[index], notice.status, notice.bytes);
  if (notice.status == CHIMNEY_STATUS_UPLOAD_IN_PROGRESS) MarkCut(connection);
  while (!pending.empty() && pending.front().done && !pending.front().untaken) {
    pending.pop_front();
    ++connection.first_send;
  }
  const bool room = connection.unsent_bytes + connection.imported_bytes <=
                    send_buffer_bytes_ / 2;
  if (connection.Offloaded() && room) EmitWritable(connection);
}

void Session::OnReceiveComplete(Connection& connection,
                                const abi::NoticeEntry& notice) {
  // Completed in order (R125).
  if (connection.posted_receives.empty()) return;
  const PostedReceive receive = connection.posted_receives.front();
  connection.posted_receives.pop_front();
  if (receive.internal) return;
  chimney_event& event = Emit(CHIMNEY_EVENT_RECEIVE_COMPLETE, &connection);
  event.id = receive.user_id;
  event.data = receive.buffer;
  event.bytes = notice.bytes;
  event.status = notice.status;
  event.text = chimney_status_text(notice.status);
}

void Session::OnControlTerminateFailed(const abi::NoticeEntry& notice) {
  Connection* connection = Find(notice.cookie);
  if (connection == nullptr) {
    OnControlAnswer(notice);  // to chimney_terminate_id
    return;
  }
  // If the daemon had uploaded it on its own account before our request came,
  // kUploaded is in the worker's lane already and counts first.
  while (connection->Away() && PumpLane(connection->lane, SIZE_MAX)) {
    connection = Find(notice.cookie);
    if (connection == nullptr) return;
  }
  if (connection->state == CHIMNEY_STATE_UPLOADING &&
      connection->control_request == notice.request_id) {
    OnTerminateFailed(*connection, notice);
    return;
  }
  OnControlAnswer(notice);
}

void Session::OnControlAnswer(const abi::NoticeEntry& notice) {
  const auto answer = control_answers_.find(notice.request_id);
  if (answer == control_answers_.end()) return;
  answer->second.done = true;
  answer->second.status = notice.status;
  answer->second.connections = notice.bytes;
  static_assert(sizeof(abi::QueryEntry) == sizeof(abi::NoticeEntry));
  std::memcpy(static_cast<void*>(&answer->second.query), &notice,
              sizeof(notice));
}

void Session::OnControlNotice(const abi::NoticeEntry& notice) {
  switch (notice.op) {
    case abi::NoticeOp::kInitiateFailed: {
      Connection* connection = Find(notice.cookie);
      if (connection != nullptr &&
          connection->state == CHIMNEY_STATE_OFFLOADING) {
        OnInitiateFailed(*connection, notice);
      }
      return;
    }
    case abi::NoticeOp::kTerminateFailed:
      OnControlTerminateFailed(notice);
      return;
    case abi::NoticeOp::kControlDone:
    case abi::NoticeOp::kQueryDone:
      OnControlAnswer(notice);
      return;
    case abi::NoticeOp::kPaused:
      Emit(CHIMNEY_EVENT_PAUSE, nullptr);
      return;
    case abi::NoticeOp::kResumed:
      Emit(CHIMNEY_EVENT_RESUME, nullptr);
      return;
    case abi::NoticeOp::kUploadingAll:
      Emit(CHIMNEY_EVENT_UPLOAD_ALL, nullptr);
      return;
    case abi::NoticeOp::kLinkState:
      Emit(CHIMNEY_EVENT_LINK, nullptr).bytes = notice.bytes;
      return;
    case abi::NoticeOp::kDaemonStopping:
      Emit(CHIMNEY_EVENT_DAEMON_STOPPING, nullptr);
      return;
    default:
      return;
  }
}

}  // namespace chimney::client
