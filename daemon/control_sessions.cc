// SPDX-License-Identifier: BSD-3-Clause
// The life of a session: hello, memory, lanes, end.
#include <glog/logging.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "daemon/control_core.h"
#include "ring/ring_layout.h"

namespace chimney::daemon {
namespace {

constexpr uint64_t kSessionTag = uint64_t{5} << 32;  // EventKind::kSession
// Messages of one session before the others get their turn.
constexpr int kMessagesPerTurn = 64;
constexpr int kAcceptsPerTurn = 16;
constexpr size_t kMaxUnreadyPerUser = 64;

}  // namespace

Session* ControlCore::FindSession(uint32_t id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.get();
}

void ControlCore::AcceptSessions() {
  Gatehouse::Client client;
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    switch (gatehouse_.Accept(&client)) {
      case Gatehouse::Arrival::kNobody:
        return;
      case Gatehouse::Arrival::kGatehouseGone:
        OnGatehouseGone();
        return;
      case Gatehouse::Arrival::kClient:
        break;
    }
    // Whoever only connects takes a descriptor of ours: few may, and not for
    // long.
    if (draining_ || CountUnready(client.uid) >= kMaxUnreadyPerUser) {
      CloseSocket(std::move(client.socket));
      continue;
    }
    const uint32_t id = ++last_session_id_;
    auto session = std::make_unique<Session>(id, std::move(client.socket),
                                             client.uid, client.pid);
    if (!Watch(session->socket.get(), kSessionTag | id)) continue;
    sessions_.emplace(id, std::move(session));
    timers_.At(context_.now() + kHelloPatience, [this, id] { OnLate(id); });
  }
}

// Nobody can come any more: better to give everything back and be started anew.
void ControlCore::OnGatehouseGone() {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, gatehouse_.fd(), nullptr);
  if (draining_) return;
  gatehouse_gone_ = true;
  LOG(ERROR)
      << "the process that accepts sessions has ended: this daemon stops, "
         "and its supervisor has to start it anew";
  RequestStop();
}

void ControlCore::OnLate(uint32_t id) {
  Session* late = FindSession(id);
  if (late == nullptr || !late->Alive()) return;
  if (late->patience.IsOver(context_.now())) {
    EndSession(*late, "it did not finish its hello");
  }
}

size_t ControlCore::CountUnready(uid_t uid) const {
  size_t count = 0;
  for (const auto& [id, session] : sessions_) {
    if (session->uid == uid && session->Alive() &&
        session->phase != SessionPhase::kReady) {
      ++count;
    }
  }
  return count;
}

size_t ControlCore::CountAttached(uid_t uid) const {
  size_t count = 0;
  for (const auto& [id, session] : sessions_) {
    if (session->uid == uid) count += session->attached.size();
  }
  return count;
}

void ControlCore::OnSessionReadable(Session& session) {
  if (!session.Alive()) return;
  const uint32_t id = session.id;
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    SessionMessage message;
    switch (ReceiveMessage(session.socket.get(), &message)) {
      case ReceiveVerdict::kNothing:
        return;
      case ReceiveVerdict::kGone:
        EndSession(session, "its process has closed it");
        return;
      case ReceiveVerdict::kBroken:
        stats_.Count(HandoverCount::kSessionsBroken);
        EndSession(session, "it sent a message that is none");
        return;
      case ReceiveVerdict::kMessage:
        break;
    }
    if (!OnMessage(session, message)) {
      EndSession(session, "it broke the order of the conversation");
      return;
    }
    // The message may have ended the session.
    if (FindSession(id) == nullptr || !session.Alive()) return;
  }
}

