// SPDX-License-Identifier: BSD-3-Clause
// A data lane against a session that writes whatever it likes (design D5).
#include "daemon/session_lane.h"

#include <gtest/gtest.h>
#include <rte_ring.h>
#include <sys/socket.h>

#include <cstdlib>
#include <limits>
#include <memory>

#include "daemon/session.h"
#include "daemon/unique_fd.h"
#include "ring/host_consumer.h"
#include "ring/host_producer.h"
#include "ring/session_layout.h"

namespace chimney::daemon {
namespace {

using abi::RequestEntry;
using abi::RequestOp;

// Frames and control messages of no interest here.
class NoFrames final : public worker::FramePort {
 public:
  size_t TransmitRoom(worker::Side) const override { return 1000; }
  bool Transmit(worker::Side, const worker::OutFrame&) override { return true; }
  void ForwardHeld(worker::Side, void*) override {}
  void FreeHeld(void*) override {}
  bool ChecksumByPort() const override { return false; }
};
class NoControl final : public worker::ControlPort {
 public:
  void Complete(worker::Operation*) override {}
  bool Notify(const worker::ControlNotice&) override { return true; }
};

struct FreeMemory {
  void operator()(uint8_t* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<uint8_t, FreeMemory>;

Memory PagesOf(uint64_t bytes) {
  Memory memory(static_cast<uint8_t*>(std::aligned_alloc(4096, bytes)));
  std::fill_n(memory.get(), bytes, uint8_t{0});
  return memory;
}

worker::WorkerConfig SmallWorker() {
  worker::WorkerConfig config;
  config.max_flows = 4;
  config.max_sessions = 2;
  config.max_send_records = 16;
  config.max_fragments = 16;
  config.max_posted_receives = 16;
  config.max_lent_pieces = 16;
  config.max_parked_frames = 16;
  return config;
}

class SessionLaneTest : public testing::Test {
 protected:
  static constexpr uint32_t kSessionId = 7;
  static constexpr uint64_t kArenaBytes = 65536;
  static constexpr uint32_t kRingEntries = 16;

  void SetUp() override {
    ring::SessionShape shape;
    shape.ring_entries = kRingEntries;
    shape.arena_bytes = kArenaBytes;
    shape.chunk_bytes = 2048;
    shape.chunks_per_lane = 4;
    shape.record_count = 1;
    ring::SessionLayout layout;
    ASSERT_EQ(ring::ComputeSessionLayout(shape, &layout),
              ring::LayoutVerdict::kOk);
    shared_ = PagesOf(layout.shared_bytes);
    published_ = PagesOf(layout.published_bytes);
    ring::FormatSession(layout, {}, shared_.get(), published_.get());
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    bell_ = UniqueFd(ends[0]);
    client_bell_ = UniqueFd(ends[1]);
    MakeLane(layout);
  }

  void MakeLane(const ring::SessionLayout& layout) {
    SessionLaneMemory memory;
    memory.session_id = kSessionId;
    memory.ring_entries = kRingEntries;
    memory.host_to_daemon =
        shared_.get() + layout.lanes[1].host_to_daemon_offset;
    memory.daemon_to_host =
        published_.get() + layout.lanes[1].daemon_to_host_offset;
    memory.shared = reinterpret_cast<abi::SharedHeader*>(shared_.get());
    memory.arena =
        MutableByteSpan(shared_.get() + layout.arena_offset, kArenaBytes);
    memory.chunk_base = published_.get() + ring::ReceiveLaneOffset(layout, 0);
    memory.chunk_bytes = layout.shape.chunk_bytes;
    memory.chunk_count = layout.shape.chunks_per_lane;
    memory.doorbell_fd = bell_.get();
    arena_ = memory.arena;
    header_ = memory.shared;
    request_ring_ = static_cast<rte_ring*>(memory.host_to_daemon);
    lane_ = std::make_unique<SessionLane>(memory);
    producer_ = ring::HostProducer(memory.host_to_daemon);
    consumer_ = ring::HostConsumer(memory.daemon_to_host, kRingEntries,
                                   &header_->lanes[1].consumed);
    worker::Operation open;
    open.kind = worker::Operation::Kind::kOpenSession;
    open.session_id = kSessionId;
    open.session_port = lane_.get();
    worker_.Execute(Instant(), &open);
    ASSERT_EQ(open.status, offload::Status::kSuccess);
  }

  static RequestEntry Send(uint64_t offset, uint32_t length) {
    RequestEntry entry;
    entry.op = RequestOp::kSend;
    entry.offset = offset;
    entry.length = length;
    return entry;
  }
  LaneFault Translate(const RequestEntry& entry) {
    return lane_->Translate(entry, &request_);
  }
  size_t Poll() { return lane_->PollRequests(Instant(), &worker_, 64); }
  bool BellRang() {
    char byte = 0;
    return recv(client_bell_.get(), &byte, 1, MSG_DONTWAIT) == 1;
  }

  Memory shared_;
  Memory published_;
  UniqueFd bell_;
  UniqueFd client_bell_;
  MutableByteSpan arena_;
  abi::SharedHeader* header_ = nullptr;
  rte_ring* request_ring_ = nullptr;
  std::unique_ptr<SessionLane> lane_;
  ring::HostProducer producer_;
  ring::HostConsumer consumer_;
  worker::Request request_;
  NoFrames frames_;
  NoControl control_;
  worker::Worker worker_{SmallWorker(), &frames_, &control_};
};

TEST_F(SessionLaneTest, AReferenceMayFillTheArenaToItsLastByte) {
  EXPECT_EQ(Translate(Send(0, kArenaBytes)), LaneFault::kNone);
  EXPECT_EQ(request_.data, arena_.data());
  EXPECT_EQ(Translate(Send(kArenaBytes - 1, 1)), LaneFault::kNone);
  EXPECT_EQ(request_.data, arena_.data() + kArenaBytes - 1);
}

TEST_F(SessionLaneTest, AReferenceOutsideTheArenaBreaksTheRules) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(Translate(Send(kArenaBytes, 1)), LaneFault::kBadReference);
  EXPECT_EQ(Translate(Send(1, kArenaBytes)), LaneFault::kBadReference);
  EXPECT_EQ(Translate(Send(kArenaBytes + 1, 0)), LaneFault::kBadReference);
  // Offset and length whose sum wraps around to something small.
  EXPECT_EQ(Translate(Send(kMax, 2)), LaneFault::kBadReference);
  EXPECT_EQ(Translate(Send(kMax - 10, 0xffffffff)), LaneFault::kBadReference);
  RequestEntry receive = Send(kArenaBytes, 1);
  receive.op = RequestOp::kReceive;
  EXPECT_EQ(Translate(receive), LaneFault::kBadReference);
}

TEST_F(SessionLaneTest, FlagsAndHandlesAreTranslated) {
  RequestEntry entry = Send(16, 4);
  entry.flags = abi::kFlagMoreOfNbl;
  entry.flow = worker::FlowHandle{3, 9}.Packed();
  entry.request_id = 77;
  ASSERT_EQ(Translate(entry), LaneFault::kNone);
  EXPECT_FALSE(request_.ends_nbl);
  EXPECT_EQ(request_.flow, (worker::FlowHandle{3, 9}));
  EXPECT_EQ(request_.id, 77u);
  entry.op = RequestOp::kDisconnect;
  entry.flags = abi::kFlagAbortive;
  ASSERT_EQ(Translate(entry), LaneFault::kNone);
  EXPECT_EQ(request_.kind, worker::Request::Kind::kDisconnect);
  EXPECT_TRUE(request_.abortive);
}

TEST_F(SessionLaneTest, OnlyDataOperationsBelongOnALane) {
  RequestEntry entry;
  entry.op = RequestOp::kUploadAll;
  EXPECT_EQ(Translate(entry), LaneFault::kUnknownOp);
  entry.op = static_cast<RequestOp>(0xffff);
  EXPECT_EQ(Translate(entry), LaneFault::kUnknownOp);
  entry.op = static_cast<RequestOp>(0);
  EXPECT_EQ(Translate(entry), LaneFault::kUnknownOp);
}

TEST_F(SessionLaneTest, ABrokenRuleEndsTheLaneForGood) {
  ASSERT_TRUE(producer_.Push(Send(kArenaBytes, 1)));
  EXPECT_EQ(Poll(), 0u);
  EXPECT_EQ(lane_->fault(), LaneFault::kBadReference);
  ASSERT_TRUE(producer_.Push(Send(0, 1)));
  EXPECT_EQ(Poll(), 0u);
  EXPECT_EQ(lane_->fault(), LaneFault::kBadReference);
}

TEST_F(SessionLaneTest, AnImpossibleProducerIndexBreaksTheRules) {
  request_ring_->prod.tail = kRingEntries + 1;
  EXPECT_EQ(Poll(), 0u);
  EXPECT_EQ(lane_->fault(), LaneFault::kRingIndices);
}

// Whatever else the session writes into its ring is not looked at.
TEST_F(SessionLaneTest, SizeMaskAndSyncTypeOfTheRingAreNotBelieved) {
  ASSERT_TRUE(producer_.Push(Send(0, 1)));
  request_ring_->size = 0xffffffff;
  request_ring_->mask = 0xffffffff;
  request_ring_->capacity = 0xffffffff;
  request_ring_->cons.sync_type = RTE_RING_SYNC_MT;
  request_ring_->cons.head = 12345;
  EXPECT_EQ(Poll(), 1u);
  EXPECT_EQ(lane_->fault(), LaneFault::kNone);
}

TEST_F(SessionLaneTest, AnImpossibleConsumerIndexBreaksTheRules) {
  header_->lanes[1].consumed.store(1000);  // of far fewer pushed
  for (size_t i = 0; i < kRingEntries && lane_->Room() > 0; ++i) {
    lane_->Push(worker::Notice{});
  }
  EXPECT_EQ(lane_->Room(), 0u);
  Poll();
  EXPECT_EQ(lane_->fault(), LaneFault::kRingIndices);
}

TEST_F(SessionLaneTest, AStaleFlowIsAnsweredNotPunished) {
  RequestEntry entry = Send(0, 1);
  entry.flow = worker::FlowHandle{1, 1}.Packed();
  entry.request_id = 5;
  ASSERT_TRUE(producer_.Push(entry));
  EXPECT_EQ(Poll(), 1u);
  EXPECT_EQ(lane_->fault(), LaneFault::kNone);
  worker_.Poll(Instant());
  const abi::NoticeEntry* notice = consumer_.Peek();
  ASSERT_NE(notice, nullptr);
  EXPECT_EQ(notice->op, abi::NoticeOp::kSendComplete);
  EXPECT_EQ(notice->request_id, 5u);
  EXPECT_NE(notice->status, static_cast<uint8_t>(offload::Status::kSuccess));
}

TEST_F(SessionLaneTest, DrainTakesNoMoreThanARingful) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(producer_.Push(Send(0, 1)));
  EXPECT_TRUE(lane_->Drain(Instant(), &worker_));
  EXPECT_EQ(Poll(), 0u);
}

// A live process may keep its mapping although it has closed its socket.
TEST_F(SessionLaneTest, EndedSessionPostsNothingMore) {
  ASSERT_TRUE(producer_.Push(Send(0, 1)));
  lane_->EndSession();
  ASSERT_TRUE(producer_.Push(Send(0, 1)));
  EXPECT_EQ(Poll(), 1u);
  request_ring_->prod.tail = 1000;
  EXPECT_EQ(Poll(), 0u);
  EXPECT_TRUE(lane_->Drain(Instant(), &worker_));
  EXPECT_EQ(lane_->fault(), LaneFault::kNone);
}

// Nobody makes room any more, and refusals must not wait for it.
TEST_F(SessionLaneTest, EndedSessionsFullNoticeRingHoldsNothingUp) {
  while (lane_->Room() > 0) lane_->Push(worker::Notice{});
  ASSERT_TRUE(producer_.Push(Send(0, 1)));
  EXPECT_EQ(Poll(), 0u) << "the refusal of an unknown flow needs room";
  EXPECT_FALSE(lane_->Drain(Instant(), &worker_));
  lane_->EndSession();
  EXPECT_GT(lane_->Room(), 0u);
  EXPECT_TRUE(lane_->Drain(Instant(), &worker_));
}

TEST_F(SessionLaneTest, EndedSessionWithAnImpossibleIndexIsAtItsEnd) {
  request_ring_->prod.tail = kRingEntries + 1;
  lane_->EndSession();
  EXPECT_EQ(lane_->fault(), LaneFault::kRingIndices);
  EXPECT_TRUE(lane_->Drain(Instant(), &worker_));
}

TEST_F(SessionLaneTest, NoticesReachTheSessionWhole) {
  worker::Notice notice;
  notice.kind = worker::Notice::Kind::kReceiveIndication;
  notice.flow = {2, 6};
  notice.cookie = 11;
  notice.bytes = 1000;
  notice.chunk = 3;
  notice.offset_in_chunk = 24;
  notice.elapsed_ns = 5;
  lane_->Push(notice);
  const abi::NoticeEntry* entry = consumer_.Peek();
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->op, abi::NoticeOp::kReceiveIndication);
  EXPECT_EQ(entry->flow, notice.flow.Packed());
  EXPECT_EQ(entry->cookie, 11u);
  EXPECT_EQ(entry->bytes, 1000u);
  EXPECT_EQ(entry->chunk, 3u);
  EXPECT_EQ(entry->offset_in_chunk, 24u);
  EXPECT_EQ(entry->elapsed_ns, 5u);
  EXPECT_EQ(entry->lane, 1);
}

TEST_F(SessionLaneTest, OnlyASleepingSessionIsWoken) {
  lane_->Push(worker::Notice{});
  lane_->Ring();
  EXPECT_FALSE(BellRang());
  header_->host_sleeping.store(1);
  lane_->Ring();  // Nothing new was pushed.
  EXPECT_FALSE(BellRang());
  lane_->Push(worker::Notice{});
  lane_->Ring();
  EXPECT_TRUE(BellRang());
}

// Of an upload that its session has not been told the quotas know.
TEST_F(SessionLaneTest, UntoldConnectionsAreHeldByTheSession) {
  lane_->SetUntold(3);
  Session session(kSessionId, UniqueFd(), 0, 0);
  session.connection_count = 2;
  session.lanes.push_back(std::move(lane_));
  EXPECT_EQ(session.ConnectionsHeld(), 5u);
}

}  // namespace
}  // namespace chimney::daemon
