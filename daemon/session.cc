// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/session.h"

#include <sys/socket.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "abi/layout.h"
#include "daemon/session_listener.h"

namespace chimney::daemon {

const char* SessionPhaseName(SessionPhase phase) {
  switch (phase) {
    case SessionPhase::kHello:
      return "hello";
    case SessionPhase::kReserving:
      return "reserving";
    case SessionPhase::kMapping:
      return "mapping";
    case SessionPhase::kSealing:
      return "sealing";
    case SessionPhase::kOpening:
      return "opening";
    case SessionPhase::kReady:
      return "ready";
    case SessionPhase::kEnding:
      return "ending";
  }
  return "unknown";
}

void RingDoorbell(int doorbell) {
  const char byte = 1;
  // A full socket means that a wake-up is already waiting there.
  (void)!send(doorbell, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Session::Session(uint32_t session_id, UniqueFd client, uid_t client_uid,
                 pid_t client_pid)
    : id(session_id),
      uid(client_uid),
      pid(client_pid),
      socket(std::move(client)) {}

Session::~Session() {
  CloseSocket(std::move(socket));
  CloseSocket(std::move(doorbell));
}

void Session::AdoptMemory(std::unique_ptr<SessionMemory> mapped,
                          UniqueFd doorbell_end, uint32_t worker_count) {
  memory = std::move(mapped);
  doorbell = std::move(doorbell_end);
  const ring::SessionLayout& layout = memory->layout();
  const abi::Lane& control = layout.lanes[0];
  auto* shared = reinterpret_cast<abi::SharedHeader*>(memory->shared());
  requests = std::make_unique<ring::RequestConsumer>(
      memory->shared() + control.host_to_daemon_offset, control.ring_entries);
  notices_ = std::make_unique<ring::NoticeProducer>(
      memory->published() + control.daemon_to_host_offset,
      &shared->lanes[0].consumed);
  for (uint32_t w = 0; w < worker_count; ++w) {
    const abi::Lane& lane = layout.lanes[1 + w];
    SessionLaneMemory where;
    where.session_id = id;
    where.worker_index = w;
    where.ring_entries = lane.ring_entries;
    where.host_to_daemon = memory->shared() + lane.host_to_daemon_offset;
    where.daemon_to_host = memory->published() + lane.daemon_to_host_offset;
    where.shared = shared;
    where.arena = MutableByteSpan(memory->shared() + layout.arena_offset,
                                  layout.arena_bytes);
    where.chunk_base = memory->published() + ring::ReceiveLaneOffset(layout, w);
    where.chunk_bytes = layout.shape.chunk_bytes;
    where.chunk_count = layout.shape.chunks_per_lane;
    where.doorbell_fd = doorbell.get();
    lanes.push_back(std::make_unique<SessionLane>(where));
  }
  for (uint32_t slot = layout.shape.record_count; slot > 0; --slot) {
    free_records_.push_back(slot - 1);
  }
}

void Session::Notify(const abi::NoticeEntry& notice) {
  if (notices_ == nullptr || !Alive()) return;
  waiting_notices_.push_back(notice);
}

void Session::Notify(const abi::QueryEntry& notice) {
  static_assert(sizeof(abi::QueryEntry) == sizeof(abi::NoticeEntry));
  abi::NoticeEntry entry;
  std::memcpy(static_cast<void*>(&entry), &notice, sizeof(entry));
  Notify(entry);
}

bool Session::FlushNotices() {
  if (notices_ == nullptr) return true;
  bool pushed = false;
  while (!waiting_notices_.empty() &&
         notices_->Push(waiting_notices_.front())) {
    waiting_notices_.pop_front();
    pushed = true;
  }
  if (notices_->rules_broken()) return false;
  if (!pushed) return true;
  auto* shared = reinterpret_cast<abi::SharedHeader*>(memory->shared());
  // Pairs with the session's fence between announcing sleep and its last look
  // at the rings: one of the two sees the other (abi/layout.h).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (shared->host_sleeping.load(std::memory_order_relaxed) != 0 &&
      shared->host_sleeping.exchange(0, std::memory_order_relaxed) != 0) {
    RingDoorbell(doorbell.get());
  }
  return true;
}

uint32_t Session::ConnectionsHeld() const {
  uint32_t held = connection_count;
  for (const auto& lane : lanes) held += lane->untold();
  return held;
}

PublishedRecord* Session::AllocateRecord(uint32_t* slot) {
  if (free_records_.empty()) return nullptr;
  *slot = free_records_.back();
  free_records_.pop_back();
  auto* records = reinterpret_cast<PublishedRecord*>(
      memory->published() + memory->layout().records_offset);
  return &records[*slot];
}

void Session::FreeRecord(uint32_t slot) {
  auto* records = reinterpret_cast<PublishedRecord*>(
      memory->published() + memory->layout().records_offset);
  records[slot].Write(PublishedView{});
  free_records_.push_back(slot);
}

}  // namespace chimney::daemon
