// SPDX-License-Identifier: BSD-3-Clause
// Taking over a connection (R31-R54).
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

class InitiateTest : public WorkerTest {
 protected:
  // A hold, then an initiate that must fail as told; the flow is held still.
  void ExpectRefused(std::unique_ptr<Operation> operation, Status status) {
    EXPECT_FALSE(Initiate(operation.get()));
    EXPECT_EQ(operation->status, status) << offload::StatusText(status);
    EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kHeld);
    EXPECT_EQ(session.chunks()->in_use(), 0u);
    EXPECT_EQ(worker->TakeCensus().send_records, 0u);
    EXPECT_EQ(worker->TakeCensus().fragments, 0u);
    control.completed.clear();
  }
};

TEST_F(InitiateTest, FeedsWhatWasParked) {
  ASSERT_TRUE(Hold());
  FromWire(PeerData(Text("abc")));
  FromWire(PeerData(Text("def"), 3));
  initiate = *NewInitiate();
  ASSERT_TRUE(Initiate(&initiate));
  EXPECT_TRUE(frames.to_host.empty());
  EXPECT_EQ(frames.held(), 0u);
  Poll();
  ASSERT_EQ(Of(Notice::Kind::kReceiveIndication).size(), 1u);
  EXPECT_EQ(session.Lent(Of(Notice::Kind::kReceiveIndication)[0]),
            Text("abcdef"));
  ASSERT_FALSE(frames.to_wire.empty());
  EXPECT_EQ(Parsed(frames.to_wire.back()).segment.ack.value(), kRemoteSeq + 6);
}

// Read by TCP_REPAIR, a socket may call sent what never left (design D3): such
// bytes go out as new data, and what the kernel sends late goes no further.
TEST_F(InitiateTest, SendsWhatTheKernelOnlySaidToHaveSent) {
  ASSERT_TRUE(Hold());
  SegmentSpec really;
  really.seq = kLocalSeq;
  really.ack = kRemoteSeq;
  really.payload = Pattern(100);
  ASSERT_EQ(FromHost(KernelFrame(really)), Disposition::kForward);
  initiate = *NewInitiate();
  initiate.send_bytes = Pattern(300);
  tcp::TcpDelegatedState& state = initiate.snapshot.tcp.delegated;
  state.snd_max = state.snd_nxt = SeqNum(kLocalSeq + 300);
  const size_t before = frames.to_wire.size();
  ASSERT_TRUE(Initiate(&initiate));
  Poll();
  EXPECT_EQ(WirePayload(before), Pattern(200, 100));
  SegmentSpec late = really;
  late.seq = kLocalSeq + 100;
  EXPECT_EQ(FromHost(KernelFrame(late)), Disposition::kConsumed);
  FromWire(PeerAck(300));
}

TEST_F(InitiateTest, R41NothingIsIndicatedBeforeTheCompletion) {
  ASSERT_TRUE(Hold());
  FromWire(PeerData(Text("abc")));
  initiate = *NewInitiate();
  initiate.started_at = now - Duration::Micros(55);
  ASSERT_TRUE(Initiate(&initiate));
  EXPECT_TRUE(session.notices.empty());
  Poll();
  ASSERT_GE(session.notices.size(), 2u);
  const Notice& first = session.notices[0];
  EXPECT_EQ(first.kind, Notice::Kind::kOffloaded);
  EXPECT_EQ(first.flow, flow);
  EXPECT_EQ(first.cookie, kCookie);
  EXPECT_EQ(first.elapsed_ns, 55000u);
  EXPECT_GE(session.rings, 1);
}

