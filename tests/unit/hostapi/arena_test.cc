// SPDX-License-Identifier: BSD-3-Clause
#include "hostapi/client/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace chimney::client {
namespace {

class ArenaTest : public testing::Test {
 protected:
  static constexpr uint64_t kBytes = 64 * 1024;
  alignas(64) uint8_t memory_[kBytes];
  Arena arena_{memory_, kBytes};
};

TEST_F(ArenaTest, BuffersAreAlignedAndInside) {
  const uint8_t* buffer = arena_.Allocate(1);
  ASSERT_NE(buffer, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer) % 64, 0u);
  EXPECT_GE(buffer, memory_);
  EXPECT_EQ(arena_.free_bytes(), kBytes - 64);
}

TEST_F(ArenaTest, ExhaustionGivesNullAndNothingElse) {
  const uint8_t* all = arena_.Allocate(kBytes);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(arena_.Allocate(1), nullptr);
  EXPECT_TRUE(arena_.Free(all));
  EXPECT_EQ(arena_.largest_free_bytes(), kBytes);
  EXPECT_EQ(arena_.Allocate(kBytes + 1), nullptr);
  EXPECT_EQ(arena_.Allocate(UINT64_MAX), nullptr);
  EXPECT_EQ(arena_.Allocate(0), nullptr);
}

TEST_F(ArenaTest, FreedNeighboursJoin) {
  const uint8_t* a = arena_.Allocate(1024);
  const uint8_t* b = arena_.Allocate(1024);
  const uint8_t* c = arena_.Allocate(kBytes - 2048);
  EXPECT_TRUE(arena_.Free(a));
  EXPECT_TRUE(arena_.Free(c));
  EXPECT_TRUE(arena_.Free(b));
  EXPECT_EQ(arena_.largest_free_bytes(), kBytes);
}

TEST_F(ArenaTest, ForeignPointersAreNotFreed) {
  uint8_t* buffer = arena_.Allocate(256);
  EXPECT_FALSE(arena_.Free(buffer + 64));
  EXPECT_FALSE(arena_.Free(memory_ + kBytes));
  EXPECT_FALSE(arena_.Free(nullptr));
  EXPECT_TRUE(arena_.Free(buffer));
  EXPECT_FALSE(arena_.Free(buffer));
}

TEST_F(ArenaTest, ContainsKnowsTheEdges) {
  const uint8_t* buffer = arena_.Allocate(256);
  EXPECT_TRUE(arena_.Contains(buffer, 256));
  EXPECT_TRUE(arena_.Contains(buffer + 255, 1));
  EXPECT_FALSE(arena_.Contains(buffer + 255, 2));
  EXPECT_FALSE(arena_.Contains(buffer + 256, 1));
  EXPECT_FALSE(arena_.Contains(buffer, UINT64_MAX));
  EXPECT_FALSE(arena_.Contains(memory_ - 1, 1));
}

TEST_F(ArenaTest, AllocateUpToTakesWhatThereIs) {
  ASSERT_NE(arena_.Allocate(kBytes - 4096), nullptr);
  uint64_t bytes = 0;
  EXPECT_EQ(arena_.AllocateUpTo(65536, 8192, &bytes), nullptr);
  EXPECT_NE(arena_.AllocateUpTo(65536, 1024, &bytes), nullptr);
  EXPECT_EQ(bytes, 4096u);
}

// Whatever is written into buffers, the book-keeping does not care.
TEST_F(ArenaTest, RandomUseNeverOverlapsAndAllComesBack) {
  std::mt19937 random(7);
  std::vector<std::pair<uint8_t*, uint64_t>> held;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0 || held.empty()) {
      const uint64_t bytes = 1 + random() % 3000;
      uint8_t* buffer = arena_.Allocate(bytes);
      if (buffer == nullptr) continue;
      for (const auto& [other, other_bytes] : held) {
        ASSERT_TRUE(buffer + bytes <= other || other + other_bytes <= buffer);
      }
      std::memset(buffer, 0xff, bytes);
      held.emplace_back(buffer, bytes);
    } else {
      const size_t victim = random() % held.size();
      ASSERT_TRUE(arena_.Free(held[victim].first));
      held[victim] = held.back();
      held.pop_back();
    }
  }
  for (const auto& [buffer, bytes] : held) ASSERT_TRUE(arena_.Free(buffer));
  EXPECT_EQ(arena_.free_bytes(), kBytes);
  EXPECT_EQ(arena_.largest_free_bytes(), kBytes);
}

}  // namespace
}  // namespace chimney::client
