// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/session_lane.h"

#include <array>
#include <atomic>
#include <span>

#include "daemon/session.h"
#include "ring/notice_producer.h"
#include "ring/request_consumer.h"

namespace chimney::daemon {

namespace {

// Notices of a worker are numbered as its Notice::Kind, from here on.
constexpr auto kFirstNotice =
    static_cast<uint16_t>(abi::NoticeOp::kSendComplete);
static_assert(static_cast<uint16_t>(abi::NoticeOp::kUploaded) - kFirstNotice ==
              static_cast<uint16_t>(worker::Notice::Kind::kUploaded));

// Requests whose flows are asked for at a time.
constexpr size_t kExpectedFlows = 32;

}  // namespace

struct SessionLane::Rings {
  explicit Rings(const SessionLaneMemory& memory)
      : requests(memory.host_to_daemon, memory.ring_entries),
        notices(memory.daemon_to_host,
                &memory.shared->lanes[1 + memory.worker_index].consumed) {}
  ring::RequestConsumer requests;
  ring::NoticeProducer notices;
};

SessionLane::SessionLane(const SessionLaneMemory& memory)
    : memory_(memory),
      chunks_(memory.chunk_base, memory.chunk_bytes, memory.chunk_count),
      rings_(std::make_unique<Rings>(memory)) {}

SessionLane::~SessionLane() = default;

size_t SessionLane::Room() const {
  return ended_ ? memory_.ring_entries : rings_->notices.Room();
}

void SessionLane::Push(const worker::Notice& notice) {
  if (ended_) return;
  abi::NoticeEntry entry;
  entry.op = static_cast<abi::NoticeOp>(kFirstNotice +
                                        static_cast<uint16_t>(notice.kind));
  entry.status = static_cast<uint8_t>(notice.status);
  entry.reason = static_cast<uint8_t>(notice.reason);
  entry.bytes = notice.bytes;
  entry.request_id = notice.id;
  entry.flow = notice.flow.Packed();
  entry.cookie = notice.cookie;
  entry.chunk = notice.chunk;
  entry.offset_in_chunk = notice.offset_in_chunk;
  entry.lane = static_cast<uint16_t>(1 + memory_.worker_index);
  entry.elapsed_ns = notice.elapsed_ns;
  // Room() was asked before. If the session has meanwhile written an index that
  // cannot be, the notice is lost with the session.
  if (rings_->notices.Push(entry)) rung_ = true;
}

void SessionLane::Ring() {
  if (!rung_) return;
  rung_ = false;
  // Pairs with the session's fence between announcing sleep and its last look
  // at the rings: one of the two sees the other (abi/layout.h).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<uint32_t>& sleeping = memory_.shared->host_sleeping;
  if (sleeping.load(std::memory_order_relaxed) != 0 &&
      sleeping.exchange(0, std::memory_order_relaxed) != 0) {
    RingDoorbell(memory_.doorbell_fd);
  }
}

LaneFault SessionLane::Translate(const abi::RequestEntry& entry,
                                 worker::Request* request) const {
  *request = worker::Request{};
  request->flow = worker::FlowHandle::FromPacked(entry.flow);
  request->id = entry.request_id;
  request->length = entry.length;
  request->resumed = (entry.flags & abi::kFlagResumed) != 0;
  switch (entry.op) {
    case abi::RequestOp::kSend:
      request->kind = worker::Request::Kind::kSend;
      request->ends_nbl = (entry.flags & abi::kFlagMoreOfNbl) == 0;
      break;
    case abi::RequestOp::kReceive:
      request->kind = worker::Request::Kind::kReceive;
      request->no_push = (entry.flags & abi::kFlagNoPush) != 0;
      break;
    case abi::RequestOp::kReceiveReturn:
      request->kind = worker::Request::Kind::kReceiveReturn;
      request->chunk = entry.chunk;
      return LaneFault::kNone;
    case abi::RequestOp::kDisconnect:
      request->kind = worker::Request::Kind::kDisconnect;
      request->abortive = (entry.flags & abi::kFlagAbortive) != 0;
      return LaneFault::kNone;
    default:
      return LaneFault::kUnknownOp;
  }
  // Neither comparison can overflow: the second subtracts what the first has
  // proved to be smaller.
  const uint64_t arena_bytes = memory_.arena.size();
  if (entry.offset > arena_bytes || entry.length > arena_bytes - entry.offset) {
    return LaneFault::kBadReference;
  }
  request->data = memory_.arena.data() + entry.offset;
  return LaneFault::kNone;
}

bool SessionLane::Drain(Instant now, worker::Worker* worker) {
  // A session that posts as fast as this takes must not keep the core.
  const size_t taken = PollRequests(now, worker, memory_.ring_entries);
  if (fault_ != LaneFault::kNone || taken == memory_.ring_entries) return true;
  abi::RequestEntry entry;
  return rings_->requests.Peek(&entry) != ring::RequestRingVerdict::kEntry;
}

void SessionLane::EndSession() {
  ended_ = true;
  if (rings_->requests.Seal() == ring::RequestRingVerdict::kRulesBroken) {
    fault_ = LaneFault::kRingIndices;
  }
}

// What many requests miss in the cache is waited for together, once.
void SessionLane::ExpectFlows(worker::Worker* worker) {
  std::array<uint64_t, kExpectedFlows> packed;
  const size_t count = rings_->requests.FlowsAhead(packed);
  if (count == 0) return;  // as for most requests
  std::array<worker::FlowHandle, kExpectedFlows> flows;
  for (size_t i = 0; i < count; ++i) {
    flows[i] = worker::FlowHandle::FromPacked(packed[i]);
  }
  worker->Expect(std::span(flows).first(count));
}

size_t SessionLane::PollRequests(Instant now, worker::Worker* worker,
                                 size_t budget) {
  size_t taken = 0;
  if (rings_->notices.rules_broken()) fault_ = LaneFault::kRingIndices;
  while (fault_ == LaneFault::kNone && taken < budget) {
    abi::RequestEntry entry;
    const ring::RequestRingVerdict verdict = rings_->requests.Peek(&entry);
    if (verdict == ring::RequestRingVerdict::kEmpty) break;
    if (verdict == ring::RequestRingVerdict::kRulesBroken) {
      fault_ = LaneFault::kRingIndices;
      break;
    }
    ExpectFlows(worker);
    worker::Request request;
    fault_ = Translate(entry, &request);
    if (fault_ != LaneFault::kNone) break;
    const worker::RequestVerdict answer =
        worker->OnRequest(now, memory_.session_id, request);
    if (answer == worker::RequestVerdict::kNoResources) break;
    if (answer == worker::RequestVerdict::kBadRequest) {
      fault_ = LaneFault::kBadRequest;
      break;
    }
    rings_->requests.Pop();
    ++taken;
  }
  return taken;
}

}  // namespace chimney::daemon
