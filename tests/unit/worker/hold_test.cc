// SPDX-License-Identifier: BSD-3-Clause
// Holds: what is parked, in which order it comes back, and how a hold ends
// (design D2).
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

class HoldTest : public WorkerTest {};

TEST_F(HoldTest, WithoutFlowsEverythingIsForwarded) {
  EXPECT_EQ(FromWire(PeerData(Text("hello"))), Disposition::kForward);
  EXPECT_EQ(FromHost(KernelFrame({})), Disposition::kForward);
  EXPECT_EQ(FromWire(Bytes(3, 0xff)), Disposition::kForward);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kWireFramesForwarded), 2u);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kHostFramesForwarded), 1u);
}

TEST_F(HoldTest, HeldFlowParksItsFramesAndReleasesThemInOrder) {
  ASSERT_TRUE(Hold());
  const Bytes first = PeerData(Text("one"));
  const Bytes second = PeerData(Text("two"), 3);
  EXPECT_EQ(FromWire(first), Disposition::kHeld);
  EXPECT_EQ(FromWire(second), Disposition::kHeld);
  EXPECT_TRUE(frames.to_host.empty());
  Operation release;
  release.kind = Operation::Kind::kRelease;
  release.flow = flow;
  ASSERT_TRUE(Run(&release));
  ASSERT_EQ(frames.to_host.size(), 2u);
  EXPECT_EQ(frames.to_host[0], first);
  EXPECT_EQ(frames.to_host[1], second);
  EXPECT_EQ(worker->flow_count(), 0u);
  EXPECT_EQ(FromWire(first), Disposition::kForward);
}

TEST_F(HoldTest, HoldLeavesOtherConnectionsAlone) {
  ASSERT_TRUE(Hold());
  SegmentSpec spec;
  packet::HeaderTemplate headers = OurHeaders();
  headers.tuple = headers.tuple.Reversed();
  headers.tuple.local_port = 81;
  packet::SegmentHeader header;
  header.flags = packet::kTcpAck;
  Bytes other(200);
  other.resize(packet::BuildFrame(headers, header, 7, {}, other));
  EXPECT_EQ(FromWire(other), Disposition::kForward);
  EXPECT_EQ(FromHost(KernelFrame(spec)), Disposition::kForward);
}

TEST_F(HoldTest, SecondHoldOfATupleIsRejected) {
  ASSERT_TRUE(Hold());
  Operation again;
  again.kind = Operation::Kind::kHold;
  again.tuple = Tuple();
  EXPECT_FALSE(Run(&again));
  EXPECT_EQ(again.status, Status::kConnectionRejected);
  EXPECT_TRUE(again.flow.IsNone());
}

TEST_F(HoldTest, HoldsBeyondTheTableAreRefusedAsTcpEntries) {
  ASSERT_TRUE(Hold());
  std::vector<std::unique_ptr<Operation>> others;
  for (uint16_t i = 1; i <= 8; ++i) {
    auto other = std::make_unique<Operation>();
    other->kind = Operation::Kind::kHold;
    other->tuple = Tuple();
    other->tuple.local_port = static_cast<uint16_t>(6000 + i);
    const bool held = Run(other.get());
    EXPECT_EQ(held, i < 8) << i;
    others.push_back(std::move(other));
  }
  EXPECT_EQ(others.back()->status, Status::kTcpEntries);  // R37
  for (size_t i = 0; i + 1 < others.size(); ++i) {
    Operation release;
    release.kind = Operation::Kind::kRelease;
    release.flow = others[i]->flow;
    EXPECT_TRUE(Run(&release));
    control.completed.clear();
  }
}

