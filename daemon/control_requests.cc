// SPDX-License-Identifier: BSD-3-Clause
// What sessions ask on their control ring.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "daemon/control_core.h"

namespace chimney::daemon {
namespace {

// Requests of one session before the others get their turn; the rest is taken
// up again at once.
constexpr int kRequestsPerTurn = 256;

offload::Status RefusalStatus(kernel::KernelErrorCode code) {
  switch (code) {
    case kernel::KernelErrorCode::kPaused:
      return offload::Status::kPaused;
    case kernel::KernelErrorCode::kQuota:
      return offload::Status::kTcpEntries;
    case kernel::KernelErrorCode::kNotSocket:
    case kernel::KernelErrorCode::kNotTcp:
    case kernel::KernelErrorCode::kMptcp:
      return offload::Status::kConnectionRejected;
    default:
      return offload::Status::kFailure;
  }
}

// A query's way to the worker and back.
class QueryOperation : public OperationOwner {
 public:
  explicit QueryOperation(std::function<void(const worker::Operation&)> done)
      : done_(std::move(done)) {
    operation_.kind = worker::Operation::Kind::kQuery;
    operation_.control_tag =
        reinterpret_cast<uint64_t>(static_cast<OperationOwner*>(this));
  }
  worker::Operation& operation() { return operation_; }
  // Destroys itself: a query outlives whoever asked.
  void OnOperationDone(worker::Operation* operation) override {
    const std::unique_ptr<QueryOperation> self(this);
    done_(*operation);
  }

