// SPDX-License-Identifier: BSD-3-Clause
// Who moves when: hand-overs are started in order, a few at a time, so that
// each is short.
#include <glog/logging.h>
#include <sys/socket.h>

#include <utility>

#include "daemon/control_core.h"
#include "daemon/offload_operation.h"
#include "daemon/upload_operation.h"
#include "kernel/handover.h"

namespace chimney::daemon {
namespace {

// Several at once hide the way to the worker and back; many would keep each
// other's connections parked.
constexpr uint32_t kMaxRunningHandovers = 4;
constexpr size_t kMaxRemembered = 65536;

uint64_t SocketCookie(int fd) {
  uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 ? cookie
                                                                      : 0;
}

// The kernel lets nobody wait for a lingering close of a process that has died,
// and the control core must not wait for it either. A linger time of zero, the
// abortive close, stays.
void EndLinger(int fd) {
  linger option{};
  socklen_t length = sizeof(option);
  if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &option, &length) != 0 ||
      option.l_onoff == 0 || option.l_linger == 0) {
    return;
  }
  option = linger{};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, sizeof(option));
}

}  // namespace

Connection* ControlCore::NextOf(TurnQueue<uint64_t>* queue) {
  while (!queue->empty()) {
    Connection* connection = connections_.Find(queue->Pop());
    if (connection != nullptr) return connection;
  }
  return nullptr;
}

// Each direction has its own places: offloads that wait for an answer keep no
// connection from going back.
void ControlCore::StartQueued() {
  while (running_uploads_ < kMaxRunningHandovers) {
    Connection* connection = NextOf(&waiting_uploads_);
    if (connection == nullptr) break;
    ++running_uploads_;
    StartUpload(*connection);
  }
  while (running_offloads_ < kMaxRunningHandovers) {
    Connection* connection = NextOf(&waiting_offloads_);
    if (connection == nullptr) break;
    ++running_offloads_;
    StartOffload(*connection);
  }
}

bool ControlCore::CanStart() const {
  return (running_uploads_ < kMaxRunningHandovers &&
          !waiting_uploads_.empty()) ||
         (running_offloads_ < kMaxRunningHandovers &&
          !waiting_offloads_.empty());
}

void ControlCore::OnHandoverWaits(Connection& connection, bool waits) {
  uint32_t& running = connection.phase == ConnectionPhase::kOffloading
                          ? running_offloads_
                          : running_uploads_;
  if (waits) {
    --running;
  } else {
    ++running;
  }
}

void ControlCore::StartOffload(Connection& connection) {
  Session& session = *connection.session;
  auto operation = std::make_unique<OffloadOperation>(
      context_, *this, connection, session.id, connection.record);
  OffloadOperation& started = *operation;
  connection.handover = std::move(operation);
  if (paused_ || !session.Alive()) {
    kernel::KernelError error;
    error.code = paused_ ? kernel::KernelErrorCode::kPaused
                         : kernel::KernelErrorCode::kSessionEnding;
    OnOffloadDone(connection, error, offload::Status::kPaused);
    return;
  }
  connection.socket_cookie = SocketCookie(connection.fd.get());
  const auto known = session.remembered.find(connection.socket_cookie);
  if (known != session.remembered.end()) {
    connection.image.timestamp_offset = known->second.timestamp_offset;
    connection.image.carried = known->second.carried;
  }
  started.Start();
}

void ControlCore::OnFlowNamed(Connection& connection, worker::FlowHandle flow) {
  connections_.UnindexFlow(connection);
  connection.flow = flow;
  if (!flow.IsNone()) connections_.IndexFlow(connection);
}

void ControlCore::OnOffloadDone(Connection& connection,
                                kernel::KernelError error,
                                offload::Status status) {
  --running_offloads_;
  if (!error.ok()) {
    abi::NoticeEntry notice;
    notice.op = abi::NoticeOp::kInitiateFailed;
    notice.status = static_cast<uint8_t>(status);
    notice.error = static_cast<uint16_t>(error.code);
    notice.error_errno = error.system_errno;
    notice.request_id = connection.request_id;
    notice.cookie = connection.cookie;
    connection.session->Notify(notice);
    Forget(connection);
    return;
  }
  BecomeOffloaded(connection);
  connection.handover.reset();
  if (connection.placeholder_missing) RetryPlaceholder(connection.id);
  if (connection.upload_wanted) {
    connection.upload_wanted = false;
    WantUpload(connection);
  }
}

// Of what was told of its path while it was between, the worker knows nothing.
void ControlCore::BecomeOffloaded(Connection& connection) {
  connection.phase = ConnectionPhase::kOffloaded;
  if (connection.path_changed) {
    UpdatePath(connection, connection.image.snapshot.path.path_mtu_bytes);
  }
  if (connection.neighbor_changed) {
    UpdateNeighbor(connection,
                   connection.image.snapshot.neighbor.destination_mac);
  }
}

