// SPDX-License-Identifier: BSD-3-Clause
#include "ring/in_process_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace chimney::ring {
namespace {

struct Message {
  uint64_t number = 0;
  uint32_t kind = 0;
  uint32_t worker = 0;
};

TEST(InProcessRing, HoldsExactlyItsCapacity) {
  InProcessRing<uint64_t> ring(5);
  EXPECT_EQ(ring.capacity(), 5u);
  for (uint64_t i = 0; i < 5; ++i) EXPECT_TRUE(ring.EnqueueSp(i));
  EXPECT_FALSE(ring.EnqueueSp(5));
  EXPECT_EQ(ring.Count(), 5u);
  EXPECT_EQ(ring.Room(), 0u);
}

TEST(InProcessRing, IsFirstInFirstOutAcrossItsEnd) {
  InProcessRing<Message> ring(3);
  uint64_t next_in = 0;
  uint64_t next_out = 0;
  for (int round = 0; round < 50; ++round) {
    while (ring.EnqueueSp(Message{next_in, 1, 2})) ++next_in;
    Message message;
    ASSERT_TRUE(ring.DequeueSc(&message));
    EXPECT_EQ(message.number, next_out++);
    EXPECT_EQ(message.kind, 1u);
    EXPECT_EQ(message.worker, 2u);
  }
}

TEST(InProcessRing, BurstTakesWhatIsThere) {
  InProcessRing<void*> ring(8);
  int values[3];
  for (int& value : values) ASSERT_TRUE(ring.EnqueueMp(&value));
  std::array<void*, 8> taken{};
  ASSERT_EQ(ring.DequeueBurstSc(taken), 3u);
  EXPECT_EQ(taken[0], &values[0]);
  EXPECT_EQ(taken[2], &values[2]);
  EXPECT_EQ(ring.DequeueBurstSc(taken), 0u);
}

TEST(InProcessRing, EmptyRingYieldsNothing) {
  InProcessRing<uint32_t> ring(1);
  uint32_t value = 77;
  EXPECT_FALSE(ring.DequeueSc(&value));
  EXPECT_FALSE(ring.DequeueMc(&value));
  EXPECT_EQ(value, 77u);
}

}  // namespace
}  // namespace chimney::ring
