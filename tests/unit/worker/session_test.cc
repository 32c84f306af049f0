// SPDX-License-Identifier: BSD-3-Clause
// Sessions that do not read, break the rules, or die: nobody else notices, and
// what they held comes back.
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

class SessionTest : public WorkerTest {
 protected:
  void SetUp() override {
    WorkerTest::SetUp();
    ASSERT_TRUE(Offload());
    Poll();
    session.notices.clear();
  }
};

TEST_F(SessionTest, FullRingKeepsNoticesInTheFlow) {
  session.room = 0;
  std::vector<Bytes> sends(10, Pattern(10));
  for (size_t i = 0; i < sends.size(); ++i) {
    EXPECT_EQ(Send(i, sends[i]), RequestVerdict::kAccepted);
  }
  Poll();
  while (WirePayload().size() < 100) {  // Nagle holds small ones back
    FromWire(PeerAck(static_cast<uint32_t>(WirePayload().size())));
    Poll();
  }
  FromWire(PeerAck(100));
  FromWire(PeerData(Text("data"), 0, 100));
  Poll();
  EXPECT_EQ(worker->Poll(now), 0u);  // and nothing spins
  // The connection itself works on: the data was acknowledged.
  Advance(Duration::Millis(50));
  EXPECT_EQ(Parsed(frames.to_wire.back()).segment.ack.value(), kRemoteSeq + 4);
  session.room = 3;
  Poll();
  EXPECT_EQ(session.notices.size(), 3u);
  session.room = 100;
  Poll();
  EXPECT_EQ(Of(Notice::Kind::kSendComplete).size(), 10u);
  EXPECT_EQ(Of(Notice::Kind::kReceiveIndication).size(), 1u);
}

TEST_F(SessionTest, SilentSessionClosesItsWindowAndNobodyElses) {
  session.room = 0;
  uint32_t at = 0;
  while (at < 200000) {
    FromWire(PeerData(Pattern(1400, at), at));
    Poll();
    at += 1400;
    frames.wire_room = 1000;
  }
  // No more is stored than the window promised.
  EXPECT_LE(session.chunks()->in_use() * 2048, 65536u + 2 * 2048);
  FakeSessionPort other(2048, 64);
  Operation open;
  open.kind = Operation::Kind::kOpenSession;
  open.session_id = 2;
  open.session_port = &other;
  ASSERT_TRUE(Run(&open));
  Operation shut;
  shut.kind = Operation::Kind::kCloseSession;
  shut.session_id = 2;
  EXPECT_TRUE(Run(&shut));
}

TEST_F(SessionTest, RequestsThatCannotBeToldStayInTheRing) {
  ASSERT_TRUE(Terminate());
  session.room = 0;
  Bytes data = Pattern(10);
  EXPECT_EQ(Send(1, data), RequestVerdict::kNoResources);
  session.room = 1;
  EXPECT_EQ(Send(1, data), RequestVerdict::kAccepted);
}

TEST_F(SessionTest, UploadFinishesAlthoughTheSessionDoesNotRead) {
  Bytes data = Pattern(10), buffer(10);
  Send(1, data);
  Post(2, &buffer);
  session.room = 0;
  ASSERT_TRUE(Upload());
  EXPECT_EQ(worker->flow_count(), 0u);
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kForward);
  EXPECT_TRUE(session.notices.empty());
  // The tuple is free for the next offload.
  Operation next;
  next.kind = Operation::Kind::kHold;
  next.tuple = Tuple();
  EXPECT_TRUE(Run(&next));
  Operation release;
  release.kind = Operation::Kind::kRelease;
  release.flow = next.flow;
  EXPECT_TRUE(Run(&release));
  session.room = 10;
  Poll();
  ASSERT_EQ(session.notices.size(), 3u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kReceiveComplete);
  EXPECT_EQ(session.notices[1].status, Status::kMovedToKernel);
  EXPECT_EQ(session.notices[2].kind, Notice::Kind::kUploaded);
}

// A flow keeps its place until its session has been told everything: whoever
// gives out places has to know of it.
TEST_F(SessionTest, FlowsThatCouldNotBeToldAreCounted) {
  session.room = 0;
  EXPECT_EQ(session.untold, 0u);
  ASSERT_TRUE(Upload());
  EXPECT_EQ(worker->flow_count(), 0u);
  EXPECT_EQ(session.untold, 1u);
  EXPECT_EQ(worker->TakeCensus().flows, 1u);
  session.room = 10;
  Poll();
  EXPECT_EQ(session.untold, 0u);
  EXPECT_EQ(worker->TakeCensus().flows, 0u);
}

TEST_F(SessionTest, OneSessionLeavesRecordsToTheOthers) {
  Bytes data = Pattern(1);
  uint32_t accepted = 0;
  while (Send(accepted, data) == RequestVerdict::kAccepted) ++accepted;
  EXPECT_EQ(accepted, 128u);  // of 256
  EXPECT_EQ(Send(accepted, data), RequestVerdict::kNoResources);
}

