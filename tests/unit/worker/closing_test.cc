// SPDX-License-Identifier: BSD-3-Clause
// Connections that end, connections over IPv6, and several at once.
#include "worker/ended_flows.h"
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;
using offload::UploadReason;
using tcp::ConnectionState;

class ClosingTest : public WorkerTest {
 protected:
  Bytes PeerFin(uint32_t at, uint32_t acked) const {
    SegmentSpec spec;
    spec.seq = kRemoteSeq + at;
    spec.ack = kLocalSeq + acked;
    spec.flags = packet::kTcpAck | packet::kTcpFin;
    spec.options.has_timestamps = true;
    spec.options.tsval = kPeerTs;
    spec.options.tsecr = kTsNow;
    return PeerFrame(spec);
  }
  void OffloadToLastAck() {
    ASSERT_TRUE(Offload());
    FromWire(PeerFin(0, 0));
    Poll();
    Disconnect(1, false);
    Poll();
  }
  void OpenHost() {
    Operation open;
    open.kind = Operation::Kind::kOpenHost;
    open.flow = flow;
    ASSERT_TRUE(Run(&open));
  }
  // What a socket in LAST_ACK sends: the ACK of the peer's FIN, and its FIN.
  Bytes KernelEnd(bool fin) const {
    SegmentSpec spec;
    spec.seq = kLocalSeq;
    spec.ack = kRemoteSeq + 1;
    if (fin) spec.flags = packet::kTcpAck | packet::kTcpFin;
    return KernelFrame(spec);
  }
};

TEST_F(ClosingTest, R176TimeWaitIsAcknowledgedAndHandedBack) {
  ASSERT_TRUE(Offload());
  Disconnect(1, false);
  Poll();
  FromWire(PeerFin(0, 1));
  Poll();
  EXPECT_EQ(Parsed(frames.to_wire.back()).segment.ack.value(), kRemoteSeq + 1);
  ASSERT_EQ(control.notices.size(), 1u);
  EXPECT_EQ(control.notices[0].reason, UploadReason::kUploadRequested);
  ASSERT_EQ(Of(Notice::Kind::kDisconnectComplete).size(), 1u);
  EXPECT_EQ(Of(Notice::Kind::kDisconnectComplete)[0].status, Status::kSuccess);
  EXPECT_EQ(Of(Notice::Kind::kDisconnectEvent).size(), 1u);
  EXPECT_EQ(Of(Notice::Kind::kRetrieveEvent).size(), 1u);
  // The peer's FIN again: the kernel is going to answer it.
  const Bytes again = PeerFin(0, 1);
  EXPECT_EQ(FromWire(again), Disposition::kHeld);
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.snapshot.tcp.delegated.state, ConnectionState::kTimeWait);
  ASSERT_TRUE(Finish());
  EXPECT_EQ(frames.to_host.back(), again);
}

// The peer may be in TIME_WAIT: each repetition would be answered.
TEST_F(ClosingTest, SocketThatGetsLastAckBackDoesNotRepeatTheEnd) {
  OffloadToLastAck();
  ASSERT_TRUE(Terminate());
  ASSERT_EQ(terminate.snapshot.tcp.delegated.state, ConnectionState::kLastAck);
  OpenHost();
  finish.kind = Operation::Kind::kFinishUpload;
  finish.flow = flow;
  finish.timeout = Duration::Millis(5);
  EXPECT_FALSE(Run(&finish)) << "what it says is still to come";
  EXPECT_EQ(FromHost(KernelEnd(false)), Disposition::kConsumed);
  Poll();
  EXPECT_EQ(worker->flow_count(), 1u);
  EXPECT_EQ(FromHost(KernelEnd(true)), Disposition::kConsumed);
  Poll();
  EXPECT_EQ(worker->flow_count(), 0u);
  EXPECT_EQ(FromHost(KernelEnd(true)), Disposition::kForward)
      << "now it is the socket's timer that repeats it";
}

TEST_F(ClosingTest, SocketThatSaysNothingIsNotWaitedForLong) {
  OffloadToLastAck();
  ASSERT_TRUE(Terminate());
  finish.kind = Operation::Kind::kFinishUpload;
  finish.flow = flow;
  finish.timeout = Duration::Millis(5);
  EXPECT_FALSE(Run(&finish));
  Advance(Duration::Millis(6));
  EXPECT_EQ(worker->flow_count(), 0u);
}