bool ControlCore::OnMessage(Session& session, const SessionMessage& message) {
  if (const auto* hello = std::get_if<abi::HelloRequest>(&message.body)) {
    return session.phase == SessionPhase::kHello && OnHello(session, *hello);
  }
  if (std::holds_alternative<abi::MappedNotice>(message.body)) {
    if (session.phase != SessionPhase::kMapping) return false;
    OnMapped(session);
    return true;
  }
  if (session.phase != SessionPhase::kReady) return false;
  if (const auto* sync = std::get_if<PorterSync>(&message.body)) {
    OnPorterSync(session, sync->number);
    return true;
  }
  if (const auto* attach = std::get_if<abi::AttachSocket>(&message.body)) {
    auto& descriptor = const_cast<SessionMessage&>(message).descriptor;
    // Without a socket its request is going to hear that none was attached.
    if (CountAttached(session.uid) >= config_.max_connections_per_uid) {
      descriptor.Reset();
    }
    return OnAttach(session, attach->attach_id, std::move(descriptor));
  }
  if (const auto* query = std::get_if<abi::ManagementQuery>(&message.body)) {
    OnManagementQuery(session, *query);
    return true;
  }
  // Not inside a request: that one's turn is not over.
  if (!session.in_request) PollRequests(session);
  return true;
}

// Only TCP sockets are kept.
bool ControlCore::OnAttach(Session& session, uint64_t attach_id,
                           ForeignFd descriptor) {
  if (!descriptor.valid()) return true;
  Session::Attached attached;
  attached.refusal = kernel::CheckIsTcp(descriptor.get()).code;
  if (attached.refusal == kernel::KernelErrorCode::kOk) {
    attached.fd = std::move(descriptor);
  }
  return session.attached.emplace(attach_id, std::move(attached)).second;
}

// A request overtakes its socket: the ring is looked at before the porter has
// brought what was sent first.
bool ControlCore::AwaitPorter(Session& session,
                              const abi::RequestEntry& request) {
  const bool one_is_out =
      session.porter_syncs_asked != session.porter_syncs_answered;
  if (!one_is_out && !AskPorter(session)) return false;
  const uint64_t sync = session.porter_syncs_asked + (one_is_out ? 1 : 0);
  session.awaiting_porter.push_back({sync, request});
  return true;
}

bool ControlCore::AskPorter(Session& session) {
  PorterSync sync;
  sync.number = session.porter_syncs_asked + 1;
  if (!SendStruct(session.socket.get(), sync)) return false;
  session.porter_syncs_asked = sync.number;
  return true;
}

void ControlCore::OnPorterSync(Session& session, uint64_t number) {
  session.porter_syncs_answered = number;
  auto& awaiting = session.awaiting_porter;
  while (!awaiting.empty() && awaiting.front().sync <= number) {
    const abi::RequestEntry request = awaiting.front().request;
    awaiting.pop_front();
    const auto attached = session.attached.find(request.offset);
    if (attached == session.attached.end()) {
      RefuseInitiate(session, request,
                     kernel::KernelErrorCode::kNoSocketAttached);
    } else {
      Initiate(session, request, attached);
    }
  }
  if (!awaiting.empty() && !AskPorter(session)) {
    EndSession(session, "it does not read what it is sent");
  }
}

bool ControlCore::OnHello(Session& session, const abi::HelloRequest& hello) {
  const size_t name_length = strnlen(hello.name, sizeof(hello.name));
  session.name.assign(hello.name, name_length);
  session.kind = hello.kind;
  std::string text;
  const abi::HelloStatus status = Admit(session, hello, &text);
  if (status == abi::HelloStatus::kAccepted) {
    OpenMemory(session, hello);
    return true;
  }
  RefuseHello(session, status, text);
  return true;
}

void ControlCore::RefuseHello(Session& session, abi::HelloStatus status,
                              const std::string& text) {
  abi::HelloReply reply;
  reply.status = status;
  reply.ring_layout = ring::ThisBuildsRingLayout();
  text.copy(reply.text, sizeof(reply.text) - 1);
  SendStruct(session.socket.get(), reply);
  EndSession(session, text.c_str());
}