TEST_F(InitiateTest, R44R45ReceivedDataWaitsForTheFirstReceive) {
  ASSERT_TRUE(Hold());
  initiate = *NewInitiate();
  initiate.receive_bytes = Pattern(1000);
  ASSERT_TRUE(Initiate(&initiate));
  initiate.receive_bytes.assign(1000, 0xee);  // poisoned: it was copied
  FromWire(PeerData(Pattern(1000, 1000)));
  Poll();
  EXPECT_TRUE(Of(Notice::Kind::kReceiveIndication).empty());
  Bytes buffer(600);
  EXPECT_EQ(Post(1, &buffer), RequestVerdict::kAccepted);
  Poll();
  ASSERT_EQ(Of(Notice::Kind::kReceiveComplete).size(), 1u);
  EXPECT_EQ(buffer, Pattern(600));
  Bytes rest;
  for (const Notice& notice : Of(Notice::Kind::kReceiveIndication)) {
    const Bytes lent = session.Lent(notice);
    rest.insert(rest.end(), lent.begin(), lent.end());
    EXPECT_EQ(Return(notice, notice.bytes), RequestVerdict::kAccepted);
  }
  EXPECT_EQ(rest, Pattern(1400, 600));
}

TEST_F(InitiateTest, R141ZeroByteReceiveStartsIndications) {
  ASSERT_TRUE(Hold());
  initiate = *NewInitiate();
  initiate.receive_bytes = Text("early");
  ASSERT_TRUE(Initiate(&initiate));
  Bytes none;
  EXPECT_EQ(Post(1, &none), RequestVerdict::kAccepted);
  Poll();
  ASSERT_EQ(session.notices.size(), 3u);
  EXPECT_EQ(session.notices[1].kind, Notice::Kind::kReceiveComplete);
  EXPECT_EQ(session.notices[1].bytes, 0u);
  EXPECT_EQ(session.notices[2].kind, Notice::Kind::kReceiveIndication);
}

// The documented example: SND.NXT 1000 and SND.MAX 1600 bytes into 2000.
TEST_F(InitiateTest, R46ResendsFromSndNxtThenSendsTheRest) {
  ASSERT_TRUE(Hold());
  initiate = *NewInitiate();
  initiate.send_bytes = Pattern(2000);
  tcp::TcpDelegatedState& state = initiate.snapshot.tcp.delegated;
  state.snd_nxt = SeqNum(kLocalSeq + 1000);
  state.snd_max = SeqNum(kLocalSeq + 1600);
  ASSERT_TRUE(Initiate(&initiate));
  initiate.send_bytes.assign(2000, 0xee);
  Poll();
  ASSERT_FALSE(frames.to_wire.empty());
  EXPECT_EQ(Parsed(frames.to_wire[0]).segment.seq.value(), kLocalSeq + 1000);
  EXPECT_EQ(WirePayload(), Pattern(1000, 1000));
  // Imported bytes complete silently.
  FromWire(PeerAck(2000));
  Poll();
  // R48: what came with the offload completes as a whole.
  const auto completions = Of(Notice::Kind::kSendComplete);
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].id, kImportedSendId);
  EXPECT_EQ(completions[0].status, Status::kSuccess);
  EXPECT_EQ(worker->TakeCensus().send_records, 0u);
  EXPECT_EQ(session.chunks()->in_use(), 0u);
}

TEST_F(InitiateTest, PublishesBeforeASegmentLeaves) {
  bool checked = false;
  frames.on_transmit = [&](Side side) {
    if (side != Side::kWire) return;
    checked = true;
    const PublishedView view = published.Read();
    EXPECT_EQ(view.connection_id, flow.Packed());
    EXPECT_EQ(view.rcv_nxt, kRemoteSeq + 5);
    EXPECT_EQ(view.snd_max, kLocalSeq + 4);
  };
  Bytes data = Text("pong");
  ASSERT_TRUE(Offload());
  FromWire(PeerData(Text("ping!")));
  ASSERT_EQ(Send(1, data), RequestVerdict::kAccepted);
  Poll();
  EXPECT_TRUE(checked);
  frames.on_transmit = nullptr;
}

