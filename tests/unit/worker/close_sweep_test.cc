// SPDX-License-Identifier: BSD-3-Clause
// A session closes beside many flows: its own are looked for a few places at a
// time, and whatever happens to them meanwhile, it ends with the last one.
#include "many_flows.h"

namespace chimney::worker {
namespace {

// Places that one turn of the poll loop may look at.
constexpr uint32_t kMostPerPoll = 256;
constexpr uint32_t kOthers = 1000;

class CloseSweepTest : public ManyFlowsTest {
 protected:
  WorkerConfig Config() const override {
    WorkerConfig config = WorkerTest::Config();
    config.max_flows = 2048;
    config.max_posted_receives = 8192;
    return config;
  }
  void OpenOther() {
    session.room = other.room = 10000;
    Open(kOtherId, &other);
  }
  // One more flow of a session, with a receive that waits.
  FlowHandle AddReceiver(uint32_t session_id) {
    AddFlow(session_id);
    Request request;
    request.kind = Request::Kind::kReceive;
    request.flow = flow;
    request.data = buffer.data();
    request.length = static_cast<uint32_t>(buffer.size());
    EXPECT_EQ(worker->OnRequest(now, session_id, request),
              RequestVerdict::kAccepted);
    return flow;
  }
  // The session's only flow, in a place after kOthers of another session's.
  FlowHandle AddFlowBehindOthers() {
    OpenOther();
    for (uint32_t i = 0; i < kOthers; ++i)
      others.push_back(AddReceiver(kOtherId));
    const FlowHandle last = AddReceiver(kSessionId);
    PollUntilIdle();
    return last;
  }
  void CloseOther() {
    UploadAll(others);
    Close(kOtherId, &shut);
    EXPECT_TRUE(control.IsDone(shut));
  }
  uint32_t posted() const { return worker->TakeCensus().posted_receives; }
  bool HasWork() const { return worker->NextDeadline() <= now; }
  Bytes buffer = Bytes(100);
  FakeSessionPort other{2048, 64};
  Operation shut;
  std::vector<FlowHandle> others;
};

TEST_F(CloseSweepTest, OneTurnLooksAtFewPlaces) {
  std::vector<FlowHandle> flows;
  for (int i = 0; i < 1000; ++i) flows.push_back(AddReceiver(kSessionId));
  PollUntilIdle();
  ASSERT_FALSE(HasWork());
  Close(kSessionId, &close);
  EXPECT_EQ(posted(), 1000u);
  uint32_t before = posted();
  while (before > 0) {
    ASSERT_TRUE(HasWork());
    ASSERT_GT(worker->Poll(now), 0u);
    ASSERT_LT(posted(), before);
    ASSERT_LE(before - posted(), kMostPerPoll);
    before = posted();
  }
  PollUntilIdle();
  EXPECT_FALSE(HasWork());
  EXPECT_FALSE(control.IsDone(close));
  UploadAll(flows);
  EXPECT_TRUE(control.IsDone(close));
}

TEST_F(CloseSweepTest, PlacesOfOthersAreLookedAtInTurns) {
  const FlowHandle last = AddFlowBehindOthers();
  Close(kSessionId, &close);
  int turns = 0;
  for (; posted() == kOthers + 1; ++turns) {
    ASSERT_TRUE(HasWork());
    ASSERT_GT(worker->Poll(now), 0u);
  }
  EXPECT_GE(turns, static_cast<int>(kOthers / kMostPerPoll));
  PollUntilIdle();
  EXPECT_EQ(posted(), kOthers);
  UploadAll({last});
  EXPECT_TRUE(control.IsDone(close));
  CloseOther();
}

TEST_F(CloseSweepTest, SessionWithoutFlowsEndsAtOnce) {
  OpenOther();
  const FlowHandle kept = AddReceiver(kSessionId);
  PollUntilIdle();
  Close(kOtherId, &shut);
  EXPECT_TRUE(control.IsDone(shut));
  EXPECT_FALSE(HasWork());
  EXPECT_EQ(worker->Poll(now), 0u);
  UploadAll({kept});
}

TEST_F(CloseSweepTest, SessionEndsWithItsLastFlowBeforeTheSweepDoes) {
  const FlowHandle last = AddFlowBehindOthers();
  Close(kSessionId, &close);
  worker->Poll(now);
  EXPECT_FALSE(control.IsDone(close));
  UploadAll({last});
  EXPECT_TRUE(control.IsDone(close));
  EXPECT_EQ(posted(), kOthers);
  EXPECT_FALSE(HasWork());
  EXPECT_EQ(worker->Poll(now), 0u);
  CloseOther();
}

// The closed session's buffers get nothing more: the bytes go with the socket.
TEST_F(CloseSweepTest, FlowThatIsCutBeforeItIsFoundDropsItsRequests) {
  const FlowHandle only = AddReceiver(kSessionId);
  PollUntilIdle();
  FromWire(PeerData(Text("late")));
  Close(kSessionId, &close);
  terminate.kind = Operation::Kind::kTerminate;
  terminate.flow = only;
  ASSERT_TRUE(Run(&terminate));
  EXPECT_EQ(posted(), 0u);
  ASSERT_EQ(terminate.receive_data.size(), 1u);
  EXPECT_EQ(terminate.receive_data[0].size(), 4u);
  EXPECT_TRUE(Of(Notice::Kind::kReceiveComplete).empty());
  ASSERT_TRUE(Finish());
  EXPECT_TRUE(control.IsDone(close));
}

TEST_F(CloseSweepTest, FlowThatIsServedBeforeItIsFoundDropsItsRequests) {
  const FlowHandle last = AddFlowBehindOthers();
  Close(kSessionId, &close);
  FromWire(PeerData(Text("late")));
  worker->Poll(now);
  EXPECT_EQ(posted(), kOthers);
  EXPECT_EQ(buffer, Bytes(100));
  UploadAll({last});
  EXPECT_TRUE(control.IsDone(close));
  CloseOther();
}

TEST_F(CloseSweepTest, TwoSessionsCloseAtOnce) {
  OpenOther();
  std::vector<FlowHandle> flows;
  for (int i = 0; i < 500; ++i) {
    flows.push_back(AddReceiver(kSessionId));
    others.push_back(AddReceiver(kOtherId));
  }
  PollUntilIdle();
  Close(kSessionId, &close);
  worker->Poll(now);
  worker->Poll(now);
  Close(kOtherId, &shut);  // the first sweep has passed flows of this one
  PollUntilIdle();
  EXPECT_EQ(posted(), 0u);
  EXPECT_FALSE(HasWork());
  UploadAll(flows);
  EXPECT_TRUE(control.IsDone(close));
  EXPECT_FALSE(control.IsDone(shut));
  UploadAll(others);
  EXPECT_TRUE(control.IsDone(shut));
}

// The same for flows that wait for room in their session's ring.
TEST_F(CloseSweepTest, FlowsThatFindRoomDoNotHoldUpOthers) {
  OpenOther();
  session.room = 0;
  std::vector<FlowHandle> flows;
  for (int i = 0; i < 1000; ++i) flows.push_back(AddReceiver(kSessionId));
  others.push_back(AddReceiver(kOtherId));
  PollUntilIdle();
  other.notices.clear();
  session.room = 10000;
  worker->Poll(now);
  EXPECT_LE(worker->NextDeadline(), now) << "others could be woken";
  FromWire(PeerData(Bytes(buffer.size())));
  worker->Poll(now);
  EXPECT_EQ(other.OfKind(Notice::Kind::kReceiveComplete).size(), 1u);
  PollUntilIdle();
  EXPECT_EQ(Of(Notice::Kind::kOffloaded).size(), 1000u);
  UploadAll(flows);
  CloseOther();
}

TEST_F(CloseSweepTest, NoFlowJoinsASessionThatCloses) {
  const FlowHandle first = AddReceiver(kSessionId);
  PollUntilIdle();
  ++remote_port;
  ASSERT_TRUE(Hold());
  Close(kSessionId, &close);
  std::unique_ptr<Operation> late = NewInitiate();
  EXPECT_FALSE(Initiate(late.get()));
  Operation release;
  release.kind = Operation::Kind::kRelease;
  release.flow = flow;
  EXPECT_TRUE(Run(&release));
  PollUntilIdle();
  UploadAll({first});
  EXPECT_TRUE(control.IsDone(close));
}

}  // namespace
}  // namespace chimney::worker
