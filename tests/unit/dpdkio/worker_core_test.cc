// SPDX-License-Identifier: BSD-3-Clause
// The poll loop, turn by turn, between two ports whose other ends are here.
#include "daemon/worker_core.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "packet/frame_builder.h"
#include "tests/unit/dpdkio/ring_ports.h"

namespace chimney::daemon {
namespace {

using dpdkio::RingPort;
using worker::Operation;
using Bytes = std::vector<uint8_t>;

constexpr Instant kStart = Instant::FromNanos(1'000'000'000);

class WorkerCoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    pool_ = dpdkio::CreateMempool({"worker_core", 2047, 2176}, &error);
    ASSERT_NE(pool_, nullptr) << error;
    wire_ = std::make_unique<RingPort>("wc_wire", 512, pool_.get());
    host_ = std::make_unique<RingPort>("wc_host", 512, pool_.get());
    WorkerCoreOptions options;
    options.frames.wire.receive.port = wire_->id();
    options.frames.wire.transmit.port = wire_->id();
    options.frames.wire.pool = pool_.get();
    options.frames.host.receive.port = host_->id();
    options.frames.host.transmit.port = host_->id();
    options.frames.host.pool = pool_.get();
    options.worker.max_flows = 16;
    options.worker.max_sessions = 4;
    options.worker.max_send_records = 64;
    options.worker.max_fragments = 64;
    options.worker.max_posted_receives = 64;
    options.worker.max_lent_pieces = 64;
    options.worker.max_parked_frames = 64;
    core_ = std::make_unique<WorkerCore>(options, &link_);
  }
  void TearDown() override {
    core_.reset();
    wire_.reset();
    host_.reset();
    EXPECT_EQ(dpdkio::MbufsInUse(pool_.get()), 0u);
  }

  void Turn() { core_->Turn(now_); }
  // Runs one operation to its end and returns its status.
  offload::Status RunOperation(Operation* operation) {
    EXPECT_TRUE(link_.Submit(operation));
    Turn();
    Operation* done = nullptr;
    link_.Drain([&](const WorkerMessage& message) {
      if (message.kind == WorkerMessage::Kind::kCompleted) {
        done = message.operation;
      }
    });
    EXPECT_EQ(done, operation);
    return operation->status;
  }