TEST_F(HoldTest, HoldPastItsDeadlineIsUndoneAndTold) {
  ASSERT_TRUE(Hold(Duration::Millis(100)));
  const Bytes parked = PeerData(Text("parked"));
  EXPECT_EQ(FromWire(parked), Disposition::kHeld);
  EXPECT_LE(worker->NextDeadline(), now + Duration::Millis(101));
  Advance(Duration::Millis(99));
  EXPECT_TRUE(frames.to_host.empty());
  Advance(Duration::Millis(2));
  ASSERT_EQ(frames.to_host.size(), 1u);
  EXPECT_EQ(frames.to_host[0], parked);
  ASSERT_EQ(control.notices.size(), 1u);
  EXPECT_EQ(control.notices[0].kind, ControlNotice::Kind::kHoldExpired);
  EXPECT_EQ(control.notices[0].flow, flow);
  EXPECT_EQ(FromWire(parked), Disposition::kForward);
}

TEST_F(HoldTest, ExpiredHoldCanStillBeInitiated) {
  ASSERT_TRUE(Hold(Duration::Millis(10)));
  Advance(Duration::Millis(20));
  initiate = *NewInitiate();
  ASSERT_TRUE(Initiate(&initiate));
  EXPECT_EQ(FromWire(PeerData(Text("late"))), Disposition::kConsumed);
}

// The socket is frozen: it would drop what a deadline lets through.
TEST_F(HoldTest, HoldOfAFrozenSocketHasNoDeadline) {
  ASSERT_TRUE(Hold(Duration::Millis(10)));
  Advance(Duration::Millis(20));  // too late once
  EXPECT_EQ(FromWire(PeerData(Text("a"))), Disposition::kForward);
  Operation restrict;
  restrict.kind = Operation::Kind::kRestrictHost;
  restrict.flow = flow;
  ASSERT_TRUE(Run(&restrict));
  EXPECT_EQ(FromWire(PeerData(Text("b"))), Disposition::kHeld);
  Advance(Duration::Seconds(10));
  EXPECT_EQ(FromWire(PeerData(Text("c"), 1)), Disposition::kHeld);
  initiate = *NewInitiate();
  ASSERT_TRUE(Initiate(&initiate));
}

TEST_F(HoldTest, HeldFlowWithItsWireOpenParksNothing) {
  ASSERT_TRUE(Hold());
  const Bytes parked = PeerData(Text("a"));
  FromWire(parked);
  Operation open;
  open.kind = Operation::Kind::kOpenWire;
  open.flow = flow;
  ASSERT_TRUE(Run(&open));
  ASSERT_EQ(frames.to_host.size(), 1u);
  EXPECT_EQ(frames.to_host[0], parked);
  EXPECT_EQ(FromWire(PeerData(Text("b"), 1)), Disposition::kForward);
  Advance(Duration::Seconds(10));
  EXPECT_TRUE(control.notices.empty()) << "there is no hold left to expire";
  Operation release;
  release.kind = Operation::Kind::kRelease;
  release.flow = flow;
  EXPECT_TRUE(Run(&release));
  EXPECT_EQ(frames.to_host.size(), 2u);
}

TEST_F(HoldTest, ParkedFramesAreBoundedPerFlow) {
  ASSERT_TRUE(Hold());
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(FromWire(PeerData(Text("x"), i)), Disposition::kHeld);
  }
  EXPECT_EQ(FromWire(PeerData(Text("x"), 8)), Disposition::kConsumed);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kParkOverflow), 1u);
}

class ParkShareTest : public HoldTest {
 protected:
  WorkerConfig Config() const override {
    WorkerConfig config = HoldTest::Config();
    config.max_parked_per_flow = config.max_parked_frames = 8;
    return config;
  }
  Operation HoldOf(uint16_t remote_port) {
    Operation operation;
    operation.kind = Operation::Kind::kHold;
    operation.tuple = Tuple();
    operation.tuple.remote_port = remote_port;
    EXPECT_TRUE(Run(&operation));
    control.completed.clear();
    return operation;
  }
  Disposition FloodFrom(uint16_t remote_port, uint32_t frames_sent) {
    packet::HeaderTemplate headers = OurHeaders();
    headers.tuple = headers.tuple.Reversed();
    headers.tuple.local_port = remote_port;
    packet::SegmentHeader header;
    header.flags = packet::kTcpAck;
    Bytes frame(200);
    frame.resize(packet::BuildFrame(headers, header, 7, {}, frame));
    Disposition last = Disposition::kForward;
    for (uint32_t i = 0; i < frames_sent; ++i) last = FromWire(frame);
    return last;
  }
  void Release(const Operation& held) {
    Operation release;
    release.kind = Operation::Kind::kRelease;
    release.flow = held.flow;
    EXPECT_TRUE(Run(&release));
    control.completed.clear();
  }
};