 private:
  worker::Operation operation_;
  std::function<void(const worker::Operation&)> done_;
};

// A half that was closed counts as closed, also while its FIN waits for its
// turn behind data (RFC 9293 section 3.10.4).
tcp::ConnectionState ShownState(const tcp::TcpDelegatedState& state) {
  using tcp::ConnectionState;
  if (!state.fin_queued) return state.state;
  if (state.state == ConnectionState::kEstablished) {
    return ConnectionState::kFinWait1;
  }
  return state.state == ConnectionState::kCloseWait ? ConnectionState::kLastAck
                                                    : state.state;
}

abi::QueryEntry QueryEntryOf(const worker::Operation& done) {
  const tcp::TcpDelegatedState& tcp = done.snapshot.tcp.delegated;
  abi::QueryEntry entry;
  entry.status = static_cast<uint8_t>(done.status);
  entry.state = static_cast<uint8_t>(ShownState(tcp));
  entry.cwnd_bytes = tcp.cwnd;
  entry.rcv_nxt = tcp.rcv_nxt.value();
  entry.rcv_wnd_bytes = tcp.rcv_wnd;
  entry.snd_una = tcp.snd_una.value();
  entry.snd_nxt = tcp.snd_nxt.value();
  entry.snd_max = tcp.snd_max.value();
  entry.snd_wnd_bytes = tcp.snd_wnd;
  entry.ssthresh_bytes = tcp.ssthresh;
  entry.srtt_us = static_cast<uint32_t>(tcp.srtt.micros());
  entry.rttvar_us = static_cast<uint32_t>(tcp.rttvar.micros());
  entry.path_mtu_bytes = done.snapshot.path.path_mtu_bytes;
  return entry;
}

}  // namespace

void ControlCore::PollRequests(Session& session) {
  const uint32_t id = session.id;
  for (int i = 0; i < kRequestsPerTurn; ++i) {
    session.requests_left = !session.AcceptsRequests();
    if (!session.Alive() || session.requests_left) return;
    abi::RequestEntry request;
    switch (session.requests->Peek(&request)) {
      case ring::RequestRingVerdict::kEmpty:
        return;
      case ring::RequestRingVerdict::kRulesBroken:
        stats_.Count(HandoverCount::kSessionsBroken);
        EndSession(session, "it broke the rules of its control ring");
        return;
      case ring::RequestRingVerdict::kEntry:
        break;
    }
    session.requests->Pop();
    session.in_request = true;
    OnRequest(session, request);
    session.in_request = false;
  }
  if (session.poll_due) return;  // a doorbell brings no further turns
  session.poll_due = true;
  timers_.At(context_.now(), [this, id] {
    Session* again = FindSession(id);
    if (again == nullptr) return;
    again->poll_due = false;
    if (again->Alive()) PollRequests(*again);
  });
}

void ControlCore::OnRequest(Session& session,
                            const abi::RequestEntry& request) {
  switch (request.op) {
    case abi::RequestOp::kInitiate:
      OnInitiate(session, request);
      return;
    case abi::RequestOp::kTerminate:
      OnTerminate(session, request);
      return;
    case abi::RequestOp::kQuery:
      OnQuery(session, request);
      return;
    case abi::RequestOp::kUploadAll:
      OnUploadAll(session, request);
      return;
    case abi::RequestOp::kResume:
    case abi::RequestOp::kPause:
      OnPauseOrResume(session, request);
      return;
    case abi::RequestOp::kTerminateAny:
      OnTerminateAny(session, request);
      return;
    case abi::RequestOp::kSend:
    case abi::RequestOp::kReceive:
    case abi::RequestOp::kReceiveReturn:
    case abi::RequestOp::kDisconnect:
      break;
  }
  stats_.Count(HandoverCount::kSessionsBroken);
  EndSession(session, "it posted an unknown request on its control ring");
}

void ControlCore::RefuseInitiate(Session& session,
                                 const abi::RequestEntry& request,
                                 kernel::KernelErrorCode code) {
  stats_.Count(HandoverCount::kOffloadsRefused);
  abi::NoticeEntry notice;
  notice.op = abi::NoticeOp::kInitiateFailed;
  notice.status = static_cast<uint8_t>(RefusalStatus(code));
  notice.error = static_cast<uint16_t>(code);
  notice.request_id = request.request_id;
  notice.cookie = request.cookie;
  session.Notify(notice);
}

void ControlCore::OnInitiate(Session& session,
                             const abi::RequestEntry& request) {
  auto attached = session.attached.find(request.offset);
  if (attached == session.attached.end()) {
    // It was sent before the request, but the ring may be looked at first.
    OnSessionReadable(session);
    if (!session.Alive()) return;
    attached = session.attached.find(request.offset);
  }
  if (attached != session.attached.end()) {
    Initiate(session, request, attached);
  } else if (!AwaitPorter(session, request)) {
    RefuseInitiate(session, request,
                   kernel::KernelErrorCode::kNoSocketAttached);
  }
}

void ControlCore::Initiate(
    Session& session, const abi::RequestEntry& request,
    std::map<uint64_t, Session::Attached>::iterator attached) {
  ForeignFd fd = std::move(attached->second.fd);
  const kernel::KernelErrorCode refusal = attached->second.refusal;
  session.attached.erase(attached);
  if (refusal != kernel::KernelErrorCode::kOk) {
    RefuseInitiate(session, request, refusal);
    return;
  }
  if (paused_) {
    RefuseInitiate(session, request, kernel::KernelErrorCode::kPaused);
    return;
  }
  uint32_t of_all = 0;
  uint32_t of_this_user = 0;
  for (const auto& [id, other] : sessions_) {
    const uint32_t held = other->ConnectionsHeld();
    of_all += held;
    if (other->uid == session.uid) of_this_user += held;
  }
  uint32_t slot = 0;
  PublishedRecord* record = nullptr;
  if (session.kind == abi::SessionKind::kData &&
      of_this_user < config_.max_connections_per_uid &&
      of_all < config_.max_connections) {
    record = session.AllocateRecord(&slot);
  }
  if (record == nullptr) {
    RefuseInitiate(session, request, kernel::KernelErrorCode::kQuota);
    return;
  }
  Connection& connection = connections_.Create(&session);
  connection.fd = std::move(fd);
  connection.cookie = request.cookie;
  connection.request_id = request.request_id;
  connection.record = record;
  connection.record_slot = slot;
  ++session.connection_count;
  waiting_offloads_.Push(session.id, connection.id);
}

Connection* ControlCore::FindForSession(Session& session,
                                        const abi::RequestEntry& request) {
  const worker::FlowHandle flow = worker::FlowHandle::FromPacked(request.flow);
  for (const WorkerLink* link : operations_.links()) {
    Connection* connection = connections_.FindFlow(link->worker_index(), flow);
    // A foreign handle is as unknown as a stale one. Two workers may have given
    // the same handle; then the cookie tells.
    if (connection != nullptr && connection->session == &session &&
        (request.cookie == 0 || connection->cookie == request.cookie)) {
      return connection;
    }
  }
  return nullptr;
}

void ControlCore::OnTerminate(Session& session,
                              const abi::RequestEntry& request) {
  Connection* connection = FindForSession(session, request);
  if (connection == nullptr) {
    abi::NoticeEntry notice;
    notice.op = abi::NoticeOp::kTerminateFailed;
    notice.status = static_cast<uint8_t>(offload::Status::kFailure);
    notice.error =
        static_cast<uint16_t>(kernel::KernelErrorCode::kNoSuchConnection);
    notice.request_id = request.request_id;
    notice.flow = request.flow;
    notice.cookie = request.cookie;
    session.Notify(notice);
    return;
  }
  connection->terminate_request_id = request.request_id;
  connection->terminate_asked = true;
  WantUpload(*connection);
}

void ControlCore::OnTerminateAny(Session& session,
                                 const abi::RequestEntry& request) {
  Connection* connection = connections_.Find(request.flow);
  if (connection == nullptr ||
      (!MayManage(session) && connection->session->uid != session.uid)) {
    Answer(session, request, offload::Status::kFailure, 0);
    return;
  }
  WantUpload(*connection);
  Answer(session, request, offload::Status::kSuccess, 1);
}

void ControlCore::OnQuery(Session& session, const abi::RequestEntry& request) {
  Connection* connection = FindForSession(session, request);
  if (connection == nullptr) {
    abi::QueryEntry entry;
    entry.status = static_cast<uint8_t>(offload::Status::kFailure);
    entry.request_id = request.request_id;
    entry.flow = request.flow;
    session.Notify(entry);
    return;
  }
  const uint32_t session_id = session.id;
  auto query = std::make_unique<QueryOperation>(
      [this, session_id, request](const worker::Operation& done) {
        Session* asker = FindSession(session_id);
        if (asker == nullptr) return;
        --asker->queries_out;
        abi::QueryEntry entry = QueryEntryOf(done);
        entry.request_id = request.request_id;
        entry.flow = request.flow;
        asker->Notify(entry);
      });
  query->operation().flow = connection->flow;
  ++session.queries_out;
  operations_.Submit(connection->worker_index, &query.release()->operation());
}

bool ControlCore::MayManage(const Session& session) const {
  return session.uid == 0 || session.uid == getuid();
}

void ControlCore::Answer(Session& session, const abi::RequestEntry& request,
                         offload::Status status, uint32_t count) {
  abi::NoticeEntry notice;
  notice.op = abi::NoticeOp::kControlDone;
  notice.status = static_cast<uint8_t>(status);
  notice.request_id = request.request_id;
  notice.bytes = count;
  session.Notify(notice);
}

void ControlCore::OnUploadAll(Session& session,
                              const abi::RequestEntry& request) {
  if (!MayManage(session)) {
    Answer(session, request, offload::Status::kFailure, 0);
    return;
  }
  PendingUploadAll pending;
  pending.session_id = session.id;
  pending.request_id = request.request_id;
  pending.connections = static_cast<uint32_t>(connections_.size());
  pending.left = connections_.size();
  pending_upload_all_.push_back(pending);
  timers_.At(context_.now() + config_.drain_timeout, [this, pending] {
    LookAfterUploadAll(pending.session_id, pending.request_id);
  });
  paused_ = true;
  TellEverybody(abi::NoticeOp::kUploadingAll);
  UploadEverything();
  FinishUploadAllIfEmpty();
}

// A connection whose route or address is missing has no way back until it is
// there again: whoever asked is told once nothing moves any more, and the
// daemon goes on trying.
void ControlCore::LookAfterUploadAll(uint32_t session_id, uint64_t request_id) {
  const auto it =
      std::find_if(pending_upload_all_.begin(), pending_upload_all_.end(),
                   [=](const PendingUploadAll& pending) {
                     return pending.session_id == session_id &&
                            pending.request_id == request_id;
                   });
  if (it == pending_upload_all_.end()) return;
  if (connections_.size() < it->left) {
    it->left = connections_.size();
    timers_.At(context_.now() + config_.drain_timeout,
               [=, this] { LookAfterUploadAll(session_id, request_id); });
    return;
  }
  pending_upload_all_.erase(it);
  Session* session = FindSession(session_id);
  if (session == nullptr) return;
  abi::RequestEntry request;
  request.request_id = request_id;
  Answer(*session, request, offload::Status::kUploadInProgress,
         static_cast<uint32_t>(connections_.size()));
}

void ControlCore::OnPauseOrResume(Session& session,
                                  const abi::RequestEntry& request) {
  if (!MayManage(session) || draining_) {
    Answer(session, request, offload::Status::kFailure, 0);
    return;
  }
  paused_ = request.op == abi::RequestOp::kPause;
  TellEverybody(paused_ ? abi::NoticeOp::kPaused : abi::NoticeOp::kResumed);
  Answer(session, request, offload::Status::kSuccess, 0);
}

}  // namespace chimney::daemon
