// SPDX-License-Identifier: BSD-3-Clause
// The judge is judged first: what the model peer says is what RFC 9293, 7323
// and 2018 demand.
#include "tests/support/model_peer.h"

#include <gtest/gtest.h>

#include <vector>

namespace chimney::testing {
namespace {

class ModelPeerTest : public ::testing::Test {
 protected:
  ModelPeerTest() : peer_(&clock_, Config(), Collect()) {}

  static ModelPeer::Config Config() {
    ModelPeer::Config config;  // sends from 1000, receives from 5000
    config.timestamps = false;
    config.sender.mss_bytes = 100;
    config.sender.peer_edge = 250;
    config.sender.rto = Duration::Millis(300);
    config.receiver.mss_bytes = 100;
    config.receiver.buffer_bytes = 1000;
    config.initial_window_bytes = 1000;
    return config;
  }
  ModelPeer::Transmit Collect() {
    return [this](const WireSegment& segment) { out_.push_back(segment); };
  }
  static WireSegment Data(uint32_t seq, size_t bytes, uint8_t flags = kAck) {
    WireSegment segment;
    segment.seq = seq;
    segment.ack = 1000;
    segment.raw_window = 250;
    segment.flags = flags;
    segment.payload.assign(bytes, uint8_t{1});
    return segment;
  }
  static WireSegment Ack(uint32_t ack, uint16_t window) {
    WireSegment segment = Data(5000, 0);
    segment.ack = ack;
    segment.raw_window = window;
    return segment;
  }
  std::vector<WireSegment> Take() { return std::exchange(out_, {}); }

  std::vector<WireSegment> out_;
  VirtualClock clock_;
  ModelPeer peer_;
};

TEST_F(ModelPeerTest, SendsUpToTheWindowAndNoFurther) {
  peer_.Write(std::vector<uint8_t>(400, uint8_t{9}));
  const auto sent = Take();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].seq, 1000u);
  EXPECT_EQ(sent[2].EndSeq(), 1250u);
  peer_.OnSegment(Ack(1250, 150));
  ASSERT_EQ(out_.size(), 2u);
  EXPECT_EQ(out_[1].EndSeq(), 1400u);
}

TEST_F(ModelPeerTest, AcknowledgesInOrderAndReportsHoles) {
  peer_.OnSegment(Data(5000, 100));
  EXPECT_EQ(Take().back().ack, 5100u);
  peer_.OnSegment(Data(5200, 100));
  const WireSegment duplicate = Take().back();
  EXPECT_EQ(duplicate.ack, 5100u);
  EXPECT_EQ(duplicate.sack, (std::vector<WireSegment::Block>{{5200, 5300}}));
  peer_.OnSegment(Data(5100, 100));
  EXPECT_EQ(Take().back().ack, 5300u);
  EXPECT_EQ(peer_.Read(1000).size(), 300u);
}

TEST_F(ModelPeerTest, ClosesAndReopensItsWindow) {
  peer_.OnSegment(Data(5000, 1000));
  EXPECT_EQ(Take().back().raw_window, 0);
  peer_.Read(50);  // less than min(half the buffer, MSS): RFC 1122 4.2.3.3
  EXPECT_TRUE(Take().empty());
  peer_.Read(450);
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_EQ(out_[0].raw_window, 500);
}

TEST_F(ModelPeerTest, ProbesAClosedWindowWithOneByte) {
  peer_.OnSegment(Ack(1000, 250));
  peer_.Write(std::vector<uint8_t>(250, uint8_t{9}));
  peer_.OnSegment(Ack(1250, 0));
  Take();
  peer_.Write(std::vector<uint8_t>(10, uint8_t{9}));
  EXPECT_TRUE(Take().empty());
  clock_.Advance(Duration::Millis(301));
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_EQ(out_[0].payload.size(), 1u);
  // The ACK of a peer with a closed window must stay inside it.
  EXPECT_EQ(peer_.CurrentAck().seq, 1250u);
}

TEST_F(ModelPeerTest, GoesBackAtATimeoutAndDoublesIt) {
  peer_.Write(std::vector<uint8_t>(200, uint8_t{9}));
  Take();
  clock_.Advance(Duration::Millis(301));
  EXPECT_EQ(Take().size(), 1u);
  clock_.Advance(Duration::Millis(590));
  EXPECT_TRUE(Take().empty());
  clock_.Advance(Duration::Millis(20));
  EXPECT_EQ(Take().size(), 1u);
}

TEST_F(ModelPeerTest, FillsTheHoleAfterThreeDuplicateAcks) {
  peer_.Write(std::vector<uint8_t>(200, uint8_t{9}));
  Take();
  for (int i = 0; i < 2; ++i) peer_.OnSegment(Ack(1000, 250));
  EXPECT_TRUE(Take().empty());
  peer_.OnSegment(Ack(1000, 250));
  const auto sent = Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].seq, 1000u);
}

TEST_F(ModelPeerTest, EndsBothDirections) {
  peer_.Write(std::vector<uint8_t>(10, uint8_t{9}));
  peer_.Close();
  EXPECT_TRUE(out_.back().Has(kFin));
  EXPECT_EQ(out_.back().EndSeq(), 1011u);
  peer_.OnSegment(Ack(1011, 250));
  EXPECT_FALSE(peer_.finished());
  WireSegment fin = Data(5000, 0, kAck | kFin);
  fin.ack = 1011;
  peer_.OnSegment(fin);
  EXPECT_TRUE(peer_.finished());
  EXPECT_EQ(Take().back().ack, 5001u);
  peer_.OnSegment(fin);  // sent again: acknowledged again
  EXPECT_EQ(Take().size(), 1u);
}

TEST_F(ModelPeerTest, TakesAResetOnlyAtRcvNxt) {
  peer_.OnSegment(Data(5010, 0, kRst));
  EXPECT_FALSE(peer_.reset());
  EXPECT_EQ(Take().size(), 1u);  // challenge ACK, RFC 5961 section 3.2
  peer_.OnSegment(Data(5000, 0, kRst));
  EXPECT_TRUE(peer_.reset());
}

}  // namespace
}  // namespace chimney::testing
