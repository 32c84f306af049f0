// SPDX-License-Identifier: BSD-3-Clause
// Uploads that failed: the connection runs on, nothing lost or doubled. And
// queries and updates of running connections.
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

class CancelTest : public WorkerTest {
 protected:
  void SetUp() override {
    WorkerTest::SetUp();
    ASSERT_TRUE(Offload());
    Poll();
    session.notices.clear();
  }
  bool Cancel() {
    Operation cancel;
    cancel.kind = Operation::Kind::kCancelUpload;
    cancel.flow = flow;
    const bool done = Run(&cancel);
    control.completed.clear();
    control.completed.push_back(&initiate);  // for TearDown
    return done;
  }
};

TEST_F(CancelTest, StreamGoesOnBothWays) {
  Bytes a = Pattern(100);
  Send(1, a);
  Poll();
  FromWire(PeerAck(30));
  ASSERT_TRUE(Terminate());
  FromWire(PeerData(Text("parked")));
  now = now + Duration::Millis(5);
  ASSERT_TRUE(Cancel());
  Poll();
  EXPECT_TRUE(frames.to_host.empty());
  ASSERT_GE(session.notices.size(), 2u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kOffloaded);
  EXPECT_EQ(session.Lent(Of(Notice::Kind::kReceiveIndication).at(0)),
            Text("parked"));
  Bytes b = Pattern(50, 100);
  EXPECT_EQ(Send(2, b), RequestVerdict::kAccepted);
  Poll();
  FromWire(PeerAck(150, 6));
  Poll();
  const std::vector<Notice> sends = Of(Notice::Kind::kSendComplete);
  ASSERT_EQ(sends.size(), 2u);
  EXPECT_EQ(sends[0].bytes, 100u);
  EXPECT_EQ(sends[0].status, Status::kSuccess);
  EXPECT_EQ(sends[1].bytes, 50u);
  EXPECT_EQ(WirePayload(), Pattern(150));
}

// What was posted before the session knew must not overtake what came back.
TEST_F(CancelTest, R92SendsBehindOneThatCameBackComeBackUntilResumed) {
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(Send(1, Pattern(10)), RequestVerdict::kAccepted);
  ASSERT_TRUE(Cancel());
  EXPECT_EQ(Send(2, Pattern(10, 10)), RequestVerdict::kAccepted);
  Disconnect(3, false);
  Poll();
  for (const Notice& notice : Of(Notice::Kind::kSendComplete)) {
    EXPECT_EQ(notice.status, Status::kUploadInProgress);
  }
  EXPECT_EQ(Of(Notice::Kind::kSendComplete).size(), 2u);
  EXPECT_EQ(Of(Notice::Kind::kDisconnectComplete).at(0).status,
            Status::kUploadInProgress);
  Request again;
  again.flow = flow;
  again.id = 4;
  Bytes data = Pattern(20);
  again.data = data.data();
  again.length = 20;
  again.resumed = true;
  EXPECT_EQ(worker->OnRequest(now, kSessionId, again),
            RequestVerdict::kAccepted);
  EXPECT_EQ(Send(5, Pattern(5, 20)), RequestVerdict::kAccepted);
  Poll();
  EXPECT_EQ(WirePayload(), Pattern(25));
  FromWire(PeerAck(25));
  Poll();
}

TEST_F(CancelTest, UndeliveredAndOutOfOrderDataSurvives) {
  session.room = 0;
  FromWire(PeerData(Pattern(100)));
  FromWire(PeerData(Pattern(100, 200), 200));
  Poll();
  ASSERT_TRUE(Terminate());
  ASSERT_TRUE(Cancel());
  session.room = 1000;
  FromWire(PeerData(Pattern(100, 100), 100));
  Poll();
  Bytes all;
  for (const Notice& notice : Of(Notice::Kind::kReceiveIndication)) {
    const Bytes piece = session.Lent(notice);
    all.insert(all.end(), piece.begin(), piece.end());
    Return(notice, notice.bytes);
  }
  EXPECT_EQ(all, Pattern(300));
  EXPECT_EQ(session.chunks()->in_use(), 0u);
}

TEST_F(CancelTest, DataLentBeforeTheCutIsStillReturned) {
  FromWire(PeerData(Text("before")));
  Poll();
  const Notice before = session.notices.at(0);
  ASSERT_TRUE(Terminate());
  ASSERT_TRUE(Cancel());
  FromWire(PeerData(Text("after"), 6));
  Poll();
  const Notice after = session.notices.back();
  EXPECT_EQ(session.Lent(after), Text("after"));
  EXPECT_EQ(Return(before, 6), RequestVerdict::kAccepted);
  EXPECT_EQ(Return(after, 5), RequestVerdict::kAccepted);
  EXPECT_EQ(session.chunks()->in_use(), 0u);
}

