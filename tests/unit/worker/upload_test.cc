// SPDX-License-Identifier: BSD-3-Clause
// Giving a connection back (R88-R104, R145) with everything pending.
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

Bytes Join(const std::vector<ByteSpan>& pieces) {
  Bytes all;
  for (const ByteSpan piece : pieces) {
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

class UploadTest : public WorkerTest {
 protected:
  void SetUp() override {
    WorkerTest::SetUp();
    ASSERT_TRUE(Offload());
    Poll();
    session.notices.clear();
  }
};

TEST_F(UploadTest, IdleConnectionMovesAndItsLastNoticeIsUploaded) {
  ASSERT_TRUE(Terminate());
  EXPECT_TRUE(terminate.send_data.empty());  // R96
  EXPECT_TRUE(terminate.receive_data.empty());
  const tcp::TcpDelegatedState& state = terminate.snapshot.tcp.delegated;
  EXPECT_EQ(state.snd_una.value(), kLocalSeq);
  EXPECT_EQ(state.snd_max.value(), kLocalSeq);
  EXPECT_EQ(state.rcv_nxt.value(), kRemoteSeq);
  EXPECT_EQ(terminate.snapshot.Tuple(), Tuple());
  EXPECT_EQ(published.Read().connection_id, flow.Packed());
  finish.started_at = now - Duration::Micros(20);
  ASSERT_TRUE(Finish());
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kUploaded);
  EXPECT_EQ(session.notices[0].elapsed_ns, 20000u);
  EXPECT_EQ(worker->flow_count(), 0u);
  EXPECT_EQ(published.Read().connection_id, 0u);
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kForward);
}

TEST_F(UploadTest, R97SegmentsBehindTheCutAreParkedAndHandedOver) {
  ASSERT_TRUE(Terminate());
  const size_t sent = frames.to_wire.size();
  const Bytes a = PeerData(Text("a")), b = PeerData(Text("b"), 1);
  EXPECT_EQ(FromWire(a), Disposition::kHeld);
  EXPECT_EQ(FromWire(b), Disposition::kHeld);
  Advance(Duration::Seconds(1));
  EXPECT_EQ(frames.to_wire.size(), sent);
  ASSERT_TRUE(Finish());
  ASSERT_EQ(frames.to_host.size(), 2u);
  EXPECT_EQ(frames.to_host[0], a);
  EXPECT_EQ(frames.to_host[1], b);
}

TEST_F(UploadTest, R98OwedAckLeavesBeforeTheCompletion) {
  FromWire(PeerData(Text("data")));
  const size_t sent = frames.to_wire.size();
  ASSERT_TRUE(Terminate());
  ASSERT_EQ(frames.to_wire.size(), sent + 1);
  EXPECT_EQ(Parsed(frames.to_wire.back()).segment.ack.value(), kRemoteSeq + 4);
}

TEST_F(UploadTest, R95PendingSendsAreHandedBackFromSndUna) {
  Bytes a = Pattern(100), b = Pattern(300, 100);
  Send(1, a);
  Send(2, b);
  Poll();
  FromWire(PeerAck(40));
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(Join(terminate.send_data), Pattern(360, 40));
  EXPECT_EQ(terminate.snapshot.tcp.delegated.snd_una.value(), kLocalSeq + 40);
  EXPECT_TRUE(Of(Notice::Kind::kSendComplete).empty());
  ASSERT_TRUE(Finish());
  ASSERT_EQ(session.notices.size(), 3u);
  EXPECT_EQ(session.notices[0].id, 1u);
  EXPECT_EQ(session.notices[0].status, Status::kMovedToKernel);
  EXPECT_EQ(session.notices[0].bytes, 40u);
  EXPECT_EQ(session.notices[1].id, 2u);
  EXPECT_EQ(session.notices[1].status, Status::kMovedToKernel);
  EXPECT_EQ(session.notices[1].bytes, 0u);
  EXPECT_EQ(session.notices[2].kind, Notice::Kind::kUploaded);
}

TEST_F(UploadTest, SendsThatWereAcknowledgedSucceedAllTheSame) {
  frames.zero_copy = true;
  Bytes a = Pattern(100);
  Send(1, a);
  Poll();
  FromWire(PeerAck(100));
  ASSERT_TRUE(Terminate());
  EXPECT_TRUE(terminate.send_data.empty());
  ASSERT_TRUE(Finish());
  Poll();
  EXPECT_TRUE(session.notices.empty());  // the driver still reads
  frames.CleanUpDriver();
  Poll();
  ASSERT_EQ(session.notices.size(), 2u);
  EXPECT_EQ(session.notices[0].status, Status::kSuccess);
  EXPECT_EQ(session.notices[1].kind, Notice::Kind::kUploaded);
}

