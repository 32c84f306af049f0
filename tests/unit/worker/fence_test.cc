// SPDX-License-Identifier: BSD-3-Clause
// The fence and the gate towards the wire (design D2, D16).
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

class FenceTest : public WorkerTest {
 protected:
  // One old byte of the peer's stream, to the kernel.
  Bytes FenceFrame() const {
    SegmentSpec spec;
    spec.seq = kRemoteSeq - 1;
    spec.ack = kLocalSeq;
    spec.payload = Text("?");
    return PeerFrame(spec);
  }
  void MakeFence(bool sack) {
    fence.kind = Operation::Kind::kFence;
    fence.flow = flow;
    fence.fence_frame = FenceFrame();
    fence.fence_timeout = Duration::Millis(10);
    fence.snapshot.tcp.constant.sack_enabled = sack;
  }
  SegmentSpec KernelAck(bool names_fence) const {
    SegmentSpec spec;
    spec.seq = kLocalSeq;
    spec.ack = kRemoteSeq;
    if (names_fence) {
      spec.options.sack_count = 1;
      spec.options.sack[0] = {SeqNum(kRemoteSeq - 1), SeqNum(kRemoteSeq)};
    }
    return spec;
  }

  Operation fence;
};

TEST_F(FenceTest, GoesToTheHostAndItsAnswerIsEaten) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  ASSERT_EQ(frames.to_host.size(), 1u);
  EXPECT_EQ(frames.to_host[0], FenceFrame());
  EXPECT_FALSE(control.IsDone(fence));
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  EXPECT_TRUE(control.IsDone(fence));
  EXPECT_EQ(fence.status, Status::kSuccess);
  EXPECT_TRUE(frames.to_wire.empty());
  // Exactly one.
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kForward);
}

TEST_F(FenceTest, WithSackOnlyTheNamedByteIsTheAnswer) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(false))), Disposition::kForward);
  EXPECT_FALSE(control.IsDone(fence));
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  EXPECT_TRUE(control.IsDone(fence));
}

// RFC 2883 section 4: behind the duplicate stand the blocks that the receiver
// holds out of order. An offload would lose them (design D3).
TEST_F(FenceTest, AnswerTellsThatTheKernelHoldsDataOutOfOrder) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  SegmentSpec answer = KernelAck(true);
  answer.options.sack_count = 2;
  answer.options.sack[1] = {SeqNum(kRemoteSeq + 1000),
                            SeqNum(kRemoteSeq + 2000)};
  EXPECT_EQ(FromHost(KernelFrame(answer)), Disposition::kConsumed);
  EXPECT_TRUE(fence.learned.holds_out_of_order);
}

TEST_F(FenceTest, AnswerWithoutFurtherBlocksTellsThatNothingIsOutOfOrder) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  EXPECT_FALSE(fence.learned.holds_out_of_order);
}

TEST_F(FenceTest, ResetOfASocketThatHasEndedStaysHere) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  SegmentSpec reset;
  reset.seq = kLocalSeq + 1;
  reset.flags = packet::kTcpRst;
  EXPECT_EQ(FromHost(KernelFrame(reset)), Disposition::kForward);
  reset.seq = kLocalSeq;  // the fence's ACK field
  EXPECT_EQ(FromHost(KernelFrame(reset)), Disposition::kConsumed);
  EXPECT_TRUE(control.IsDone(fence));
  EXPECT_EQ(fence.status, Status::kFailure);
}

TEST_F(FenceTest, LearnsHowFarTheKernelHasSent) {
  ASSERT_TRUE(Hold());
  SegmentSpec data = KernelAck(false);
  data.payload = Text("sent");
  EXPECT_EQ(FromHost(KernelFrame(data)), Disposition::kForward);
  MakeFence(true);
  worker->Execute(now, &fence);
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  EXPECT_EQ(fence.learned.snd_nxt, SeqNum(kLocalSeq + 4));
}

TEST_F(FenceTest, KernelThatNamesNoDuplicatesHasAnsweredByTheTimeout) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  SegmentSpec ack = KernelAck(false);
  ack.options.has_timestamps = true;
  ack.options.tsval = 700;
  ack.options.tsecr = 0xa0000000;
  EXPECT_EQ(FromHost(KernelFrame(ack)), Disposition::kForward);
  Advance(Duration::Millis(11));
  EXPECT_TRUE(control.IsDone(fence));
  EXPECT_EQ(fence.status, Status::kSuccess);
  // TS.Recent, which nothing else reveals.
  EXPECT_TRUE(fence.learned.has_timestamps);
  EXPECT_EQ(fence.learned.tsecr, 0xa0000000);
}

