// SPDX-License-Identifier: BSD-3-Clause
// From an accepted hello to a session that may post: its memory, made ready and
// closed to changes beside the control core, then its lanes.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <utility>

#include "daemon/control_core.h"
#include "daemon/doorbell.h"
#include "ring/ring_layout.h"

namespace chimney::daemon {
namespace {

uint64_t GrantedOr(uint64_t wish, uint64_t most) {
  return wish == 0 ? most : std::min(wish, most);
}

ring::SessionIdentity IdentityOf(uint32_t session_id) {
  ring::SessionIdentity identity;
  identity.session_id = session_id;
  identity.features = abi::kFeatureIpv6 | abi::kFeaturePostedReceives |
                      abi::kFeatureZeroCopySend | abi::kFeatureLentReceive;
  return identity;
}

}  // namespace

ring::SessionShape ControlCore::ShapeFor(const abi::HelloRequest& hello) const {
  const auto workers = static_cast<uint32_t>(operations_.links().size());
  const bool data = hello.kind == abi::SessionKind::kData;
  ring::SessionShape shape;
  shape.worker_count = data ? workers : 0;
  const uint64_t entries =
      GrantedOr(hello.ring_entries, config_.session_ring_entries);
  shape.ring_entries = static_cast<uint32_t>(
      std::bit_ceil(std::max<uint64_t>(entries, ring::kMinRingEntries)));
  if (!data) return shape;
  shape.arena_bytes = GrantedOr(hello.arena_bytes, config_.session_arena_bytes);
  shape.chunk_bytes = config_.chunk_bytes;
  const uint64_t receive =
      GrantedOr(hello.receive_bytes, config_.session_receive_bytes);
  shape.chunks_per_lane = static_cast<uint32_t>(
      std::max<uint64_t>(1, receive / config_.chunk_bytes / workers));
  shape.record_count = static_cast<uint32_t>(
      GrantedOr(hello.max_connections, config_.max_connections_per_uid));
  return shape;
}

void ControlCore::OpenMemory(Session& session, const abi::HelloRequest& hello) {
  session.phase = SessionPhase::kReserving;
  session.patience.Stop();
  const ring::SessionShape shape = ShapeFor(hello);
  const bool data = hello.kind == abi::SessionKind::kData;
  const bool huge = config_.huge != HugeMode::kOff && data;
  struct Result {
    std::unique_ptr<SessionMemory> memory;
    std::string error;
  };
  auto result = std::make_shared<Result>();
  const uint32_t id = session.id;
  const auto abandoned = std::make_shared<std::atomic<bool>>(false);
  session.memory_job = abandoned;
  jobs_.Submit(
      data ? JobKind::kReserve : JobKind::kShort, session.uid,
      [result, shape, huge, id, abandoned] {
        if (abandoned->load(std::memory_order_relaxed)) return;
        result->memory =
            SessionMemory::Create(shape, IdentityOf(id), huge, &result->error);
      },
      [this, result, id] {
        Session& owner = *FindSession(id);  // it stays until now
        owner.memory_job = nullptr;
        if (!owner.Alive()) {
          GiveBack(owner.uid, std::move(result->memory));
          CloseSessionIfEmpty(owner);
          return;
        }
        OnMemory(owner, std::move(result->memory), result->error);
      });
}

void ControlCore::GiveBack(uid_t uid, std::unique_ptr<SessionMemory> memory) {
  if (memory == nullptr) return;
  // A job is copied, so what it holds is shared.
  jobs_.Submit(
      JobKind::kGiveBack, uid,
      [held = std::shared_ptr<SessionMemory>(std::move(memory))]() mutable {
        held.reset();
      },
      nullptr);
}

void ControlCore::OnMemory(Session& session,
                           std::unique_ptr<SessionMemory> memory,
                           const std::string& error) {
  Doorbell doorbell;
  if (memory == nullptr || !OpenDoorbell(&doorbell)) {
    GiveBack(session.uid, std::move(memory));
    RefuseHello(session, abi::HelloStatus::kNoMemory,
                error.empty() ? "chimneyd has no descriptors left" : error);
    return;
  }
  const uint32_t workers = memory->layout().shape.worker_count;
  abi::HelloReply reply;
  reply.features = IdentityOf(session.id).features;
  reply.session_id = session.id;
  reply.worker_count = workers;
  reply.shared_bytes = memory->layout().shared_bytes;
  reply.published_bytes = memory->layout().published_bytes;
  reply.ring_layout = ring::ThisBuildsRingLayout();
  const std::array<int, 3> descriptors = {
      memory->shared_fd(), memory->published_fd(), doorbell.client_end.get()};
  session.AdoptMemory(std::move(memory), std::move(doorbell.daemon_end),
                      workers);
  session.phase = SessionPhase::kMapping;
  const uint32_t id = session.id;
  timers_.At(session.patience.Restart(context_.now()),
             [this, id] { OnLate(id); });
  if (!SendStruct(session.socket.get(), reply, descriptors)) {
    EndSession(session, "its process has closed it");
  }
}

void ControlCore::OnMapped(Session& session) {
  session.phase = SessionPhase::kSealing;
  session.patience.Stop();
  const uint32_t id = session.id;
  const auto abandoned = std::make_shared<std::atomic<bool>>(false);
  session.memory_job = abandoned;
  SessionMemory* memory = session.memory.get();
  auto error = std::make_shared<std::string>();
  jobs_.Submit(
      JobKind::kShort, session.uid,
      [memory, error, abandoned] {
        if (abandoned->load(std::memory_order_relaxed)) return;
        if (!memory->Seal(error.get()) && error->empty()) *error = "not sealed";
      },
      [this, id, error] {
        Session& owner = *FindSession(id);  // it stays until now
        owner.memory_job = nullptr;
        if (!owner.Alive()) {
          CloseSessionIfEmpty(owner);
        } else if (error->empty()) {
          OnSealed(owner);
        } else {
          EndSession(owner, error->c_str());
        }
      });
}

void ControlCore::OnSealed(Session& session) {
  session.memory->CloseFiles();
  session.phase = SessionPhase::kOpening;
  session.lane_operations.resize(session.lanes.size());
  session.lanes_pending = static_cast<uint32_t>(session.lanes.size());
  for (size_t w = 0; w < session.lanes.size(); ++w) {
    worker::Operation& operation = session.lane_operations[w];
    operation.kind = worker::Operation::Kind::kOpenSession;
    operation.session_id = session.id;
    operation.session_port = session.lanes[w].get();
    operations_.Submit(static_cast<uint32_t>(w), &operation);
  }
  if (!session.lanes.empty()) return;
  session.phase = SessionPhase::kReady;
  if (!SendStruct(session.socket.get(), abi::ReadyNotice{})) {
    EndSession(session, "its process has closed it");
  }
}

// The daemon goes, and memory that is not there yet is not needed any more. Who
// has not said hello costs nothing, and is refused then.
void ControlCore::EndUnready() {
  for (auto& [id, session] : sessions_) {
    switch (session->phase) {
      case SessionPhase::kReserving:
        RefuseHello(*session, abi::HelloStatus::kStopping, kStopping);
        break;
      case SessionPhase::kMapping:
      case SessionPhase::kSealing:
      case SessionPhase::kOpening:
        EndSession(*session, kStopping);
        break;
      case SessionPhase::kHello:
      case SessionPhase::kReady:
      case SessionPhase::kEnding:
        break;
    }
  }
}

}  // namespace chimney::daemon