TEST_F(UploadTest, R91ReceivesGoBackInOrderWithTheirCounts) {
  Bytes first(10), second(10), third(10);
  Post(1, &first, true);
  Post(2, &second, true);
  Post(3, &third, true);
  FromWire(PeerData(Text("half")));
  ASSERT_TRUE(Terminate());
  ASSERT_EQ(session.notices.size(), 3u);
  const uint32_t counts[] = {4, 0, 0};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(session.notices[i].id, i + 1);
    EXPECT_EQ(session.notices[i].status, Status::kUploadInProgress);
    EXPECT_EQ(session.notices[i].bytes, counts[i]);
  }
  EXPECT_TRUE(terminate.receive_data.empty());
  EXPECT_EQ(terminate.snapshot.tcp.delegated.rcv_nxt.value(), kRemoteSeq + 4);
}

TEST_F(UploadTest, R100UndeliveredDataIsHandedBack) {
  session.room = 0;
  FromWire(PeerData(Pattern(3000)));
  Poll();
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(Join(terminate.receive_data), Pattern(3000));
  EXPECT_EQ(terminate.unreturned_receive_bytes, 0u);
  session.room = 100;
  ASSERT_TRUE(Finish());
}

TEST_F(UploadTest, R145LentDataStaysWithTheSessionWhenTheFlowIsGone) {
  FromWire(PeerData(Text("lent out")));
  Poll();
  const Notice lent = session.notices.at(0);
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.unreturned_receive_bytes, 8u);
  EXPECT_TRUE(terminate.receive_data.empty());
  ASSERT_TRUE(Finish());
  EXPECT_EQ(session.Lent(lent), Text("lent out"));
  EXPECT_EQ(session.chunks()->in_use(), 1u);
  EXPECT_EQ(Return(lent, 9), RequestVerdict::kBadRequest);
  EXPECT_EQ(Return(lent, 8), RequestVerdict::kAccepted);
  EXPECT_EQ(session.chunks()->in_use(), 0u);
  EXPECT_EQ(Return(lent, 1), RequestVerdict::kBadRequest);
}

TEST_F(UploadTest, DeadProcessGetsItsUnreturnedBytesCountedFirst) {
  FromWire(PeerData(Text("lent ")));
  Poll();
  Return(session.notices.at(0), 2);
  session.room = 0;
  FromWire(PeerData(Text("and more"), 5));
  Poll();
  terminate.include_lent = true;
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(Join(terminate.receive_data), Text("nt and more"));
  EXPECT_EQ(terminate.unreturned_receive_bytes, 3u);
}

TEST_F(UploadTest, OutOfOrderDataIsReplayedNotRenegedOn) {
  FromWire(PeerData(Pattern(3000, 100), 100));
  const Bytes parked = PeerData(Pattern(100));
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.snapshot.tcp.delegated.rcv_nxt.value(), kRemoteSeq);
  EXPECT_EQ(FromWire(parked), Disposition::kHeld);
  ASSERT_TRUE(Finish());
  ASSERT_GE(frames.to_host.size(), 4u);  // cut to the path's size
  EXPECT_EQ(frames.to_host.back(), parked);
  Bytes replayed;
  for (size_t i = 0; i + 1 < frames.to_host.size(); ++i) {
    const packet::FrameView view = Parsed(frames.to_host[i]);
    EXPECT_EQ(view.TupleAsReceiver(), Tuple());
    EXPECT_EQ(view.ethernet.dst, OurHeaders().src_mac);
    EXPECT_EQ(view.ethernet.src, OurHeaders().dst_mac);
    EXPECT_LE(view.frame_bytes - view.ip_offset, 1500u);
    EXPECT_EQ(view.segment.seq.value(), kRemoteSeq + 100 + replayed.size());
    EXPECT_EQ(view.segment.ack.value(), kLocalSeq);
    EXPECT_EQ(view.segment.options.tsval, kPeerTs);
    EXPECT_FALSE(view.segment.flags.rst());
    replayed.insert(replayed.end(), view.segment.payload.begin(),
                    view.segment.payload.end());
  }
  EXPECT_EQ(replayed, Pattern(3000, 100));
}

TEST_F(UploadTest, R90EverythingPendingIsOverBeforeTheCompletion) {
  Bytes data = Pattern(100), buffer(10);
  Send(1, data);
  Post(2, &buffer);
  Disconnect(3, false);
  frames.wire_room = 0;
  ASSERT_TRUE(Terminate());
  ASSERT_EQ(session.notices.size(), 2u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kReceiveComplete);
  EXPECT_EQ(session.notices[1].kind, Notice::Kind::kDisconnectComplete);
  EXPECT_EQ(session.notices[1].status, Status::kUploadInProgress);
  EXPECT_TRUE(terminate.snapshot.tcp.delegated.fin_queued);
  EXPECT_EQ(Join(terminate.send_data), data);
}