TEST_F(FenceTest, WithoutSackTheFirstPureAckIsTheAnswer) {
  ASSERT_TRUE(Hold());
  MakeFence(false);
  worker->Execute(now, &fence);
  SegmentSpec older = KernelAck(false);
  older.ack = kRemoteSeq - 1;
  EXPECT_EQ(FromHost(KernelFrame(older)), Disposition::kForward);
  SegmentSpec data = KernelAck(false);
  data.payload = Text("data");
  EXPECT_EQ(FromHost(KernelFrame(data)), Disposition::kForward);
  EXPECT_FALSE(control.IsDone(fence));
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(false))), Disposition::kConsumed);
  EXPECT_EQ(fence.status, Status::kSuccess);
}

TEST_F(FenceTest, AnswerOnADataSegmentCountsAndPasses) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  SegmentSpec answer = KernelAck(true);
  answer.payload = Text("data");
  EXPECT_EQ(FromHost(KernelFrame(answer)), Disposition::kForward);
  EXPECT_TRUE(control.IsDone(fence));
}

TEST_F(FenceTest, TimesOutAndCanBeRepeated) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  Advance(Duration::Millis(11));
  ASSERT_TRUE(control.IsDone(fence));
  EXPECT_EQ(fence.status, Status::kFailure);
  control.completed.clear();
  worker->Execute(now, &fence);
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  EXPECT_EQ(fence.status, Status::kSuccess);
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kHeld);
}

// Reading a long queue takes longer than a hold may last otherwise; a frame let
// through before the host is restricted would find a frozen socket, or none.
TEST_F(FenceTest, AnsweredFenceLeavesTheHoldWithoutADeadline) {
  ASSERT_TRUE(Hold(Duration::Millis(100)));
  MakeFence(true);
  worker->Execute(now, &fence);
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  ASSERT_EQ(fence.status, Status::kSuccess);
  Advance(Duration::Seconds(10));
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kHeld);
  EXPECT_TRUE(control.notices.empty());
}

// With many hand-overs under way a fence may be repeated too late.
TEST_F(FenceTest, RenewsAHoldThatHasExpired) {
  ASSERT_TRUE(Hold(Duration::Millis(100)));
  Advance(Duration::Millis(101));
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kForward);
  MakeFence(true);
  fence.timeout = Duration::Millis(100);
  worker->Execute(now, &fence);
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kHeld);
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  EXPECT_EQ(fence.status, Status::kSuccess);
  Advance(Duration::Seconds(10));
  EXPECT_EQ(FromWire(PeerData(Text("y"), 1)), Disposition::kHeld);
}

TEST_F(FenceTest, HoldAndFenceInOneOperation) {
  hold.fence_frame = FenceFrame();
  hold.fence_timeout = Duration::Millis(5);
  EXPECT_FALSE(Hold());
  EXPECT_FALSE(control.IsDone(hold));
  EXPECT_FALSE(flow.IsNone());
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kHeld);
  EXPECT_EQ(FromHost(KernelFrame(KernelAck(true))), Disposition::kConsumed);
  EXPECT_TRUE(control.IsDone(hold));
  EXPECT_EQ(hold.status, Status::kSuccess);
}

TEST_F(FenceTest, HostPortWithoutRoomFailsTheFenceButNotTheHold) {
  frames.host_room = 0;
  hold.fence_frame = FenceFrame();
  hold.fence_timeout = Duration::Millis(5);
  EXPECT_FALSE(Hold());
  Advance(Duration::Millis(6));
  EXPECT_EQ(hold.status, Status::kFailure);
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kHeld);
}

// A burst fills the host port for a moment: attempts that failed at once would
// all fall into that moment.
TEST_F(FenceTest, UnsentFenceFailsAtItsTimeoutAndHasNoAnswer) {
  ASSERT_TRUE(Hold(Duration::Seconds(1)));
  for (const bool sack : {true, false}) {
    SCOPED_TRACE(sack);
    frames.host_room = 0;
    MakeFence(sack);
    worker->Execute(now, &fence);
    // Pure ACKs, and a reset, that the kernel has sent of itself.
    EXPECT_EQ(FromHost(KernelFrame(KernelAck(false))), Disposition::kForward);
    SegmentSpec reset;
    reset.seq = kLocalSeq;
    reset.flags = packet::kTcpRst;
    EXPECT_EQ(FromHost(KernelFrame(reset)), Disposition::kForward);
    Advance(Duration::Millis(9));
    EXPECT_FALSE(control.IsDone(fence));
    Advance(Duration::Millis(2));
    EXPECT_TRUE(control.IsDone(fence));
    EXPECT_EQ(fence.status, Status::kFailure);
    control.completed.clear();
  }
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kFencesUnsent), 2u);
}

TEST_F(FenceTest, FenceOfAnotherFlowIsRefused) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  fence.fence_frame = KernelFrame(KernelAck(false));
  EXPECT_FALSE(Run(&fence));
  fence.fence_frame = Bytes(10, 0);
  control.completed.clear();
  EXPECT_FALSE(Run(&fence));
  EXPECT_TRUE(frames.to_host.empty());
}

