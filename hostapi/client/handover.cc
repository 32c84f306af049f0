// SPDX-License-Identifier: BSD-3-Clause
// The way of a connection to the daemon and back (R39, R84, R89, R93), and what
// becomes of its requests on the way.
#include <utility>

#include "hostapi/client/session.h"

namespace chimney::client {

int Session::Offload(Connection& connection) {
  if (link_.gone()) return CHIMNEY_E_DAEMON_GONE;
  if (!connection.InHost()) return CHIMNEY_E_STATE;
  if (connection.reset) return CHIMNEY_E_RESET;
  if (link_.Room(kControlLane) == 0) return CHIMNEY_E_AGAIN;
  // Before the daemon can touch it: a placeholder reports EPOLLERR|EPOLLHUP.
  Unwatch(connection);
  const uint64_t attach_id = ++last_attach_;
  const int attached = link_.AttachSocket(connection.fd, attach_id);
  if (attached != CHIMNEY_OK) {
    Watch(connection);
    return attached;
  }
  abi::RequestEntry request;
  request.op = abi::RequestOp::kInitiate;
  request.request_id = ++last_control_;
  request.cookie = connection.wire_id;
  request.offset = attach_id;
  link_.PushOwed(kControlLane, request);
  link_.RingControl();
  connection.state = CHIMNEY_STATE_OFFLOADING;
  connection.control_request = request.request_id;
  return CHIMNEY_OK;
}

int Session::Upload(Connection& connection) {
  if (link_.gone()) return CHIMNEY_E_DAEMON_GONE;
  if (!connection.Offloaded()) return CHIMNEY_E_STATE;
  return StartTerminate(connection, false) ? CHIMNEY_OK : CHIMNEY_E_AGAIN;
}

bool Session::StartTerminate(Connection& connection, bool must_not_fail) {
  abi::RequestEntry request;
  request.op = abi::RequestOp::kTerminate;
  request.request_id = last_control_ + 1;
  request.flow = connection.flow;
  request.cookie = connection.wire_id;
  if (must_not_fail) {
    link_.PushOwed(kControlLane, request);
  } else if (!link_.Push(kControlLane, request)) {
    return false;
  }
  link_.RingControl();
  ++last_control_;
  connection.state = CHIMNEY_STATE_UPLOADING;
  connection.control_request = request.request_id;
  return true;
}

void Session::OnOffloaded(Connection& connection, uint32_t lane,
                          const abi::NoticeEntry& notice) {
  connection.state = CHIMNEY_STATE_OFFLOADED;
  connection.flow = notice.flow;
  connection.lane = lane;
  connection.control_request = 0;
  connection.retrieve_reason = CHIMNEY_REASON_NONE;
  Emit(CHIMNEY_EVENT_OFFLOADED, &connection).elapsed_ns = notice.elapsed_ns;
  Advance(connection);
  if (connection.bounced_sends.empty()) EmitWritable(connection);
}

void Session::OnInitiateFailed(Connection& connection,
                               const abi::NoticeEntry& notice) {
  if (connection.forgotten) {
    Erase(connection);
    return;
  }
  connection.state = CHIMNEY_STATE_IN_HOST;
  connection.control_request = 0;
  chimney_event& event = Emit(CHIMNEY_EVENT_OFFLOAD_FAILED, &connection);
  event.status = notice.status;
  event.refusal = notice.error;
  event.system_errno = notice.error_errno;
  event.text = notice.error != 0 ? chimney_refusal_text(notice.error)
                                 : chimney_status_text(notice.status);
  Watch(connection);
  Advance(connection);
  if (!connection.watched && connection.bounced_sends.empty()) {
    EmitWritable(connection);
  }
}

void Session::OnUploaded(Connection& connection,
                         const abi::NoticeEntry& notice) {
  // kUploaded is the last notice of a flow: what has not been completed by now
  // was never taken, wherever it is in the ring.
  ReturnUntaken(connection, CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  connection.state = CHIMNEY_STATE_IN_HOST;
  if (connection.forgotten) {
    Forget(connection);
    return;
  }
  connection.flow = 0;
  connection.control_request = 0;
  chimney_event& event = Emit(CHIMNEY_EVENT_UPLOADED, &connection);
  event.elapsed_ns = notice.elapsed_ns;
  event.reason = std::exchange(connection.retrieve_reason, 0u);
  event.text = chimney_reason_text(event.reason);
  Watch(connection);
  Advance(connection);
  if (!connection.watched && connection.bounced_sends.empty()) {
    EmitWritable(connection);
  }
}

void Session::OnTerminateFailed(Connection& connection,
                                const abi::NoticeEntry& notice) {
  connection.state = CHIMNEY_STATE_OFFLOADED;
  connection.control_request = 0;
  if (connection.forgotten) {
    Stall(connection);  // asks again soon
    return;
  }
  chimney_event& event = Emit(CHIMNEY_EVENT_UPLOAD_FAILED, &connection);
  event.status = notice.status;
  event.refusal = notice.error;
  event.system_errno = notice.error_errno;
  event.text = notice.error != 0 ? chimney_refusal_text(notice.error)
                                 : chimney_status_text(notice.status);
  Advance(connection);
  if (connection.bounced_sends.empty()) EmitWritable(connection);
}

void Session::OnRetrieve(Connection& connection,
                         const abi::NoticeEntry& notice) {
  connection.retrieve_reason = notice.reason;
  chimney_event& event = Emit(CHIMNEY_EVENT_RETRIEVE, &connection);
  event.reason = notice.reason;
  event.text = chimney_reason_text(notice.reason);
  // R179: the target has stopped; the host always uploads.
  const bool mandatory = notice.reason >= CHIMNEY_REASON_HARDWARE_FAILURE &&
                         notice.reason <= CHIMNEY_REASON_UPLOAD_REQUESTED;
  if (mandatory && connection.Offloaded()) StartTerminate(connection, true);
}

void Session::ReturnUntaken(Connection& connection, uint32_t status) {
  std::deque<BouncedSend> untaken;
  for (PendingSend& send : connection.pending_sends) {
    if (!send.done) CompleteSend(connection, &send, status, 0);
    if (send.untaken) untaken.push_back({send.block, send.offset, send.bytes});
  }
  connection.first_send += connection.pending_sends.size();
  connection.pending_sends.clear();
  // What never reached the ring this time is newer than all that did.
  std::deque<BouncedSend>& bounced = connection.bounced_sends;
  bounced.insert(bounced.begin(), untaken.begin(), untaken.end());
  while (!connection.posted_receives.empty()) {
    const PostedReceive receive = connection.posted_receives.front();
    connection.posted_receives.pop_front();
    chimney_event& event = Emit(CHIMNEY_EVENT_RECEIVE_COMPLETE, &connection);
    event.id = receive.user_id;
    event.data = receive.buffer;
    event.status = status;
    event.text = chimney_status_text(status);
  }
  if (!connection.shutdown_done) connection.shutdown_posted = false;
  if (!connection.aborted) connection.abort_posted = false;
}

void Session::LoseConnections() {
  for (Slot& slot : slots_) {
    Connection* connection = slot.connection.get();
    if (connection == nullptr || !connection->Away()) continue;
    const bool shutdown_open =
        connection->shutdown_wanted && !connection->shutdown_done;
    connection->state = CHIMNEY_STATE_LOST;
    ReturnUntaken(*connection, CHIMNEY_STATUS_REQUEST_ABORTED);
    if (connection->forgotten) {
      Forget(*connection);
      continue;
    }
    if (shutdown_open || (connection->abort_wanted && !connection->aborted)) {
      ReportDisconnect(*connection, CHIMNEY_STATUS_REQUEST_ABORTED);
    }
    EmitReadable(*connection);
    EmitWritable(*connection);
  }
}

}  // namespace chimney::client