// A second answer of the peer, to a FIN that was sent twice, finds no socket:
// the kernel resets a peer that only waits for the end of TIME_WAIT.
TEST_F(ClosingTest, LateAnswersToTheEndAreNoReasonForAReset) {
  OffloadToLastAck();
  FromWire(PeerAck(1, 1));
  Poll();
  ASSERT_TRUE(Terminate());
  OpenHost();
  ASSERT_TRUE(Finish());
  EXPECT_EQ(FromWire(PeerAck(1, 1)), Disposition::kForward);
  SegmentSpec reset;
  reset.flags = packet::kTcpRst;
  reset.seq = kLocalSeq + 1;  // what the answer acknowledges (RFC 9293 3.5.2)
  EXPECT_EQ(FromHost(KernelFrame(reset)), Disposition::kConsumed);
  EXPECT_EQ(FromHost(KernelFrame(reset)), Disposition::kConsumed);
  SegmentSpec other = reset;
  other.seq = kLocalSeq + 2;
  EXPECT_EQ(FromHost(KernelFrame(other)), Disposition::kForward);
  other = reset;
  other.flags = packet::kTcpRst | packet::kTcpAck;
  EXPECT_EQ(FromHost(KernelFrame(other)), Disposition::kForward);
  Advance(EndedFlows::kLifetime);
  EXPECT_EQ(FromHost(KernelFrame(reset)), Disposition::kForward);
}

// The socket gets LAST_ACK, and the peer's answer to its FIN closes it.
TEST_F(ClosingTest, SocketOfAClosedConnectionRepeatsItsFinOnly) {
  OffloadToLastAck();
  FromWire(PeerAck(1, 1));
  Poll();
  ASSERT_TRUE(Terminate());
  ASSERT_TRUE(terminate.closed_by_fins);
  OpenHost();
  EXPECT_EQ(FromHost(KernelEnd(false)), Disposition::kConsumed);
  EXPECT_EQ(FromHost(KernelEnd(true)), Disposition::kForward);
  ASSERT_TRUE(Finish());
}

TEST_F(ClosingTest, LastAckEndsInClosedAndTheControlCoreIsTold) {
  ASSERT_TRUE(Offload());
  FromWire(PeerFin(0, 0));
  Poll();
  Disconnect(1, false);
  Poll();
  FromWire(PeerAck(1, 1));
  Poll();
  EXPECT_EQ(Of(Notice::Kind::kDisconnectComplete).at(0).status,
            Status::kSuccess);
  ASSERT_EQ(control.notices.size(), 1u);
  EXPECT_TRUE(Of(Notice::Kind::kRetrieveEvent).empty());
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.snapshot.tcp.delegated.state, ConnectionState::kClosed);
  EXPECT_TRUE(terminate.closed_by_fins);
}

TEST_F(ClosingTest, ResetConnectionIsNotClosedByFins) {
  ASSERT_TRUE(Offload());
  SegmentSpec reset;
  reset.seq = kRemoteSeq;
  reset.ack = kLocalSeq;
  reset.flags = packet::kTcpRst | packet::kTcpAck;
  FromWire(PeerFrame(reset));
  Poll();
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.snapshot.tcp.delegated.state, ConnectionState::kClosed);
  EXPECT_FALSE(terminate.closed_by_fins);
}

// A FIN that the kernel sent before the offload is waited for.
TEST_F(ClosingTest, DisconnectOfAConnectionOffloadedInFinWait1) {
  ASSERT_TRUE(Hold());
  initiate = *NewInitiate();
  initiate.snapshot.tcp.delegated.state = ConnectionState::kFinWait1;
  initiate.snapshot.tcp.delegated.snd_nxt = SeqNum(kLocalSeq + 1);
  initiate.snapshot.tcp.delegated.snd_max = SeqNum(kLocalSeq + 1);
  ASSERT_TRUE(Initiate(&initiate));
  Poll();
  EXPECT_EQ(Disconnect(1, false), RequestVerdict::kAccepted);
  Bytes data = Pattern(5);
  EXPECT_EQ(Send(2, data), RequestVerdict::kAccepted);
  EXPECT_EQ(session.notices.back().status, Status::kInvalidState);
  FromWire(PeerAck(1));
  Poll();
  EXPECT_EQ(session.notices.back().kind, Notice::Kind::kDisconnectComplete);
  EXPECT_EQ(session.notices.back().status, Status::kSuccess);
}

TEST_F(ClosingTest, ConnectionOffloadedInCloseWaitTellsOfTheFin) {
  ASSERT_TRUE(Hold());
  initiate = *NewInitiate();
  initiate.snapshot.tcp.delegated.state = ConnectionState::kCloseWait;
  initiate.snapshot.tcp.delegated.rcv_nxt = SeqNum(kRemoteSeq + 4);
  initiate.receive_bytes = Text("eof");
  ASSERT_TRUE(Initiate(&initiate));
  Poll();
  EXPECT_TRUE(Of(Notice::Kind::kDisconnectEvent).empty());  // R45, R174
  Bytes buffer(10);
  Post(1, &buffer);
  Poll();
  EXPECT_EQ(Of(Notice::Kind::kReceiveComplete).at(0).bytes, 3u);
  EXPECT_EQ(Of(Notice::Kind::kDisconnectEvent).size(), 1u);
}

