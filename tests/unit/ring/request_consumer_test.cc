// SPDX-License-Identifier: BSD-3-Clause
// The daemon's end of a ring in hostile memory (design D5): whatever the
// session writes, nothing outside the ring is read and nothing loops.
#include "ring/request_consumer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "memory_session.h"
#include "ring/host_producer.h"

namespace chimney::ring {
namespace {

constexpr uint32_t kEntries = 8;

class RequestConsumerTest : public testing::Test {
 protected:
  abi::RequestEntry Numbered(uint64_t number) {
    abi::RequestEntry entry;
    entry.op = abi::RequestOp::kSend;
    entry.request_id = number;
    return entry;
  }

  MemorySession session_{kEntries};
  HostProducer host_{session_.requests(1)};
  RequestConsumer daemon_{session_.requests(1), kEntries};
  abi::RequestEntry entry_;
};

TEST_F(RequestConsumerTest, EmptyRingSaysSo) {
  EXPECT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEmpty);
}

TEST_F(RequestConsumerTest, EntriesComeInOrderAcrossTheRingsEnd) {
  uint64_t in = 0;
  uint64_t out = 0;
  for (int round = 0; round < 40; ++round) {
    while (host_.Push(Numbered(in))) ++in;
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
      EXPECT_EQ(entry_.request_id, out++);
      daemon_.Pop();
    }
  }
}

TEST_F(RequestConsumerTest, ShowsTheFlowsOfEntriesThatItHasSeen) {
  std::array<uint64_t, 2> flows{};
  EXPECT_EQ(daemon_.FlowsAhead(flows), 0u);
  for (uint64_t flow = 7; flow < 10; ++flow) {
    abi::RequestEntry entry;
    entry.flow = flow;
    ASSERT_TRUE(host_.Push(entry));
  }
  EXPECT_EQ(daemon_.FlowsAhead(flows), 0u) << "nobody has looked";
  abi::RequestEntry first;
  ASSERT_EQ(daemon_.Peek(&first), RequestRingVerdict::kEntry);
  EXPECT_EQ(daemon_.FlowsAhead(flows), 2u);
  EXPECT_EQ(flows, (std::array<uint64_t, 2>{7, 8}));
  daemon_.Pop();
  daemon_.Pop();
  EXPECT_EQ(daemon_.FlowsAhead(flows), 1u);
  EXPECT_EQ(flows[0], 9u);
}

// Whoever asks again before it took what it was told gets nothing new: a head
// that cannot be taken yet costs one look, not one a turn.
TEST_F(RequestConsumerTest, ShowsEachFlowOnce) {
  std::array<uint64_t, 4> flows{};
  abi::RequestEntry entry;
  entry.flow = 7;
  ASSERT_TRUE(host_.Push(entry));
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  EXPECT_EQ(daemon_.FlowsAhead(flows), 1u);
  EXPECT_EQ(daemon_.FlowsAhead(flows), 0u);
  for (entry.flow = 8; entry.flow < 11; ++entry.flow) {
    ASSERT_TRUE(host_.Push(entry));
  }
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  EXPECT_EQ(daemon_.FlowsAhead(flows), 0u);
  daemon_.Pop();
  // Those that came behind it are shown with the next one that is seen.
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  EXPECT_EQ(daemon_.FlowsAhead(flows), 3u);
  EXPECT_EQ(flows[2], 10u);
  // Taken without being asked for: that leaves nothing behind.
  for (int i = 0; i < 3; ++i) daemon_.Pop();
  for (entry.flow = 11; entry.flow < 14; ++entry.flow) {
    ASSERT_TRUE(host_.Push(entry));
  }
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  daemon_.Pop();
  EXPECT_EQ(daemon_.FlowsAhead(flows), 2u);
  EXPECT_EQ(flows[0], 12u);
}