TEST_F(FenceTest, ReleaseEndsAFenceThatIsOut) {
  ASSERT_TRUE(Hold());
  MakeFence(true);
  worker->Execute(now, &fence);
  Operation release;
  release.kind = Operation::Kind::kRelease;
  release.flow = flow;
  EXPECT_TRUE(Run(&release));
  EXPECT_TRUE(control.IsDone(fence));
  EXPECT_EQ(fence.status, Status::kFailure);
}

TEST_F(FenceTest, LearnsThePathFromTheKernelsOwnFrames) {
  ASSERT_TRUE(Hold());
  MakeFence(false);
  worker->Execute(now, &fence);
  packet::HeaderTemplate headers = OurHeaders();
  headers.vlan_id = 42;
  headers.vlan_priority = 5;
  headers.ttl = 61;
  headers.tos = 0xb9;  // EF, ECT(1)
  packet::SegmentHeader header;
  header.seq = SeqNum(kLocalSeq);
  header.ack = SeqNum(kRemoteSeq);
  header.flags = packet::kTcpAck;
  header.options.has_timestamps = true;
  header.options.tsval = 111;
  header.options.tsecr = 222;
  Bytes answer(200);
  answer.resize(packet::BuildFrame(headers, header, 7, {}, answer));
  EXPECT_EQ(FromHost(answer), Disposition::kConsumed);
  const LearnedPath& learned = fence.learned;
  EXPECT_TRUE(learned.valid);
  EXPECT_EQ(learned.source_mac, headers.src_mac);
  EXPECT_EQ(learned.destination_mac, headers.dst_mac);
  EXPECT_EQ(learned.vlan_id, 42);
  EXPECT_EQ(learned.user_priority, 5);
  EXPECT_EQ(learned.ttl_or_hop_limit, 61);
  EXPECT_EQ(learned.tos_or_traffic_class, 0xb8);
  EXPECT_TRUE(learned.has_timestamps);
  EXPECT_EQ(learned.tsval, 111u);
  EXPECT_EQ(learned.tsecr, 222u);
}

TEST_F(FenceTest, RestrictedHostPassesOnlyOldPayload) {
  ASSERT_TRUE(Hold());
  Operation restrict;
  restrict.kind = Operation::Kind::kRestrictHost;
  restrict.flow = flow;
  restrict.snd_una = SeqNum(kLocalSeq);
  restrict.snd_nxt = SeqNum(kLocalSeq + 10);
  ASSERT_TRUE(Run(&restrict));
  const auto pass = [this](uint32_t seq, size_t bytes, packet::TcpFlags flags) {
    SegmentSpec spec;
    spec.seq = seq;
    spec.ack = kRemoteSeq;
    spec.flags = flags;
    spec.payload = Pattern(bytes);
    return FromHost(KernelFrame(spec)) == Disposition::kForward;
  };
  EXPECT_TRUE(pass(kLocalSeq, 10, packet::kTcpAck));
  EXPECT_TRUE(pass(kLocalSeq + 9, 1, packet::kTcpAck | packet::kTcpPsh));
  EXPECT_FALSE(pass(kLocalSeq - 1, 2, packet::kTcpAck));
  EXPECT_FALSE(pass(kLocalSeq + 9, 2, packet::kTcpAck));
  EXPECT_FALSE(pass(kLocalSeq + 10, 1, packet::kTcpAck));
  EXPECT_FALSE(pass(kLocalSeq, 0, packet::kTcpAck));
  EXPECT_FALSE(pass(kLocalSeq, 5, packet::kTcpRst | packet::kTcpAck));
  EXPECT_FALSE(pass(kLocalSeq, 5, packet::kTcpSyn));
  EXPECT_FALSE(pass(kLocalSeq + 5, 5, packet::kTcpAck | packet::kTcpFin));
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kHostDropped), 7u);
  Operation open;
  open.kind = Operation::Kind::kOpenHost;
  open.flow = flow;
  ASSERT_TRUE(Run(&open));
  EXPECT_TRUE(pass(kLocalSeq, 0, packet::kTcpRst));
}

TEST_F(FenceTest, NothingOfTheKernelPassesWhileTheFlowRuns) {
  ASSERT_TRUE(Offload());
  SegmentSpec spec;
  spec.seq = kLocalSeq;
  spec.payload = Text("stale");
  EXPECT_EQ(FromHost(KernelFrame(spec)), Disposition::kConsumed);
  spec.flags = packet::kTcpRst;
  EXPECT_EQ(FromHost(KernelFrame(spec)), Disposition::kConsumed);
}

}  // namespace
}  // namespace chimney::worker
