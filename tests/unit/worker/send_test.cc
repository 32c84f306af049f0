// SPDX-License-Identifier: BSD-3-Clause
// Sends and their completions (R107-R114), disconnects (R169-R173).
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

class SendTest : public WorkerTest {
 protected:
  void SetUp() override {
    WorkerTest::SetUp();
    ASSERT_TRUE(Offload());
    Poll();
    session.notices.clear();
  }
};

TEST_F(SendTest, R110CompletesOnlyWhenEveryByteIsAcknowledged) {
  Bytes data = Pattern(100);
  ASSERT_EQ(Send(9, data), RequestVerdict::kAccepted);
  Poll();
  EXPECT_EQ(WirePayload(), data);
  EXPECT_TRUE(session.notices.empty());
  FromWire(PeerAck(99));
  Poll();
  EXPECT_TRUE(session.notices.empty());
  FromWire(PeerAck(100));
  Poll();
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kSendComplete);
  EXPECT_EQ(session.notices[0].status, Status::kSuccess);
  EXPECT_EQ(session.notices[0].id, 9u);
  EXPECT_EQ(session.notices[0].bytes, 100u);
  EXPECT_EQ(session.notices[0].cookie, kCookie);
}

// A million of them may be at rest.
TEST_F(SendTest, AFlowOfWhichNothingIsOutstandingHasNoParts) {
  EXPECT_EQ(worker->TakeCensus().parts, 0u);
  Bytes data = Pattern(100);
  Send(9, data);
  EXPECT_EQ(worker->TakeCensus().parts, 2u) << "the engine's and the session's";
  Poll();
  FromWire(PeerAck(99));
  Poll();
  EXPECT_EQ(worker->TakeCensus().parts, 2u);
  FromWire(PeerAck(100));
  Poll();
  EXPECT_EQ(worker->TakeCensus().parts, 0u);
  Bytes more = Pattern(100, 100);
  Send(10, more);
  Poll();
  EXPECT_EQ(WirePayload(), Pattern(200)) << "it starts from where it was";
  FromWire(PeerAck(200));
  Poll();
  EXPECT_EQ(worker->TakeCensus().parts, 0u);
}

// A session may name whatever it likes.
TEST_F(SendTest, RequestsOfAnyFlowMayBeExpected) {
  const FlowHandle named[] = {flow, FlowHandle::None(), FlowHandle{7, 1},
                              FlowHandle{8, 1}, FlowHandle{~0u, ~0u}};
  worker->Expect(named);
  worker->Expect({});
}

TEST_F(SendTest, SndUnaIsPublishedBeforeTheCompletion) {
  Bytes data = Pattern(10);
  Send(1, data);
  Poll();
  FromWire(PeerAck(10));
  Poll();
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(published.Read().snd_una, kLocalSeq + 10);
}

TEST_F(SendTest, R107R110NblsOfSeveralPiecesCompleteOnceAndInOrder) {
  Bytes a = Pattern(100), b = Pattern(200, 100), c = Pattern(50, 300);
  EXPECT_EQ(Send(1, a, false), RequestVerdict::kAccepted);
  Poll();
  EXPECT_TRUE(frames.to_wire.empty());  // enters whole
  EXPECT_EQ(Send(1, b, true), RequestVerdict::kAccepted);
  EXPECT_EQ(Send(2, c, true), RequestVerdict::kAccepted);
  Poll();
  // The second NBL waits for the first one's ACK (Nagle).
  FromWire(PeerAck(300));
  Poll();
  FromWire(PeerAck(350));
  Poll();
  EXPECT_EQ(WirePayload(), Pattern(350));
  ASSERT_EQ(session.notices.size(), 2u);
  EXPECT_EQ(session.notices[0].id, 1u);
  EXPECT_EQ(session.notices[0].bytes, 300u);
  EXPECT_EQ(session.notices[1].id, 2u);
  EXPECT_EQ(session.notices[1].bytes, 50u);
}

TEST_F(SendTest, NblWithoutBytesCompletes) {
  Bytes none;
  EXPECT_EQ(Send(5, none), RequestVerdict::kAccepted);
  Poll();
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].id, 5u);
}

TEST_F(SendTest, MemoryADriverStillReadsIsNotGivenBack) {
  frames.zero_copy = true;
  Bytes data = Pattern(100);
  Send(1, data);
  Poll();
  FromWire(PeerAck(100));
  Poll();
  EXPECT_TRUE(session.notices.empty());
  frames.CleanUpDriver();
  Poll();
  EXPECT_EQ(session.notices.size(), 1u);
}

TEST_F(SendTest, FlowWaitsForRoomOnTheWire) {
  frames.wire_room = 0;
  Bytes data = Pattern(100);
  Send(1, data);
  Poll();
  EXPECT_TRUE(frames.to_wire.empty());
  EXPECT_EQ(worker->Poll(now), 0u);  // and does not spin
  frames.wire_room = 10;
  Poll();
  EXPECT_EQ(WirePayload(), data);
}

TEST_F(SendTest, R108SendsBeyondTheWindowAreAccepted) {
  std::vector<Bytes> sends(20, Pattern(10000));
  for (size_t i = 0; i < sends.size(); ++i) {
    EXPECT_EQ(Send(i, sends[i]), RequestVerdict::kAccepted);
  }
  Poll();
  EXPECT_LE(WirePayload().size(), 64000u);
}