TEST_F(RequestConsumerTest, PeekWithoutPopLeavesTheEntry) {
  ASSERT_TRUE(host_.Push(Numbered(9)));
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  EXPECT_EQ(entry_.request_id, 9u);
}

TEST_F(RequestConsumerTest, RoomReturnsWithPop) {
  for (uint32_t i = 0; i < kEntries - 1; ++i) {
    ASSERT_TRUE(host_.Push(Numbered(i)));
  }
  EXPECT_FALSE(host_.Push(Numbered(99)));
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  EXPECT_EQ(host_.Room(), 0u);
  daemon_.Pop();
  EXPECT_EQ(host_.Room(), 1u);
  EXPECT_TRUE(host_.Push(Numbered(99)));
}

TEST_F(RequestConsumerTest, PushAllIsAllOrNothing) {
  std::array<abi::RequestEntry, 5> batch;
  batch.fill(Numbered(1));
  EXPECT_TRUE(host_.PushAll(batch));
  EXPECT_FALSE(host_.PushAll(batch));
  EXPECT_EQ(host_.Room(), kEntries - 1 - 5);
}

TEST_F(RequestConsumerTest, TailBeyondCapacityBreaksTheRules) {
  session_.requests(1)->prod.tail = kEntries;  // capacity is kEntries - 1
  EXPECT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kRulesBroken);
}

TEST_F(RequestConsumerTest, TailAtCapacityIsAllowed) {
  session_.requests(1)->prod.tail = kEntries - 1;
  EXPECT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
}

TEST_F(RequestConsumerTest, TailBehindTheConsumerBreaksTheRules) {
  ASSERT_TRUE(host_.Push(Numbered(1)));
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  daemon_.Pop();
  session_.requests(1)->prod.tail = 0;
  EXPECT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kRulesBroken);
}

TEST_F(RequestConsumerTest, BrokenRulesStayBroken) {
  session_.requests(1)->prod.tail = 0x80000000;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kRulesBroken);
  }
}

// A flipped sync_type would make rte_ring's generic calls wait for ever; a
// larger size or mask would make them read beyond the ring.
TEST_F(RequestConsumerTest, HeaderFieldsAreNeverRead) {
  ASSERT_TRUE(host_.Push(Numbered(5)));
  rte_ring* ring = session_.requests(1);
  ring->cons.sync_type = RTE_RING_SYNC_MT;
  ring->prod.sync_type = RTE_RING_SYNC_MT_HTS;
  ring->size = 0xffffffff;
  ring->mask = 0xffffffff;
  ring->capacity = 0xffffffff;
  ring->cons.head = 0x12345678;
  ring->cons.tail = 0x87654321;
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  EXPECT_EQ(entry_.request_id, 5u);
  daemon_.Pop();
  EXPECT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEmpty);
}

TEST_F(RequestConsumerTest, TheCopyDoesNotChangeWithTheRing) {
  ASSERT_TRUE(host_.Push(Numbered(5)));
  ASSERT_EQ(daemon_.Peek(&entry_), RequestRingVerdict::kEntry);
  auto* slot = reinterpret_cast<abi::RequestEntry*>(session_.requests(1) + 1);
  slot->request_id = 666;
  EXPECT_EQ(entry_.request_id, 5u);
}

TEST_F(RequestConsumerTest, IndicesWrapAtTwoToThe32) {
  // As after four billion entries: both sides start just below the wrap.
  rte_ring* ring = session_.requests(1);
  const uint32_t start = 0xfffffffc;
  ring->prod.head = start;
  ring->prod.tail = start;
  ring->cons.tail = start;
  RequestConsumer consumer(ring, kEntries, start);
  for (uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(host_.Push(Numbered(i)));
    ASSERT_EQ(consumer.Peek(&entry_), RequestRingVerdict::kEntry);
    EXPECT_EQ(entry_.request_id, i);
    consumer.Pop();
  }
  EXPECT_EQ(consumer.index(), start + 20);
}

}  // namespace
}  // namespace chimney::ring