TEST_F(UploadTest, RequestsBehindTheCutComeBack) {
  ASSERT_TRUE(Terminate());
  Bytes data = Pattern(10), buffer(10);
  EXPECT_EQ(Send(1, data, false), RequestVerdict::kAccepted);
  EXPECT_TRUE(session.notices.empty());
  EXPECT_EQ(Send(1, data, true), RequestVerdict::kAccepted);
  EXPECT_EQ(Post(2, &buffer), RequestVerdict::kAccepted);
  EXPECT_EQ(Disconnect(3, false), RequestVerdict::kAccepted);
  ASSERT_EQ(session.notices.size(), 3u);
  for (const Notice& notice : session.notices) {
    EXPECT_EQ(notice.status, Status::kUploadInProgress);
    EXPECT_EQ(notice.bytes, 0u);
  }
}

TEST_F(UploadTest, HalfSubmittedNblComesBackWhole) {
  Bytes a = Pattern(10), b = Pattern(10, 10);
  EXPECT_EQ(Send(1, a, false), RequestVerdict::kAccepted);
  Poll();
  ASSERT_TRUE(Terminate());
  EXPECT_TRUE(terminate.send_data.empty());
  EXPECT_EQ(Send(1, b, true), RequestVerdict::kAccepted);
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].status, Status::kUploadInProgress);
  EXPECT_EQ(session.notices[0].bytes, 0u);
}

TEST_F(UploadTest, StaleHandlesAreRecognised) {
  ASSERT_TRUE(Upload());
  session.notices.clear();
  Bytes data = Pattern(10), buffer(10);
  EXPECT_EQ(Send(11, data), RequestVerdict::kUnknownFlow);
  EXPECT_EQ(Post(12, &buffer), RequestVerdict::kUnknownFlow);
  EXPECT_EQ(Disconnect(13, true), RequestVerdict::kUnknownFlow);
  ASSERT_EQ(session.notices.size(), 3u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kSendComplete);
  EXPECT_EQ(session.notices[1].kind, Notice::Kind::kReceiveComplete);
  EXPECT_EQ(session.notices[2].kind, Notice::Kind::kDisconnectComplete);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(session.notices[i].status, Status::kFailure);
    EXPECT_EQ(session.notices[i].id, 11 + i);
  }
  Operation query;
  query.kind = Operation::Kind::kQuery;
  query.flow = flow;
  EXPECT_FALSE(Run(&query));
}

TEST_F(UploadTest, LostConnectionAbortsWhatWasPending) {
  Bytes data = Pattern(100);
  Send(1, data);
  ASSERT_TRUE(Terminate());
  finish.moved = false;
  ASSERT_TRUE(Finish());
  EXPECT_EQ(session.notices.at(0).status, Status::kRequestAborted);
}

TEST_F(UploadTest, InjectedFramesGoBeforeParkedOnes) {
  ASSERT_TRUE(Terminate());
  const Bytes parked = PeerData(Text("parked"));
  FromWire(parked);
  Operation inject;
  inject.kind = Operation::Kind::kInjectHost;
  inject.flow = flow;
  inject.fence_frame = PeerAck(0);
  ASSERT_TRUE(Run(&inject));
  ASSERT_TRUE(Finish());
  ASSERT_EQ(frames.to_host.size(), 2u);
  EXPECT_EQ(frames.to_host[0], inject.fence_frame);
  EXPECT_EQ(frames.to_host[1], parked);
}

TEST_F(UploadTest, R97WireMayOpenBeforeTheUploadIsFinished) {
  FromWire(PeerData(Pattern(100, 100), 100));
  ASSERT_TRUE(Terminate());
  const Bytes parked = PeerData(Pattern(100));
  FromWire(parked);
  Operation open;
  open.kind = Operation::Kind::kOpenWire;
  open.flow = flow;
  ASSERT_TRUE(Run(&open));
  ASSERT_EQ(frames.to_host.size(), 2u);
  EXPECT_EQ(Parsed(frames.to_host[0]).segment.seq.value(), kRemoteSeq + 100);
  EXPECT_EQ(frames.to_host[1], parked);
  EXPECT_EQ(FromWire(PeerAck(0, 200)), Disposition::kForward);
  Operation cancel;
  cancel.kind = Operation::Kind::kCancelUpload;
  cancel.flow = flow;
  EXPECT_FALSE(Run(&cancel)) << "the kernel may have gone on by now";
  ASSERT_TRUE(Finish());
  EXPECT_EQ(frames.to_host.size(), 3u) << "nothing is told twice";
}

}  // namespace
}  // namespace chimney::worker