TEST_F(CancelTest, QueuedFinIsStillSent) {
  frames.wire_room = 0;
  Bytes data = Pattern(10);
  Send(1, data);
  Disconnect(2, false);
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(Of(Notice::Kind::kDisconnectComplete).size(), 1u);
  frames.wire_room = 100;
  ASSERT_TRUE(Cancel());
  Poll();
  EXPECT_TRUE(Parsed(frames.to_wire.back()).segment.flags.fin());
  // The request came back, so it may be made again.
  EXPECT_EQ(Disconnect(3, false), RequestVerdict::kAccepted);
  FromWire(PeerAck(11));
  Poll();
  const std::vector<Notice> told = Of(Notice::Kind::kDisconnectComplete);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].id, 3u);
  EXPECT_EQ(told[1].status, Status::kSuccess);
}

TEST_F(CancelTest, ClosedConnectionCannotGoOn) {
  SegmentSpec reset;
  reset.seq = kRemoteSeq;
  reset.flags = packet::kTcpRst;
  FromWire(PeerFrame(reset));
  Poll();
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.snapshot.tcp.delegated.state,
            tcp::ConnectionState::kClosed);
  Operation cancel;
  cancel.kind = Operation::Kind::kCancelUpload;
  cancel.flow = flow;
  EXPECT_FALSE(Run(&cancel));
}

// The socket has the connection and may repeat its end: what waits for that
// completes, and the upload stands.
TEST_F(CancelTest, UploadThatIsBeingFinishedIsNotCanceled) {
  SegmentSpec fin;
  fin.seq = kRemoteSeq;
  fin.ack = kLocalSeq;
  fin.flags = packet::kTcpAck | packet::kTcpFin;
  fin.options.has_timestamps = true;
  fin.options.tsval = kPeerTs;
  fin.options.tsecr = kTsNow;
  FromWire(PeerFrame(fin));
  Disconnect(1, false);
  Poll();
  ASSERT_TRUE(Terminate());
  ASSERT_EQ(terminate.snapshot.tcp.delegated.state,
            tcp::ConnectionState::kLastAck);
  finish.kind = Operation::Kind::kFinishUpload;
  finish.flow = flow;
  finish.timeout = Duration::Millis(30);
  worker->Execute(now, &finish);
  ASSERT_FALSE(control.IsDone(finish));
  Operation cancel;
  cancel.kind = Operation::Kind::kCancelUpload;
  cancel.flow = flow;
  worker->Execute(now, &cancel);
  EXPECT_TRUE(control.IsDone(cancel));
  EXPECT_EQ(cancel.status, Status::kFailure);
  EXPECT_FALSE(control.IsDone(finish));
  Advance(Duration::Millis(31));
  EXPECT_TRUE(control.IsDone(finish));
  EXPECT_EQ(finish.status, Status::kSuccess);
  EXPECT_EQ(worker->flow_count(), 0u);
}

TEST_F(CancelTest, QueryTellsTheStateAndChangesNothing) {
  FromWire(PeerData(Text("data")));
  Operation query;
  query.kind = Operation::Kind::kQuery;
  query.flow = flow;
  now = now + Duration::Millis(7);
  ASSERT_TRUE(Run(&query));
  EXPECT_EQ(query.snapshot.tcp.delegated.rcv_nxt.value(), kRemoteSeq + 4);
  EXPECT_EQ(query.snapshot.tcp.delegated.ts_time, kTsNow + 7);
  EXPECT_EQ(query.snapshot.path.path_mtu_bytes, 1500u);
  Poll();
  EXPECT_EQ(Of(Notice::Kind::kReceiveIndication).size(), 1u);
}

TEST_F(CancelTest, R70PathUpdateBoundsTheSegments) {
  Operation update;
  update.kind = Operation::Kind::kUpdatePath;
  update.flow = flow;
  update.snapshot.path.path_mtu_bytes = 600;
  ASSERT_TRUE(Run(&update));
  Bytes data = Pattern(3000);
  Send(1, data);
  Poll();
  for (const Bytes& bytes : frames.to_wire) {
    const packet::FrameView view = Parsed(bytes);
    EXPECT_LE(view.frame_bytes - view.ip_offset, 600u);
  }
  control.completed.clear();
  control.completed.push_back(&initiate);
  update.snapshot.path.path_mtu_bytes = 10;
  EXPECT_FALSE(Run(&update));
}

TEST_F(CancelTest, R71R78NeighborAndCachedUpdatesChangeTheHeaders) {
  Operation update;
  update.kind = Operation::Kind::kUpdateNeighbor;
  update.flow = flow;
  update.snapshot.neighbor.destination_mac = MacAddress{{2, 9, 9, 9, 9, 9}};
  ASSERT_TRUE(Run(&update));
  Operation cached;
  cached.kind = Operation::Kind::kUpdateCached;
  cached.flow = flow;
  cached.snapshot.tcp.cached = initiate.snapshot.tcp.cached;
  cached.snapshot.tcp.cached.ttl_or_hop_limit = 33;
  cached.snapshot.tcp.cached.tos_or_traffic_class = 0x20;
  ASSERT_TRUE(Run(&cached));
  Bytes data = Pattern(10);
  Send(1, data);
  Poll();
  const packet::FrameView view = Parsed(frames.to_wire.back());
  EXPECT_EQ(view.ethernet.dst, update.snapshot.neighbor.destination_mac);
  EXPECT_EQ(view.ttl, 33);
  EXPECT_EQ(view.tos, 0x20);
}

}  // namespace
}  // namespace chimney::worker