void ControlCore::WantUpload(Connection& connection) {
  switch (connection.phase) {
    case ConnectionPhase::kOffloading:
      connection.upload_wanted = true;
      return;
    case ConnectionPhase::kUploading:
      return;
    case ConnectionPhase::kOffloaded:
      connection.phase = ConnectionPhase::kUploading;
      waiting_uploads_.Push(connection.session->id, connection.id);
      return;
  }
}

void ControlCore::StartUpload(Connection& connection) {
  auto operation = std::make_unique<UploadOperation>(
      context_, *this, connection, !connection.session->Alive());
  UploadOperation& started = *operation;
  connection.handover = std::move(operation);
  started.Start();
}

void ControlCore::OnUploadDone(Connection& connection,
                               kernel::KernelError error) {
  --running_uploads_;
  if (error.ok()) {
    // Closing our duplicate is all there is to do for a dead process: the
    // kernel sends what is queued, then FIN, or RST if data was unread (R84).
    if (!connection.session->Alive()) EndLinger(connection.fd.get());
    auto& remembered = connection.session->remembered;
    if (remembered.size() >= kMaxRemembered) remembered.clear();
    remembered[connection.socket_cookie] = {connection.image.timestamp_offset,
                                            connection.image.carried};
    Forget(connection);
    return;
  }
  connection.handover.reset();
  BecomeOffloaded(connection);
  if (error.code != kernel::KernelErrorCode::kNotYet) {
    LOG_EVERY_N(WARNING, 100) << "connection " << connection.id
                              << " could not go back: " << error.ToString();
  }
  if (connection.placeholder_missing) RetryPlaceholder(connection.id);
  const bool must = draining_ || paused_ || connection.cut ||
                    !connection.session->Alive() ||
                    offload::IsMandatory(connection.retrieve_reason);
  if (connection.terminate_asked && !must) {
    abi::NoticeEntry notice;
    notice.op = abi::NoticeOp::kTerminateFailed;
    notice.status = static_cast<uint8_t>(offload::Status::kFailure);
    notice.error = static_cast<uint16_t>(error.code);
    notice.error_errno = error.system_errno;
    notice.request_id = connection.terminate_request_id;
    notice.flow = connection.flow.Packed();
    notice.cookie = connection.cookie;
    connection.session->Notify(notice);
    connection.terminate_asked = false;
    return;
  }
  const uint64_t id = connection.id;
  timers_.Cancel(connection.upload_timer);
  connection.upload_timer =
      timers_.At(context_.now() + connection.upload_retry.Next(), [this, id] {
        if (Connection* again = connections_.Find(id)) WantUpload(*again);
      });
}

void ControlCore::Forget(Connection& connection) {
  Session& session = *connection.session;
  session.FreeRecord(connection.record_slot);
  --session.connection_count;
  connections_.Remove(connection.id);
  FinishUploadAllIfEmpty();
  CloseSessionIfEmpty(session);
}

void ControlCore::UploadEverything() {
  connections_.ForEach(
      [this](Connection& connection) { WantUpload(connection); });
}

void ControlCore::FinishUploadAllIfEmpty() {
  if (connections_.size() > 0) return;
  for (const PendingUploadAll& pending : pending_upload_all_) {
    Session* session = FindSession(pending.session_id);
    if (session == nullptr) continue;
    abi::RequestEntry request;
    request.request_id = pending.request_id;
    Answer(*session, request, offload::Status::kSuccess, pending.connections);
  }
  pending_upload_all_.clear();
}

void ControlCore::TellEverybody(abi::NoticeOp op) {
  abi::NoticeEntry notice;
  notice.op = op;
  notice.bytes = link_up_ ? 1 : 0;
  for (auto& [id, session] : sessions_) {
    if (session->phase == SessionPhase::kReady) session->Notify(notice);
  }
}

void ControlCore::RetryPlaceholder(uint64_t connection_id) {
  Connection* connection = connections_.Find(connection_id);
  if (connection == nullptr || !connection->placeholder_missing ||
      connection->phase != ConnectionPhase::kOffloaded) {
    return;
  }
  const kernel::KernelError error =
      kernel::MakePlaceholder(connection->fd.get(), connection->image);
  if (error.ok()) {
    connection->placeholder_missing = false;
    connection->placeholder_retry.Reset();
    return;
  }
  stats_.Count(HandoverCount::kPlaceholderRetries);
  timers_.Cancel(connection->placeholder_timer);
  connection->placeholder_timer =
      timers_.At(context_.now() + connection->placeholder_retry.Next(),
                 [this, connection_id] { RetryPlaceholder(connection_id); });
}

}  // namespace chimney::daemon
