// SPDX-License-Identifier: BSD-3-Clause
// The way of a connection to the daemon and back (R39, R84, R89, R93), and what
// becomes of its requests on the way.
#include <cerrno>
#include <utility>

#include "hostapi/client/session.h"

namespace chimney::client {
namespace {

// The daemon bounds what one session may have attached and not used.
constexpr uint32_t kMaxUnansweredOffloads = 512;

}  // namespace

int Session::Offload(Connection& connection) {
  if (link_.gone()) return CHIMNEY_E_DAEMON_GONE;
  if (!connection.InHost()) return CHIMNEY_E_STATE;
  if (connection.reset) return CHIMNEY_E_RESET;
  // Before the daemon can touch it: a placeholder reports EPOLLERR|EPOLLHUP.
  Unwatch(connection);
  connection.state = CHIMNEY_STATE_OFFLOADING;
  connection.attach_waiting = true;
  waiting_offloads_.push_back(connection.wire_id);
  StartOffloads();
  return CHIMNEY_OK;
}

void Session::StartOffloads() {
  while (!waiting_offloads_.empty() && !link_.gone() &&
         unanswered_offloads_ < kMaxUnansweredOffloads &&
         link_.Room(kControlLane) > 0) {
    Connection* connection = Find(waiting_offloads_.front());
    if (connection == nullptr) {
      waiting_offloads_.pop_front();
      continue;
    }
    const uint64_t attach_id = last_attach_ + 1;
    const int attached = link_.AttachSocket(connection->fd, attach_id);
    // Tried again by the timer; or the session is about to notice the end.
    if (attached == CHIMNEY_E_AGAIN || attached == CHIMNEY_E_DAEMON_GONE) {
      return;
    }
    waiting_offloads_.pop_front();
    if (attached != CHIMNEY_OK) {
      abi::NoticeEntry notice;
      notice.status = CHIMNEY_STATUS_FAILURE;
      notice.error = CHIMNEY_REFUSAL_NOT_SOCKET;
      notice.error_errno = errno;
      FailOffload(*connection, notice);
      continue;
    }
    last_attach_ = attach_id;
    connection->attach_waiting = false;
    ++unanswered_offloads_;
    abi::RequestEntry request;
    request.op = abi::RequestOp::kInitiate;
    request.request_id = ++last_control_;
    request.cookie = connection->wire_id;
    request.offset = attach_id;
    link_.PushOwed(kControlLane, request);
    link_.RingControl();
  }
}

void Session::OffloadOver() {
  --unanswered_offloads_;
  StartOffloads();
}

int Session::Upload(Connection& connection) {
  if (link_.gone()) return CHIMNEY_E_DAEMON_GONE;
  if (!connection.Offloaded()) return CHIMNEY_E_STATE;
  StartTerminate(connection);
  return CHIMNEY_OK;
}

void Session::StartTerminate(Connection& connection) {
  abi::RequestEntry request;
  request.op = abi::RequestOp::kTerminate;
  request.request_id = ++last_control_;
  request.flow = connection.flow;
  request.cookie = connection.wire_id;
  link_.PushOwed(kControlLane, request);
  link_.RingControl();
  connection.state = CHIMNEY_STATE_UPLOADING;
  connection.control_request = request.request_id;
}

void Session::OnOffloaded(Connection& connection, uint32_t lane,
                          const abi::NoticeEntry& notice) {
  if (connection.state != CHIMNEY_STATE_OFFLOADING) {
    if (notice.flow == connection.flow) OnResumed(connection);
    return;
  }
  connection.state = CHIMNEY_STATE_OFFLOADED;
  connection.flow = notice.flow;
  connection.lane = lane;
  connection.cut = false;
  connection.must_say_resumed = false;
  connection.retrieve_reason = CHIMNEY_REASON_NONE;
  connection.imported_bytes = notice.bytes;
  OffloadOver();
  if (connection.forgotten) {
    StartTerminate(connection);
    return;
  }
  abi::RequestEntry receive;
  receive.op = abi::RequestOp::kReceive;
  receive.flow = connection.flow;
  link_.PushOwed(lane, receive);
  connection.posted_receives.push_back({0, nullptr, true});
  Emit(CHIMNEY_EVENT_OFFLOADED, &connection).elapsed_ns = notice.elapsed_ns;
  Advance(connection);
  if (connection.bounced_sends.empty()) EmitWritable(connection);
}

// An upload failed and the flow runs on: what came back goes out again first.
void Session::OnResumed(Connection& connection) {
  connection.cut = false;
  connection.must_say_resumed = true;
  CollectUntaken(connection);
  // Ours has not been answered yet: OnTerminateFailed goes on.
  if (connection.control_request != 0) return;
  connection.state = CHIMNEY_STATE_OFFLOADED;
  Advance(connection);
  if (connection.Offloaded() && connection.bounced_sends.empty()) {
    EmitWritable(connection);
  }
}

void Session::OnInitiateFailed(Connection& connection,
                               const abi::NoticeEntry& notice) {
  OffloadOver();
  FailOffload(connection, notice);
}

void Session::FailOffload(Connection& connection,
                          const abi::NoticeEntry& notice) {
  connection.attach_waiting = false;
  if (connection.forgotten) {
    Erase(connection);
    return;
  }
  connection.state = CHIMNEY_STATE_IN_HOST;
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
  connection.cut = false;
  connection.imported_bytes = 0;
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
  connection.control_request = 0;
  // While it is cut, kOffloaded is still to come.
  if (!connection.cut) connection.state = CHIMNEY_STATE_OFFLOADED;
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
  if (connection.Offloaded() && connection.bounced_sends.empty()) {
    EmitWritable(connection);
  }
}

void Session::OnRetrieve(Connection& connection,
                         const abi::NoticeEntry& notice) {
  connection.retrieve_reason = notice.reason;
  chimney_event& event = Emit(CHIMNEY_EVENT_RETRIEVE, &connection);
  event.reason = notice.reason;
  event.text = chimney_reason_text(notice.reason);
  // R179: the target has stopped and takes nothing more; the upload that has to
  // follow is the control core's own doing.
  const bool mandatory = notice.reason >= CHIMNEY_REASON_HARDWARE_FAILURE &&
                         notice.reason <= CHIMNEY_REASON_UPLOAD_REQUESTED;
  if (mandatory) MarkCut(connection);
}

void Session::MarkCut(Connection& connection) {
  connection.cut = true;
  if (connection.Offloaded()) connection.state = CHIMNEY_STATE_UPLOADING;
}

void Session::CollectUntaken(Connection& connection) {
  std::deque<BouncedSend> untaken;
  for (PendingSend& send : connection.pending_sends) {
    if (!send.untaken) continue;
    untaken.push_back({send.block, send.offset, send.bytes});
    send.untaken = false;
  }
  // What never reached the ring is newer than all that did.
  std::deque<BouncedSend>& bounced = connection.bounced_sends;
  bounced.insert(bounced.begin(), untaken.begin(), untaken.end());
  std::deque<PendingSend>& pending = connection.pending_sends;
  while (!pending.empty() && pending.front().done) {
    pending.pop_front();
    ++connection.first_send;
  }
}

void Session::ReturnUntaken(Connection& connection, uint32_t status) {
  for (PendingSend& send : connection.pending_sends) {
    if (!send.done) CompleteSend(connection, &send, status, 0);
  }
  CollectUntaken(connection);
  while (!connection.posted_receives.empty()) {
    const PostedReceive receive = connection.posted_receives.front();
    connection.posted_receives.pop_front();
    if (receive.internal) continue;
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
    if (connection->attach_waiting) {
      // The daemon never heard of it: it is in the kernel as ever.
      abi::NoticeEntry notice;
      notice.status = CHIMNEY_STATUS_FAILURE;
      FailOffload(*connection, notice);
      continue;
    }
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