TEST_F(SendTest, R175ResetAbortsEverythingInOrder) {
  Bytes a = Pattern(100), b = Pattern(100), c = Pattern(100);
  Bytes buffer1(10), buffer2(10);
  Send(1, a);
  Send(2, b);
  Send(3, c);
  Post(4, &buffer1);
  Post(5, &buffer2);
  EXPECT_EQ(Disconnect(6, false), RequestVerdict::kAccepted);
  Poll();
  FromWire(PeerAck(40));
  Poll();
  SegmentSpec reset;
  reset.seq = kRemoteSeq;
  reset.ack = kLocalSeq + 40;
  reset.flags = packet::kTcpRst | packet::kTcpAck;
  FromWire(PeerFrame(reset));
  Poll();
  ASSERT_EQ(session.notices.size(), 7u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kAbortEvent);
  for (const Notice& notice : session.notices) {
    EXPECT_EQ(notice.status, Status::kRequestAborted);
  }
  const std::vector<Notice> sends = Of(Notice::Kind::kSendComplete);
  ASSERT_EQ(sends.size(), 3u);
  EXPECT_EQ(sends[0].id, 1u);
  EXPECT_EQ(sends[0].bytes, 40u);  // R111, R112
  EXPECT_EQ(sends[1].bytes, 0u);
  EXPECT_EQ(sends[2].id, 3u);
  const std::vector<Notice> receives = Of(Notice::Kind::kReceiveComplete);
  ASSERT_EQ(receives.size(), 2u);
  EXPECT_EQ(receives[0].id, 4u);
  EXPECT_EQ(receives[1].id, 5u);
  EXPECT_EQ(Of(Notice::Kind::kDisconnectComplete).size(), 1u);
  // The control core has to dispose of the placeholder.
  ASSERT_EQ(control.notices.size(), 1u);
  EXPECT_EQ(control.notices[0].kind, ControlNotice::Kind::kRetrieve);
  EXPECT_EQ(control.notices[0].cookie, kCookie);
  EXPECT_EQ(Send(7, a), RequestVerdict::kAccepted);
  EXPECT_EQ(session.notices.back().status, Status::kRequestAborted);
}

TEST_F(SendTest, R170R171GracefulDisconnectWaitsForTheAckOfTheFin) {
  Bytes data = Pattern(50);
  Send(1, data);
  EXPECT_EQ(Disconnect(2, false), RequestVerdict::kAccepted);
  Poll();
  const packet::Segment last = Parsed(frames.to_wire.back()).segment;
  EXPECT_TRUE(last.flags.fin());
  EXPECT_EQ(last.end().value(), kLocalSeq + 51);
  FromWire(PeerAck(50));
  Poll();
  EXPECT_TRUE(Of(Notice::Kind::kDisconnectComplete).empty());
  FromWire(PeerAck(51));
  Poll();
  ASSERT_EQ(session.notices.size(), 2u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kSendComplete);  // R172
  EXPECT_EQ(session.notices[1].kind, Notice::Kind::kDisconnectComplete);
  EXPECT_EQ(session.notices[1].status, Status::kSuccess);
  EXPECT_EQ(session.notices[1].id, 2u);
  // The receive half stays open.
  FromWire(PeerData(Text("more"), 0, 51));
  Poll();
  EXPECT_EQ(Of(Notice::Kind::kReceiveIndication).size(), 1u);
  EXPECT_EQ(Send(3, data), RequestVerdict::kAccepted);
  EXPECT_EQ(session.notices.back().status, Status::kInvalidState);
}

TEST_F(SendTest, R169AbortiveDisconnectSendsRstAfterAbortingTheSends) {
  Bytes data = Pattern(50);
  Bytes buffer(10);
  Send(1, data);
  Post(3, &buffer);
  EXPECT_EQ(Disconnect(2, true), RequestVerdict::kAccepted);
  Poll();
  EXPECT_TRUE(Parsed(frames.to_wire.back()).segment.flags.rst());
  ASSERT_EQ(session.notices.size(), 3u);
  EXPECT_EQ(Of(Notice::Kind::kSendComplete)[0].status, Status::kRequestAborted);
  EXPECT_EQ(session.notices.back().kind, Notice::Kind::kDisconnectComplete);
  EXPECT_EQ(session.notices.back().status, Status::kSuccess);
  const size_t sent = frames.to_wire.size();
  FromWire(PeerData(Text("late")));
  Poll();
  EXPECT_EQ(frames.to_wire.size(), sent);  // no ACK after it
}

TEST_F(SendTest, DisconnectAskedTwiceIsToldSo) {
  EXPECT_EQ(Disconnect(1, false), RequestVerdict::kAccepted);
  EXPECT_EQ(Disconnect(2, false), RequestVerdict::kAccepted);
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].id, 2u);
  EXPECT_EQ(session.notices[0].status, Status::kInvalidState);
}

// A million connections may give memory back in the same minute.
TEST_F(SendTest, MemoryThatIsGivenBackTakesNoTurn) {
  Poll();
  Advance(Duration::Seconds(1));
  SegmentSpec stranger;
  stranger.flags = packet::kTcpSyn;
  stranger.seq = kRemoteSeq;
  FromWire(PeerFrame(stranger));
  Poll();
  const uint64_t parts = worker->TakeCensus().parts;
  now = now + Duration::Seconds(61);
  EXPECT_EQ(worker->Poll(now), 1u) << "more than the timer";
  EXPECT_EQ(worker->TakeCensus().parts, parts - 1);
}

TEST_F(SendTest, ControlCoreCanDisconnect) {
  Operation disconnect;
  disconnect.kind = Operation::Kind::kDisconnect;
  disconnect.flow = flow;
  disconnect.abortive = true;
  EXPECT_TRUE(Run(&disconnect));
  Poll();
  EXPECT_TRUE(Parsed(frames.to_wire.back()).segment.flags.rst());
}

}  // namespace
}  // namespace chimney::worker
