// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/frame_port.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <vector>

#include "tests/unit/dpdkio/ring_ports.h"

namespace chimney::daemon {
namespace {

using dpdkio::PayloadMode;
using dpdkio::RingPort;
using tcp::SendRecord;
using worker::OutFrame;
using worker::Side;
using Bytes = std::vector<uint8_t>;

Bytes Counting(size_t count, uint8_t first) {
  Bytes bytes(count);
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

// Headers and up to two pieces of payload, each with a record of its own.
struct MadeFrame {
  MadeFrame(size_t first_bytes, size_t second_bytes)
      : headers(Counting(54, 1)),
        first(Counting(first_bytes, 100)),
        second(Counting(second_bytes, 200)) {
    out.headers = headers;
    out.l2_bytes = 14;
    out.l3_bytes = 20;
    out.l4_bytes = 20;
    out.payload_bytes = static_cast<uint32_t>(first_bytes + second_bytes);
    out.pieces[0] = {first, &records[0]};
    out.pieces[1] = {second, &records[1]};
    out.piece_count = second_bytes == 0 ? (first_bytes == 0 ? 0 : 1) : 2;
  }
  Bytes Whole() const {
    Bytes bytes = headers;
    bytes.insert(bytes.end(), first.begin(), first.end());
    bytes.insert(bytes.end(), second.begin(), second.end());
    return bytes;
  }

  Bytes headers;
  Bytes first;
  Bytes second;
  SendRecord records[2];
  OutFrame out;
};

class FramePortTest : public testing::Test {
 protected:
  static constexpr uint32_t kThreshold = 256;

  void SetUp() override {
    std::string error;
    pool_ = dpdkio::CreateMempool({"frame_port", 2047, 2176}, &error);
    ASSERT_NE(pool_, nullptr) << error;
    wire_ = std::make_unique<RingPort>("fp_wire", 64, pool_.get());
    host_ = std::make_unique<RingPort>("fp_host", 64, pool_.get());
    Make(PayloadMode::kReferenced, 64);
  }
  void TearDown() override {
    EXPECT_EQ(frames_->references(), 0u);
    frames_.reset();
    wire_.reset();
    host_.reset();
    EXPECT_EQ(dpdkio::MbufsInUse(pool_.get()), 0u);
  }

  void Make(PayloadMode mode, uint32_t max_references) {
    FramePortOptions options;
    options.wire.receive.port = wire_->id();
    options.wire.transmit.port = wire_->id();
    options.wire.pool = pool_.get();
    options.wire.payload = mode;
    options.wire.completes_tcp_checksum = true;
    options.host.receive.port = host_->id();
    options.host.transmit.port = host_->id();
    options.host.pool = pool_.get();
    options.zero_copy_threshold_bytes = kThreshold;
    options.max_references = max_references;
    frames_ = std::make_unique<FramePort>(options, &counters_);
  }

  dpdkio::Mempool pool_;
  std::unique_ptr<RingPort> wire_;
  std::unique_ptr<RingPort> host_;
  CoreCounters counters_;
  std::unique_ptr<FramePort> frames_;
};

TEST_F(FramePortTest, CopiedPayloadIsOneMbuf) {
  Make(PayloadMode::kCopied, 64);
  MadeFrame frame(700, 300);
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  EXPECT_EQ(frame.records[0].io_refs, 0u);
  frames_->Flush();
  rte_mbuf* sent = wire_->Leave();
  ASSERT_NE(sent, nullptr);
  EXPECT_EQ(sent->nb_segs, 1);
  EXPECT_EQ(dpdkio::BytesOf(sent), frame.Whole());
  EXPECT_EQ(sent->pkt_len, 1054u);
  rte_pktmbuf_free(sent);
}

// Design D6: a send completes only when no mbuf refers to it any more.
TEST_F(FramePortTest, ReferencedPayloadRaisesAndLowersItsRecords) {
  MadeFrame frame(700, 300);
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  EXPECT_EQ(frame.records[0].io_refs, 1u);
  EXPECT_EQ(frame.records[1].io_refs, 1u);
  EXPECT_EQ(frames_->references(), 2u);
  frames_->Flush();
  rte_mbuf* sent = wire_->Leave();
  ASSERT_NE(sent, nullptr);
  EXPECT_EQ(sent->nb_segs, 3);
  EXPECT_EQ(sent->pkt_len, 1054u);
  EXPECT_EQ(dpdkio::BytesOf(sent), frame.Whole());
  EXPECT_EQ(rte_pktmbuf_mtod(sent->next, const uint8_t*), frame.first.data());
  EXPECT_EQ(frame.records[0].io_refs, 1u);
  rte_pktmbuf_free(sent);
  EXPECT_EQ(frame.records[0].io_refs, 0u);
  EXPECT_EQ(frame.records[1].io_refs, 0u);
}

TEST_F(FramePortTest, OneRecordInTwoFramesCountsTwice) {
  MadeFrame frame(700, 0);
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  EXPECT_EQ(frame.records[0].io_refs, 2u);
  frames_->Drop();
  EXPECT_EQ(frame.records[0].io_refs, 0u);
}

TEST_F(FramePortTest, SmallPayloadIsCopied) {
  MadeFrame below(kThreshold - 1, 0);
  ASSERT_TRUE(frames_->Transmit(Side::kWire, below.out));
  EXPECT_EQ(below.records[0].io_refs, 0u);
  MadeFrame at(kThreshold, 0);
  ASSERT_TRUE(frames_->Transmit(Side::kWire, at.out));
  EXPECT_EQ(at.records[0].io_refs, 1u);
  frames_->Drop();
}

TEST_F(FramePortTest, PayloadOfNoRecordIsCopied) {
  MadeFrame frame(700, 300);
  frame.out.pieces[1].record = nullptr;
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  EXPECT_EQ(frame.records[0].io_refs, 0u);
  frames_->Flush();
  EXPECT_EQ(wire_->LeaveBytes(), frame.Whole());
}

TEST_F(FramePortTest, WithoutReferencesLeftPayloadIsCopied) {
  Make(PayloadMode::kReferenced, 1);
  MadeFrame frame(700, 300);
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  EXPECT_EQ(frame.records[0].io_refs, 0u);
  EXPECT_EQ(frame.records[1].io_refs, 0u);
  frames_->Flush();
  EXPECT_EQ(wire_->LeaveBytes(), frame.Whole());
}

TEST_F(FramePortTest, ChecksumWorkIsAskedForOnlyWhenToldTo) {
  EXPECT_TRUE(frames_->ChecksumByPort());
  MadeFrame frame(10, 0);
  frame.out.checksum_by_port = true;
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  frame.out.checksum_by_port = false;
  ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  frames_->Flush();
  rte_mbuf* asked = wire_->Leave();
  rte_mbuf* plain = wire_->Leave();
  EXPECT_EQ(asked->ol_flags, RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4);
  EXPECT_EQ(asked->l2_len, 14u);
  EXPECT_EQ(asked->l3_len, 20u);
  EXPECT_EQ(asked->l4_len, 20u);
  EXPECT_EQ(plain->ol_flags, 0u);
  rte_pktmbuf_free(asked);
  rte_pktmbuf_free(plain);
}

TEST_F(FramePortTest, AFrameLongerThanAnMbufIsRefused) {
  Make(PayloadMode::kCopied, 64);
  MadeFrame frame(2000, 100);
  EXPECT_FALSE(frames_->Transmit(Side::kWire, frame.out));
  EXPECT_EQ(counters_.Get(CoreCounter::kFramesTooLong), 1u);
}

TEST_F(FramePortTest, RoomIsKeptToTheFrame) {
  MadeFrame frame(10, 0);
  const size_t room = frames_->TransmitRoom(Side::kWire);
  ASSERT_GT(room, 0u);
  for (size_t i = 0; i < room; ++i) {
    ASSERT_TRUE(frames_->Transmit(Side::kWire, frame.out));
  }
  EXPECT_EQ(frames_->TransmitRoom(Side::kWire), 0u);
  EXPECT_GT(frames_->TransmitRoom(Side::kHost), 0u);
  frames_->Drop();
}

// What an upload puts back for the kernel may be more than the queue holds.
TEST_F(FramePortTest, FullQueueMakesRoomUntilTheDriverIsFull) {
  MadeFrame frame(10, 0);
  const size_t room = frames_->TransmitRoom(Side::kWire);
  size_t taken = 0;
  while (taken < 100000 && frames_->Transmit(Side::kWire, frame.out)) ++taken;
  EXPECT_GT(taken, room);
  EXPECT_LT(taken, 100000u);
  EXPECT_EQ(frames_->TransmitRoom(Side::kWire), 0u);
  frames_->Drop();
}

TEST_F(FramePortTest, HeldMadeAndForwardedFramesKeepTheirOrder) {
  frames_->ForwardHeld(Side::kHost, dpdkio::MakeFrame(pool_.get(), Bytes{1}));
  MadeFrame made(10, 0);
  ASSERT_TRUE(frames_->Transmit(Side::kHost, made.out));
  rte_mbuf* forwarded = dpdkio::MakeFrame(pool_.get(), Bytes{3});
  frames_->Forward(Side::kHost, std::span(&forwarded, 1));
  EXPECT_EQ(host_->LeaveBytes(), Bytes{1});
  EXPECT_EQ(host_->LeaveBytes(), made.Whole());
  EXPECT_EQ(host_->LeaveBytes(), Bytes{3});
  frames_->FreeHeld(dpdkio::MakeFrame(pool_.get(), Bytes{4}));
}

}  // namespace
}  // namespace chimney::daemon