class Ipv6Test : public WorkerTest {
 protected:
  FlowTuple Tuple() const override {
    std::array<uint8_t, 16> local{0xfd, 0x77}, remote{0xfd, 0x77};
    local[15] = 1;
    remote[15] = 2;
    return FlowTuple{IpAddress::FromV6Bytes(local),
                     IpAddress::FromV6Bytes(remote), 5000, 80};
  }
};

TEST_F(Ipv6Test, OffloadEchoUpload) {
  ASSERT_TRUE(Hold());
  FromWire(PeerData(Text("parked ")));
  initiate = *NewInitiate();
  initiate.snapshot.tcp.cached.flow_label = 0xabcde;
  ASSERT_TRUE(Initiate(&initiate));
  FromWire(PeerData(Text("and live"), 7));
  Poll();
  Bytes data = Pattern(3000);
  Send(1, data);
  Poll();
  EXPECT_EQ(WirePayload(), data);
  const packet::FrameView view = Parsed(frames.to_wire.back());
  EXPECT_EQ(view.family, IpFamily::kIpv6);
  EXPECT_EQ(view.flow_label, 0xabcdeu);
  FromWire(PeerData(Pattern(10, 100), 100, 3000));
  ASSERT_TRUE(Terminate());
  EXPECT_EQ(terminate.unreturned_receive_bytes, 15u);
  ASSERT_TRUE(Finish());
  ASSERT_EQ(frames.to_host.size(), 1u);  // the out-of-order piece
  EXPECT_EQ(Parsed(frames.to_host[0]).segment.seq.value(), kRemoteSeq + 100);
  for (const Notice& notice : Of(Notice::Kind::kReceiveIndication)) {
    EXPECT_EQ(Return(notice, notice.bytes), RequestVerdict::kAccepted);
  }
}

TEST_F(Ipv6Test, R154ExtensionHeaderGoesToTheHost) {
  ASSERT_TRUE(Offload());
  Bytes frame = PeerData(Text("ext"));
  constexpr size_t kIp = packet::kEthernetHeaderBytes;
  const uint8_t options[8] = {6, 0, 1, 4, 0, 0, 0, 0};  // hop-by-hop, PadN
  frame.insert(frame.begin() + kIp + 40, options, options + 8);
  frame[kIp + 6] = 0;
  frame[kIp + 5] = static_cast<uint8_t>(frame[kIp + 5] + 8);
  EXPECT_EQ(FromWire(frame), Disposition::kHeld);
  Poll();
  EXPECT_EQ(control.notices.size(), 1u);
  ASSERT_TRUE(Upload());
  EXPECT_EQ(frames.to_host.at(0), frame);
}

// Two connections of two sessions: one session sleeps, the other works.
TEST_F(ClosingTest, SleepingSessionDoesNotHoldUpAnother) {
  ASSERT_TRUE(Offload());
  Poll();
  const FlowHandle mine = flow;
  FakeSessionPort sleeper(2048, 64);
  Operation open;
  open.kind = Operation::Kind::kOpenSession;
  open.session_id = 2;
  open.session_port = &sleeper;
  ASSERT_TRUE(Run(&open));
  Operation other_hold;
  other_hold.kind = Operation::Kind::kHold;
  other_hold.tuple = Tuple();
  other_hold.tuple.local_port = 5001;
  ASSERT_TRUE(Run(&other_hold));
  auto other = NewInitiate();
  other->snapshot.tcp.constant.local_port = 5001;
  other->session_id = 2;
  other->published = nullptr;
  other->flow = other_hold.flow;
  ASSERT_TRUE(Run(other.get()));
  sleeper.room = 0;
  Poll();
  Bytes data = Pattern(500);
  flow = mine;
  EXPECT_EQ(Send(1, data), RequestVerdict::kAccepted);
  Poll();
  FromWire(PeerAck(500));
  Poll();
  EXPECT_EQ(Of(Notice::Kind::kSendComplete).size(), 1u);
  EXPECT_TRUE(sleeper.notices.empty());
  Operation cut, done, shut;
  cut.kind = Operation::Kind::kTerminate;
  done.kind = Operation::Kind::kFinishUpload;
  cut.flow = done.flow = other_hold.flow;
  ASSERT_TRUE(Run(&cut));
  ASSERT_TRUE(Run(&done));
  EXPECT_TRUE(sleeper.notices.empty());
  // Its notices are dropped with it.
  shut.kind = Operation::Kind::kCloseSession;
  shut.session_id = 2;
  worker->Execute(now, &shut);
  Poll();
  EXPECT_TRUE(control.IsDone(shut));
  EXPECT_EQ(sleeper.chunks()->in_use(), 0u);
}

}  // namespace
}  // namespace chimney::worker