abi::HelloStatus ControlCore::Admit(const Session& session,
                                    const abi::HelloRequest& hello,
                                    std::string* text) {
  if (hello.abi_major != abi::kAbiMajor) {
    *text = "this chimneyd speaks ABI " + std::to_string(abi::kAbiMajor) +
            ", the program's libchimney speaks ABI " +
            std::to_string(hello.abi_major) +
            ": install the libchimney that came with this chimneyd";
    return abi::HelloStatus::kWrongAbi;
  }
  if (!(hello.ring_layout == ring::ThisBuildsRingLayout())) {
    *text =
        "chimneyd and libchimney were built with DPDK releases whose rte_ring "
        "differs: rebuild one of them";
    return abi::HelloStatus::kWrongRingLayout;
  }
  if (hello.kind != abi::SessionKind::kData &&
      hello.kind != abi::SessionKind::kManagement) {
    *text = "unknown kind of session";
    return abi::HelloStatus::kBadMessage;
  }
  if (draining_) {
    *text = kStopping;
    return abi::HelloStatus::kStopping;
  }
  // Each kind has the whole limit: sessions of programs must not keep a person
  // with chimneyctl out.
  uint32_t like_this = 0;
  uint32_t of_this_user = 0;
  for (const auto& [id, other] : sessions_) {
    const bool counts =
        other->memory != nullptr || other->memory_job != nullptr;
    if (!counts || other->kind != hello.kind) continue;
    ++like_this;
    if (other->uid == session.uid) ++of_this_user;
  }
  if (like_this >= config_.max_sessions) {
    *text = "chimneyd serves as many sessions as --max_sessions allows";
    return abi::HelloStatus::kTooManySessions;
  }
  if (of_this_user >= config_.max_sessions_per_uid) {
    *text = "this user has as many sessions as --max_sessions_per_uid allows";
    return abi::HelloStatus::kQuota;
  }
  return abi::HelloStatus::kAccepted;
}

void ControlCore::OnLaneOperationDone(Session& session) {
  if (--session.lanes_pending > 0) return;
  if (session.phase == SessionPhase::kOpening) {
    const bool opened = std::all_of(
        session.lane_operations.begin(), session.lane_operations.end(),
        [](const worker::Operation& operation) {
          return operation.status == offload::Status::kSuccess;
        });
    session.phase = SessionPhase::kReady;
    if (!opened || !SendStruct(session.socket.get(), abi::ReadyNotice{})) {
      EndSession(session, "the workers have no room for it");
    }
    return;
  }
  if (session.close_submitted) {
    RemoveSession(session.id);
    return;
  }
  CloseSessionIfEmpty(session);
}

void ControlCore::EndSession(Session& session, const char* why) {
  if (!session.Alive()) return;
  if (session.kind == abi::SessionKind::kData &&
      session.phase != SessionPhase::kHello) {
    LOG(INFO) << "session " << session.id << " (" << session.name << ", pid "
              << session.pid << ") ends: " << why;
  }
  session.phase = SessionPhase::kEnding;
  if (session.memory_job != nullptr) session.memory_job->store(true);
  // Leaves epoll with its last reference.
  CloseSocket(std::move(session.socket));
  session.attached.clear();
  session.awaiting_porter.clear();
  if (session.connection_count > 0) {
    stats_.Count(HandoverCount::kHostDeaths);
    connections_.ForEach([&](Connection& connection) {
      if (connection.session == &session) WantUpload(connection);
    });
  }
  CloseSessionIfEmpty(session);
}

void ControlCore::CloseSessionIfEmpty(Session& session) {
  if (session.Alive() || session.connection_count > 0 ||
      session.memory_job != nullptr || session.lanes_pending > 0 ||
      session.close_submitted) {
    return;
  }
  session.close_submitted = true;
  if (session.lane_operations.empty()) {
    // No worker knows it. Not at once: the caller may be in the middle of it.
    const uint32_t id = session.id;
    timers_.At(context_.now(), [this, id] { RemoveSession(id); });
    return;
  }
  session.lanes_pending = static_cast<uint32_t>(session.lanes.size());
  for (size_t w = 0; w < session.lanes.size(); ++w) {
    worker::Operation& operation = session.lane_operations[w];
    operation.kind = worker::Operation::Kind::kCloseSession;
    operation.status = offload::Status::kSuccess;
    operations_.Submit(static_cast<uint32_t>(w), &operation);
  }
}

void ControlCore::RemoveSession(uint32_t id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  std::unique_ptr<SessionMemory> memory = std::move(it->second->memory);
  const uid_t uid = it->second->uid;
  sessions_.erase(it);
  GiveBack(uid, std::move(memory));
}

}  // namespace chimney::daemon
