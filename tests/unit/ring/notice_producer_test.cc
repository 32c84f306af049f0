// SPDX-License-Identifier: BSD-3-Clause
// The daemon's notices, and a session that lies about what it has read.
#include "ring/notice_producer.h"

#include <gtest/gtest.h>

#include "memory_session.h"
#include "ring/host_consumer.h"

namespace chimney::ring {
namespace {

constexpr uint32_t kEntries = 8;
constexpr uint32_t kCapacity = kEntries - 1;

class NoticeProducerTest : public testing::Test {
 protected:
  abi::NoticeEntry Numbered(uint64_t number) {
    abi::NoticeEntry entry;
    entry.request_id = number;
    return entry;
  }
  void Fill() {
    for (uint32_t i = 0; i < kCapacity; ++i) {
      ASSERT_TRUE(daemon_.Push(Numbered(i)));
    }
  }

  MemorySession session_{kEntries};
  NoticeProducer daemon_{session_.notices(1), session_.consumed(1)};
  HostConsumer host_{session_.notices(1), kEntries, session_.consumed(1)};
};

TEST_F(NoticeProducerTest, ReadInPlaceInOrder) {
  uint64_t in = 0;
  uint64_t out = 0;
  for (int round = 0; round < 40; ++round) {
    while (daemon_.Room() > 0) ASSERT_TRUE(daemon_.Push(Numbered(in++)));
    for (int i = 0; i < 3; ++i) {
      const abi::NoticeEntry* entry = host_.Peek();
      ASSERT_NE(entry, nullptr);
      EXPECT_EQ(entry->request_id, out++);
      host_.Release();
    }
    host_.Publish();
  }
  EXPECT_FALSE(daemon_.rules_broken());
}

TEST_F(NoticeProducerTest, FullRingTakesNothing) {
  Fill();
  EXPECT_EQ(daemon_.Room(), 0u);
  EXPECT_FALSE(daemon_.Push(Numbered(99)));
  EXPECT_FALSE(daemon_.rules_broken());
}

TEST_F(NoticeProducerTest, RoomComesBackWithPublish) {
  Fill();
  ASSERT_NE(host_.Peek(), nullptr);
  host_.Release();
  EXPECT_EQ(daemon_.Room(), 0u);  // not told yet
  host_.Publish();
  EXPECT_EQ(daemon_.Room(), 1u);
  EXPECT_EQ(daemon_.outstanding(), kCapacity - 1);
}

TEST_F(NoticeProducerTest, QueryEntryTravelsLikeAnyOther) {
  abi::QueryEntry query;
  query.request_id = 12;
  query.srtt_us = 345;
  ASSERT_TRUE(daemon_.Push(query));
  const abi::NoticeEntry* entry = host_.Peek();
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->op, abi::NoticeOp::kQueryDone);
  EXPECT_EQ(entry->request_id, 12u);
}

TEST_F(NoticeProducerTest, ConsumingMoreThanWasProducedBreaksTheRules) {
  ASSERT_TRUE(daemon_.Push(Numbered(0)));
  session_.consumed(1)->store(2);
  EXPECT_EQ(daemon_.outstanding(), 1u);
  EXPECT_TRUE(daemon_.rules_broken());
  EXPECT_EQ(daemon_.Room(), 0u);
  EXPECT_FALSE(daemon_.Push(Numbered(1)));
}

TEST_F(NoticeProducerTest, GoingBackBreaksTheRules) {
  ASSERT_TRUE(daemon_.Push(Numbered(0)));
  ASSERT_TRUE(daemon_.Push(Numbered(1)));
  session_.consumed(1)->store(2);
  EXPECT_EQ(daemon_.outstanding(), 0u);
  session_.consumed(1)->store(1);
  EXPECT_EQ(daemon_.outstanding(), 0u);
  EXPECT_TRUE(daemon_.rules_broken());
}

TEST_F(NoticeProducerTest, HonestIndexAfterALieDoesNotHeal) {
  session_.consumed(1)->store(0x7fffffff);
  EXPECT_EQ(daemon_.outstanding(), 0u);
  session_.consumed(1)->store(0);
  EXPECT_EQ(daemon_.Room(), 0u);
  EXPECT_TRUE(daemon_.rules_broken());
}

}  // namespace
}  // namespace chimney::ring
