// SPDX-License-Identifier: BSD-3-Clause
// Many flows that find room at once, or wait for a driver, do not hold up the
// data of others.
#include <deque>

#include "many_flows.h"

namespace chimney::worker {
namespace {

constexpr uint32_t kFirstOfMany = 100;
constexpr uint32_t kMany = 16;
constexpr uint32_t kFlowsOfEach = 100;
// Turns until data that came is told.
constexpr int kSoon = 2;

class WakingTest : public ManyFlowsTest {
 protected:
  WorkerConfig Config() const override {
    WorkerConfig config = WorkerTest::Config();
    config.max_flows = 4096;
    config.max_sessions = 32;
    config.max_send_records = 8192;
    return config;
  }
  void Shut(uint32_t id) {
    Operation shut;
    Close(id, &shut);
    EXPECT_TRUE(control.IsDone(shut));
    std::erase(control.completed, &shut);
  }
  int TurnsUntilTold(const FakeSessionPort& port) {
    int turns = 0;
    while (port.OfKind(Notice::Kind::kReceiveIndication).empty() &&
           turns < 1000) {
      worker->Poll(now);
      ++turns;
    }
    return turns;
  }
};

TEST_F(WakingTest, SessionsThatFindRoomTogetherDoNotHoldUpOthers) {
  FakeSessionPort other{2048, 64};
  std::deque<FakeSessionPort> many;
  Open(kOtherId, &other);
  std::vector<FlowHandle> flows;
  for (uint32_t i = 0; i < kMany; ++i) {
    FakeSessionPort& port = many.emplace_back(2048, 64);
    port.room = 0;
    Open(kFirstOfMany + i, &port);
    for (uint32_t k = 0; k < kFlowsOfEach; ++k) {
      flows.push_back(AddFlow(kFirstOfMany + i));
    }
  }
  const FlowHandle others = AddFlow(kOtherId);
  PollUntilIdle();
  for (FakeSessionPort& port : many) port.room = 10000;
  for (int i = 0; i < 6; ++i) worker->Poll(now);
  FromWire(PeerData(Bytes(100)));
  EXPECT_LE(TurnsUntilTold(other), kSoon);
  for (uint32_t i = 0; i < kMany; ++i) worker->Poll(now);
  for (const FakeSessionPort& port : many) {
    EXPECT_FALSE(port.OfKind(Notice::Kind::kOffloaded).empty()) << "its turn";
  }
  PollUntilIdle();
  for (const FakeSessionPort& port : many) {
    EXPECT_EQ(port.OfKind(Notice::Kind::kOffloaded).size(), kFlowsOfEach);
  }
  EXPECT_GT(worker->NextDeadline(), now);
  const Notice told = other.OfKind(Notice::Kind::kReceiveIndication)[0];
  UploadAll(flows);
  Request back;
  back.kind = Request::Kind::kReceiveReturn;
  back.flow = others;
  back.chunk = told.chunk;
  back.length = told.bytes;
  EXPECT_EQ(worker->OnRequest(now, kOtherId, back), RequestVerdict::kAccepted);
  UploadAll({others});
  for (uint32_t i = 0; i < kMany; ++i) Shut(kFirstOfMany + i);
  Shut(kOtherId);
}

TEST_F(WakingTest, FlowsThatWaitForADriverDoNotHoldUpOthers) {
  session.room = 100000;
  frames.wire_room = 100000;
  frames.zero_copy = true;
  std::vector<FlowHandle> flows;
  for (int i = 0; i < 1000; ++i) {
    flows.push_back(AddFlow(kSessionId));
    worker->Poll(now);
    EXPECT_EQ(Send(1, Bytes(10)), RequestVerdict::kAccepted);
    worker->Poll(now);
    FromWire(PeerAck(10));
  }
  const FlowHandle others = AddFlow(kSessionId);
  for (int i = 0; i < 10; ++i) worker->Poll(now);
  EXPECT_TRUE(session.OfKind(Notice::Kind::kSendComplete).empty());
  FromWire(PeerData(Bytes(100)));
  EXPECT_LE(TurnsUntilTold(session), kSoon);
  frames.zero_copy = false;
  frames.CleanUpDriver();
  PollUntilIdle();
  EXPECT_EQ(session.OfKind(Notice::Kind::kSendComplete).size(), flows.size());
  UploadAll(flows);
  const Notice told = session.OfKind(Notice::Kind::kReceiveIndication)[0];
  Return(told, told.bytes);
  UploadAll({others});
}

}  // namespace
}  // namespace chimney::worker