TEST_F(SessionTest, RequestsThatBreakTheRules) {
  Request request;
  request.kind = Request::Kind::kSend;
  request.flow = flow;
  request.length = 5;  // no data
  EXPECT_EQ(worker->OnRequest(now, kSessionId, request),
            RequestVerdict::kBadRequest);
  request.kind = Request::Kind::kReceive;
  EXPECT_EQ(worker->OnRequest(now, kSessionId, request),
            RequestVerdict::kBadRequest);
  request.kind = static_cast<Request::Kind>(99);
  EXPECT_EQ(worker->OnRequest(now, kSessionId, request),
            RequestVerdict::kBadRequest);
  EXPECT_EQ(worker->OnRequest(now, 4711, request), RequestVerdict::kBadRequest);
}

TEST_F(SessionTest, FlowsOfOthersAreOutOfReach) {
  FakeSessionPort other(2048, 64);
  Operation open;
  open.kind = Operation::Kind::kOpenSession;
  open.session_id = 2;
  open.session_port = &other;
  ASSERT_TRUE(Run(&open));
  FromWire(PeerData(Text("private")));
  Poll();
  const Notice lent = session.notices.at(0);
  Request request;
  request.kind = Request::Kind::kSend;
  request.flow = flow;
  EXPECT_EQ(worker->OnRequest(now, 2, request), RequestVerdict::kUnknownFlow);
  EXPECT_EQ(other.notices.at(0).status, Status::kFailure);
  request.kind = Request::Kind::kReceiveReturn;
  request.chunk = lent.chunk;
  request.length = 7;
  EXPECT_EQ(worker->OnRequest(now, 2, request), RequestVerdict::kBadRequest);
  EXPECT_EQ(Return(lent, 7), RequestVerdict::kAccepted);
  Operation shut;
  shut.kind = Operation::Kind::kCloseSession;
  shut.session_id = 2;
  EXPECT_TRUE(Run(&shut));
}

TEST_F(SessionTest, ClosedSessionEndsWithItsLastFlow) {
  Bytes data = Pattern(100), buffer(10);
  Send(1, data);
  Post(2, &buffer);
  FromWire(PeerData(Pattern(5), 0));
  Poll();
  FromWire(PeerData(Pattern(500, 5), 5));
  Poll();
  const size_t told = session.notices.size();
  CloseSession();
  EXPECT_FALSE(control.IsDone(close));
  // What was accepted is still sent; nothing is told or lent any more.
  FromWire(PeerData(Pattern(10, 505), 505, 60));
  Poll();
  EXPECT_EQ(session.notices.size(), told);
  terminate.include_lent = true;
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.snapshot.tcp.delegated.snd_una.value(), kLocalSeq + 60);
  EXPECT_GT(terminate.unreturned_receive_bytes, 0u);
  ASSERT_TRUE(Finish());
  EXPECT_TRUE(control.IsDone(close));
  EXPECT_EQ(close.status, Status::kSuccess);
  EXPECT_EQ(session.notices.size(), told);
  EXPECT_EQ(session.chunks()->in_use(), 0u);
}

TEST_F(SessionTest, SessionsOpenOnceAndWhileThereIsRoom) {
  FakeSessionPort other(2048, 4);
  Operation open;
  open.kind = Operation::Kind::kOpenSession;
  open.session_port = &other;
  open.session_id = kSessionId;
  EXPECT_FALSE(Run(&open));
  control.completed.clear();
  for (uint32_t id = 1; id <= 4; ++id) {
    open.session_id = id;
    EXPECT_EQ(Run(&open), id < 4);
    control.completed.clear();
  }
  EXPECT_EQ(open.status, Status::kResources);
  open.kind = Operation::Kind::kCloseSession;
  for (uint32_t id = 1; id < 4; ++id) {
    open.session_id = id;
    EXPECT_TRUE(Run(&open));
    control.completed.clear();
  }
  control.completed.push_back(&initiate);
}

TEST_F(SessionTest, ManyHandOversLeaveNothingBehind) {
  uint32_t sent = 0, received = 0;
  for (int cycle = 0; cycle < 100; ++cycle) {
    ASSERT_EQ(Send(1, Pattern(70, sent)), RequestVerdict::kAccepted);
    FromWire(PeerData(Pattern(90, received), received, sent));
    Poll();
    for (const Notice& notice : Of(Notice::Kind::kReceiveIndication)) {
      Return(notice, notice.bytes);
    }
    session.notices.clear();
    sent += 70;
    received += 90;
    FromWire(PeerAck(sent, received));
    ASSERT_TRUE(Upload());
    control.completed.clear();
    ASSERT_TRUE(Hold());
    initiate = *NewInitiate();
    initiate.snapshot.tcp = terminate.snapshot.tcp;
    ASSERT_TRUE(Initiate(&initiate)) << cycle;
    Poll();
    session.notices.clear();
    session.room = 1000;
    frames.wire_room = 1000;
  }
  EXPECT_EQ(WirePayload(), Pattern(7000));
}

}  // namespace
}  // namespace chimney::worker