TEST_F(InitiateTest, R37SpecificCodes) {
  ASSERT_TRUE(Hold());
  auto operation = NewInitiate();
  operation->snapshot.path.path_mtu_bytes = 70000;
  ExpectRefused(std::move(operation), Status::kPathMtu);
  operation = NewInitiate();
  operation->snapshot.path.path_mtu_bytes = 40;
  ExpectRefused(std::move(operation), Status::kPathMtu);
  operation = NewInitiate();
  operation->snapshot.tcp.delegated.rcv_wnd = 64 * 2048 + 1;
  ExpectRefused(std::move(operation), Status::kTcpRcvWindow);
  operation = NewInitiate();
  operation->send_bytes = Pattern(65 * 2048);
  ExpectRefused(std::move(operation), Status::kTcpXmitBuffer);
  operation = NewInitiate();
  operation->receive_bytes = Pattern(65 * 2048);
  ExpectRefused(std::move(operation), Status::kTcpRcvBuffer);
  operation = NewInitiate();
  operation->snapshot.neighbor.vlan_id = 4095;
  ExpectRefused(std::move(operation), Status::kVlanMismatch);
  operation = NewInitiate();
  operation->session_id = 12345;
  ExpectRefused(std::move(operation), Status::kFailure);
  operation = NewInitiate();
  operation->snapshot.tcp.constant.remote_port = 81;
  ExpectRefused(std::move(operation), Status::kFailure);
}

TEST_F(InitiateTest, R43StatesThatCannotRunAreRefused) {
  ASSERT_TRUE(Hold());
  for (auto state :
       {tcp::ConnectionState::kClosed, tcp::ConnectionState::kListen,
        tcp::ConnectionState::kSynSent, tcp::ConnectionState::kSynReceived,
        tcp::ConnectionState::kTimeWait}) {
    auto operation = NewInitiate();
    operation->snapshot.tcp.delegated.state = state;
    operation->send_bytes = Text("unsent");
    operation->receive_bytes = Text("unread");
    ExpectRefused(std::move(operation), Status::kFailure);
    Bytes buffer(10);
    EXPECT_EQ(Post(12, &buffer), RequestVerdict::kUnknownFlow);
  }
}

TEST_F(InitiateTest, R36FailedOffloadSendsNothing) {
  ASSERT_TRUE(Hold());
  auto operation = NewInitiate();
  operation->send_bytes = Text("queued");
  operation->snapshot.path.path_mtu_bytes = 1;
  ExpectRefused(std::move(operation), Status::kPathMtu);
  Poll();
  EXPECT_TRUE(frames.to_wire.empty());
  EXPECT_TRUE(session.notices.empty());
}

TEST_F(InitiateTest, R117R118EveryDatagramHasAHighIdAndDf) {
  ASSERT_TRUE(Offload());
  std::vector<Bytes> sends;
  for (size_t i = 0; i < 5; ++i) sends.push_back(Pattern(1000, i * 1000));
  for (size_t i = 0; i < 5; ++i) Send(i, sends[i]);
  Poll();
  ASSERT_GE(frames.to_wire.size(), 4u);
  for (const Bytes& bytes : frames.to_wire) {
    const packet::FrameView view = Parsed(bytes);
    EXPECT_GE(view.ip_id, 0x8000);
    EXPECT_EQ(bytes[view.ip_offset + 6] & 0x40, 0x40);
    EXPECT_EQ(view.ethernet.src, OurHeaders().src_mac);
    EXPECT_EQ(view.ethernet.dst, OurHeaders().dst_mac);
  }
}

TEST_F(InitiateTest, R121TaggingTable) {
  struct Row {
    uint16_t vlan_id;
    uint8_t priority;
    uint8_t tags;
  };
  for (const Row& row :
       {Row{0, 0, 0}, Row{0, 3, 1}, Row{7, 0, 1}, Row{7, 6, 1}}) {
    ASSERT_TRUE(Hold());
    initiate = *NewInitiate();
    initiate.snapshot.neighbor.vlan_id = row.vlan_id;
    initiate.snapshot.tcp.cached.user_priority = row.priority;
    ASSERT_TRUE(Initiate(&initiate));
    Bytes data = Text("tagged");
    Send(1, data);
    Poll();
    const packet::FrameView view = Parsed(frames.to_wire.back());
    EXPECT_EQ(view.ethernet.vlan_count, row.tags);
    EXPECT_EQ(view.ethernet.vlan_id(), row.vlan_id);
    EXPECT_EQ(view.ethernet.vlan_priority(), row.priority);
    if (row.tags != 0) {
      EXPECT_EQ(view.ethernet.vlan_tci[0] & 0x1000, 0);  // CFI
    }
    ASSERT_TRUE(Upload());
    control.completed.clear();
  }
}

}  // namespace
}  // namespace chimney::worker
