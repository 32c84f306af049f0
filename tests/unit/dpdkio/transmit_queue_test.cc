// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/transmit_queue.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/dpdkio/ring_ports.h"

namespace chimney::dpdkio {
namespace {

constexpr uint32_t kWireCapacity = 100;

class TransmitQueueTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    pool_ = CreateMempool({"transmit_test", 4095, 2176}, &error);
    ASSERT_NE(pool_, nullptr) << error;
    port_ = std::make_unique<RingPort>("transmit", kWireCapacity, pool_.get());
    queue_ = std::make_unique<TransmitQueue>(
        TransmitQueueOptions{.port = port_->id()});
  }
  void TearDown() override {
    queue_.reset();
    port_.reset();
    EXPECT_EQ(MbufsInUse(pool_.get()), 0u);
  }

  // Frames numbered from `first` on.
  std::vector<rte_mbuf*> Numbered(uint32_t first, uint32_t count) {
    std::vector<rte_mbuf*> frames;
    for (uint32_t n = first; n < first + count; ++n) {
      const uint8_t bytes[2] = {static_cast<uint8_t>(n >> 8),
                                static_cast<uint8_t>(n)};
      frames.push_back(MakeFrame(pool_.get(), bytes));
    }
    return frames;
  }
  // Takes all that left and checks that they are numbered from `first` on.
  uint32_t CheckLeft(uint32_t first) {
    uint32_t count = 0;
    for (;; ++count) {
      const std::vector<uint8_t> bytes = port_->LeaveBytes();
      if (bytes.empty()) return count;
      EXPECT_EQ(bytes[0] * 256u + bytes[1], first + count);
    }
  }

  Mempool pool_;
  std::unique_ptr<RingPort> port_;
  std::unique_ptr<TransmitQueue> queue_;
};

TEST_F(TransmitQueueTest, ABurstLeavesAtOnce) {
  auto frames = Numbered(0, 40);
  queue_->Send(frames);
  EXPECT_EQ(queue_->waiting(), 0u);
  EXPECT_EQ(CheckLeft(0), 40u);
  EXPECT_EQ(queue_->sent(), 40u);
}

TEST_F(TransmitQueueTest, WhatTheDriverRefusesWaitsAndKeepsItsPlace) {
  auto frames = Numbered(0, 150);
  queue_->Send(frames);
  EXPECT_EQ(queue_->waiting(), 50u);
  EXPECT_EQ(CheckLeft(0), kWireCapacity);
  auto more = Numbered(150, 10);
  queue_->Send(more);
  EXPECT_EQ(queue_->waiting(), 0u);
  EXPECT_EQ(CheckLeft(100), 60u);
}

TEST_F(TransmitQueueTest, WhatDoesNotFitIsDroppedAndCounted) {
  auto frames = Numbered(0, kWireCapacity + TransmitQueue::kCapacity + 7);
  queue_->Send(frames);
  EXPECT_EQ(queue_->Room(), 0u);
  EXPECT_EQ(queue_->dropped(), 7u);
  auto extra = Numbered(0, 1);
  EXPECT_FALSE(queue_->Push(extra[0]));
  rte_pktmbuf_free(extra[0]);
}

TEST_F(TransmitQueueTest, PushedFramesLeaveWithTheNextFlushInOrder) {
  for (rte_mbuf* frame : Numbered(0, 3)) ASSERT_TRUE(queue_->Push(frame));
  EXPECT_EQ(CheckLeft(0), 0u);
  auto burst = Numbered(3, 2);
  queue_->Send(burst);
  EXPECT_EQ(CheckLeft(0), 5u);
  EXPECT_EQ(queue_->Flush(), 0u);
}

TEST_F(TransmitQueueTest, DropFreesWhatWaits) {
  for (rte_mbuf* frame : Numbered(0, 3)) ASSERT_TRUE(queue_->Push(frame));
  queue_->Drop();
  EXPECT_EQ(queue_->waiting(), 0u);
  EXPECT_EQ(MbufsInUse(pool_.get()), 0u);
}

// A driver that refuses a long frame for good must not hold up what is behind.
TEST_F(TransmitQueueTest, AFrameTooLongForTheDriverDoesNotBlockTheRest) {
  TransmitQueue queue(
      TransmitQueueOptions{.port = port_->id(), .longest_frame_bytes = 100});
  auto fill = Numbered(0, kWireCapacity);
  queue.Send(fill);
  const std::vector<uint8_t> bytes(101, 0xee);
  rte_mbuf* long_frame = MakeFrame(pool_.get(), bytes);
  ASSERT_TRUE(queue.Push(long_frame));
  auto behind = Numbered(kWireCapacity, 1);
  ASSERT_TRUE(queue.Push(behind[0]));
  queue.Flush();
  EXPECT_EQ(queue.dropped(), 1u);
  EXPECT_EQ(CheckLeft(0), kWireCapacity);
  EXPECT_EQ(queue.Flush(), 1u);
  EXPECT_EQ(CheckLeft(kWireCapacity), 1u);
}

}  // namespace
}  // namespace chimney::dpdkio