  dpdkio::Mempool pool_;
  std::unique_ptr<RingPort> wire_;
  std::unique_ptr<RingPort> host_;
  WorkerLink link_{0};
  std::unique_ptr<WorkerCore> core_;
  Instant now_ = kStart;
};

const FlowTuple& Tuple() {
  static const FlowTuple tuple{IpAddress::FromV4(0x0a4d0001),
                               IpAddress::FromV4(0x0a4d0002), 4000, 80};
  return tuple;
}

// A segment of the flow as the peer sends it.
Bytes FromPeer(uint32_t seq) {
  packet::HeaderTemplate headers;
  headers.src_mac.bytes = {2, 0, 0, 0, 0, 2};
  headers.dst_mac.bytes = {2, 0, 0, 0, 0, 1};
  headers.tuple = FlowTuple{Tuple().remote, Tuple().local, Tuple().remote_port,
                            Tuple().local_port};
  packet::SegmentHeader segment;
  segment.seq = SeqNum(seq);
  segment.flags = packet::kTcpAck;
  const Bytes payload = {'x'};
  Bytes frame(256);
  frame.resize(packet::BuildFrame(headers, segment, 1, payload, frame));
  return frame;
}

TEST_F(WorkerCoreTest, WithNothingOffloadedItIsAWireBothWays) {
  for (uint8_t n = 1; n <= 100; ++n) {
    wire_->Arrive(dpdkio::MakeFrame(pool_.get(), Bytes{n, 'w'}));
    host_->Arrive(dpdkio::MakeFrame(pool_.get(), Bytes{n, 'h'}));
  }
  for (int i = 0; i < 4; ++i) Turn();
  for (uint8_t n = 1; n <= 100; ++n) {
    EXPECT_EQ(host_->LeaveBytes(), (Bytes{n, 'w'}));
    EXPECT_EQ(wire_->LeaveBytes(), (Bytes{n, 'h'}));
  }
  EXPECT_EQ(core_->counters().Get(CoreCounter::kWireFramesReceived), 100u);
}

TEST_F(WorkerCoreTest, AnIdleTurnDoesNothing) {
  EXPECT_EQ(core_->Turn(now_), 0u);
}

// Design D2: segments of a held flow are parked, everything else passes, and
// the release lets them go in order and ahead of what comes later.
TEST_F(WorkerCoreTest, HeldSegmentsAreParkedUntilTheRelease) {
  Operation hold;
  hold.kind = Operation::Kind::kHold;
  hold.tuple = Tuple();
  hold.timeout = Duration::Millis(100);
  ASSERT_EQ(RunOperation(&hold), offload::Status::kSuccess);

  const Bytes first = FromPeer(100);
  const Bytes second = FromPeer(101);
  const Bytes later = FromPeer(102);
  wire_->Arrive(dpdkio::MakeFrame(pool_.get(), first));
  wire_->Arrive(dpdkio::MakeFrame(pool_.get(), Bytes(60, 0xab)));
  wire_->Arrive(dpdkio::MakeFrame(pool_.get(), second));
  Turn();
  EXPECT_EQ(host_->LeaveBytes(), Bytes(60, 0xab));
  EXPECT_EQ(host_->LeaveBytes(), Bytes());
  EXPECT_EQ(core_->worker().TakeCensus().parked_frames, 2u);

  Operation release;
  release.kind = Operation::Kind::kRelease;
  release.flow = hold.flow;
  ASSERT_EQ(RunOperation(&release), offload::Status::kSuccess);
  wire_->Arrive(dpdkio::MakeFrame(pool_.get(), later));
  Turn();
  EXPECT_EQ(host_->LeaveBytes(), first);
  EXPECT_EQ(host_->LeaveBytes(), second);
  EXPECT_EQ(host_->LeaveBytes(), later);
}

// Design D2: nobody can keep a hold open.
TEST_F(WorkerCoreTest, AHoldPastItsDeadlineIsUndoneAndReported) {
  Operation hold;
  hold.kind = Operation::Kind::kHold;
  hold.tuple = Tuple();
  hold.timeout = Duration::Millis(100);
  ASSERT_EQ(RunOperation(&hold), offload::Status::kSuccess);
  const Bytes parked = FromPeer(100);
  wire_->Arrive(dpdkio::MakeFrame(pool_.get(), parked));
  Turn();
  now_ = now_ + Duration::Millis(200);
  Turn();
  Turn();
  EXPECT_EQ(host_->LeaveBytes(), parked);
  bool expired = false;
  link_.Drain([&](const WorkerMessage& message) {
    expired |= message.kind == WorkerMessage::Kind::kNotice &&
               message.notice.kind == worker::ControlNotice::Kind::kHoldExpired;
  });
  EXPECT_TRUE(expired);
}

// Parked frames belong to the ports: they are given back with the core.
TEST_F(WorkerCoreTest, ParkedFramesAreFreedWithTheCore) {
  Operation hold;
  hold.kind = Operation::Kind::kHold;
  hold.tuple = Tuple();
  hold.timeout = Duration::Millis(100);
  ASSERT_EQ(RunOperation(&hold), offload::Status::kSuccess);
  wire_->Arrive(dpdkio::MakeFrame(pool_.get(), FromPeer(100)));
  Turn();
  EXPECT_EQ(core_->worker().TakeCensus().parked_frames, 1u);
}

TEST_F(WorkerCoreTest, CensusIsPublishedWithinMilliseconds) {
  Operation hold;
  hold.kind = Operation::Kind::kHold;
  hold.tuple = Tuple();
  hold.timeout = Duration::Millis(100);
  ASSERT_EQ(RunOperation(&hold), offload::Status::kSuccess);
  now_ = now_ + Duration::Millis(10);
  Turn();
  EXPECT_EQ(link_.census().flows, core_->worker().TakeCensus().flows);
  ASSERT_NE(link_.counters(), nullptr);
  EXPECT_EQ(link_.counters()->Get(worker::WorkerCounter::kHolds), 1u);
}

}  // namespace
}  // namespace chimney::daemon