// A peer that floods one connection costs the others no segment.
TEST_F(ParkShareTest, OneFlowLeavesPlacesToTheOthers) {
  const Operation flooded = HoldOf(81);
  const Operation other = HoldOf(82);
  EXPECT_EQ(FloodFrom(81, 100), Disposition::kConsumed);
  EXPECT_EQ(worker->TakeCensus().parked_frames, 4u);
  EXPECT_EQ(FloodFrom(82, 1), Disposition::kHeld);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kParkPoolEmpty), 96u);
  Release(flooded);
  Release(other);
}

class ParkReserveTest : public ParkShareTest {
 protected:
  WorkerConfig Config() const override {
    WorkerConfig config = ParkShareTest::Config();
    config.max_flows = 32;
    config.max_parked_per_flow = config.max_parked_frames = 1024;
    return config;
  }
};

// Each leaves half of what is left: so many would leave nothing.
TEST_F(ParkReserveTest, ManyFloodedFlowsLeaveEachOtherOneItsPlace) {
  std::vector<Operation> held;
  for (uint16_t port = 81; port < 101; ++port) {
    held.push_back(HoldOf(port));
    FloodFrom(port, 1024);
  }
  EXPECT_LT(worker->TakeCensus().parked_frames, 1024u - 100);
  held.push_back(HoldOf(101));
  EXPECT_EQ(FloodFrom(101, 1), Disposition::kHeld);
  for (const Operation& operation : held) Release(operation);
}

TEST_F(HoldTest, OperationsOnUnknownFlowsFail) {
  for (auto kind :
       {Operation::Kind::kFence, Operation::Kind::kRestrictHost,
        Operation::Kind::kOpenHost, Operation::Kind::kRelease,
        Operation::Kind::kInitiate, Operation::Kind::kTerminate,
        Operation::Kind::kFinishUpload, Operation::Kind::kCancelUpload,
        Operation::Kind::kQuery, Operation::Kind::kUpdatePath,
        Operation::Kind::kUpdateCached, Operation::Kind::kUpdateNeighbor,
        Operation::Kind::kDisconnect, Operation::Kind::kInjectHost}) {
    Operation operation;
    operation.kind = kind;
    operation.flow = FlowHandle{3, 9};
    EXPECT_FALSE(Run(&operation));
    EXPECT_EQ(operation.status, Status::kFailure);
    control.completed.clear();
  }
}

TEST_F(HoldTest, OperationsOfAnotherPhaseFail) {
  ASSERT_TRUE(Hold());
  for (auto kind :
       {Operation::Kind::kTerminate, Operation::Kind::kQuery,
        Operation::Kind::kFinishUpload, Operation::Kind::kCancelUpload,
        Operation::Kind::kUpdatePath, Operation::Kind::kDisconnect}) {
    Operation operation;
    operation.kind = kind;
    operation.flow = flow;
    EXPECT_FALSE(Run(&operation));
    control.completed.clear();
  }
}

TEST_F(HoldTest, WorkerThatIsDestroyedGivesItsParkedFramesBack) {
  ASSERT_TRUE(Hold());
  EXPECT_EQ(FromWire(PeerData(Text("x"))), Disposition::kHeld);
  worker.reset();
  EXPECT_EQ(frames.held(), 0u);
  control.completed.clear();
  SetUp();
}

}  // namespace
}  // namespace chimney::worker
