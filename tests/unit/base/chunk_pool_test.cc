// SPDX-License-Identifier: BSD-3-Clause
// The chunk pool over memory that it does not trust.
#include "base/chunk_pool.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace chimney {
namespace {

constexpr uint32_t kChunkBytes = 64;
constexpr uint32_t kChunks = 4;

class ChunkPoolTest : public testing::Test {
 protected:
  std::vector<uint8_t> memory_ =
      std::vector<uint8_t>(size_t{kChunkBytes} * kChunks);
  ChunkPool pool_{memory_.data(), kChunkBytes, kChunks};
};

TEST_F(ChunkPoolTest, HandsOutEveryChunkOnce) {
  std::set<ChunkIndex> indexes;
  for (uint32_t i = 0; i < kChunks; ++i) indexes.insert(pool_.Allocate());
  EXPECT_EQ(indexes, (std::set<ChunkIndex>{0, 1, 2, 3}));
  EXPECT_EQ(pool_.Allocate(), kNoChunk);
  EXPECT_EQ(pool_.in_use(), kChunks);
  EXPECT_EQ(pool_.free_count(), 0u);
}

TEST_F(ChunkPoolTest, ReturnsAtTheLastReference) {
  const ChunkIndex index = pool_.Allocate();
  pool_.AddRef(index);
  EXPECT_EQ(pool_.references(index), 2u);
  EXPECT_FALSE(pool_.Release(index));
  EXPECT_EQ(pool_.in_use(), 1u);
  EXPECT_TRUE(pool_.IsHeld(index));
  EXPECT_TRUE(pool_.Release(index));
  EXPECT_EQ(pool_.in_use(), 0u);
  EXPECT_FALSE(pool_.IsHeld(index));
}

TEST_F(ChunkPoolTest, OffsetsAndPointersAgree) {
  for (ChunkIndex index = 0; index < kChunks; ++index) {
    EXPECT_EQ(pool_.OffsetOf(index), index * uint64_t{kChunkBytes});
    EXPECT_EQ(pool_.Data(index), memory_.data() + pool_.OffsetOf(index));
  }
  EXPECT_EQ(pool_.IndexAt(0), 0u);
  EXPECT_EQ(pool_.IndexAt(kChunkBytes - 1), 0u);
  EXPECT_EQ(pool_.IndexAt(kChunkBytes), 1u);
  EXPECT_EQ(pool_.IndexAt(uint64_t{kChunkBytes} * kChunks), kNoChunk);
  EXPECT_EQ(pool_.IndexAt(UINT64_MAX), kNoChunk);
}

TEST_F(ChunkPoolTest, IndexesFromOutsideAreChecked) {
  EXPECT_FALSE(pool_.IsHeld(0));
  EXPECT_FALSE(pool_.IsHeld(kChunks));
  EXPECT_FALSE(pool_.IsHeld(kNoChunk));
  EXPECT_EQ(pool_.references(kNoChunk), 0u);
}

TEST_F(ChunkPoolTest, OverwritingTheMemoryLeadsNothingAstray) {
  const ChunkIndex first = pool_.Allocate();
  pool_.Release(first);
  // As a hostile session would: every byte of every chunk, free or not.
  std::fill(memory_.begin(), memory_.end(), uint8_t{0xff});
  std::set<ChunkIndex> indexes;
  for (uint32_t i = 0; i < kChunks; ++i) indexes.insert(pool_.Allocate());
  EXPECT_EQ(indexes, (std::set<ChunkIndex>{0, 1, 2, 3}));
  for (const ChunkIndex index : indexes) EXPECT_TRUE(pool_.Release(index));
  EXPECT_EQ(pool_.free_count(), kChunks);
}

TEST_F(ChunkPoolTest, NeverTouchesTheMemory) {
  std::fill(memory_.begin(), memory_.end(), uint8_t{0x5a});
  const std::vector<uint8_t> before = memory_;
  const ChunkIndex index = pool_.Allocate();
  pool_.AddRef(index);
  pool_.Release(index);
  pool_.Release(index);
  EXPECT_EQ(memory_, before);
}

TEST(ChunkPool, OffsetsGoBeyondFourGigabytes) {
  // Never touched, so any address will do as a base.
  uint8_t byte = 0;
  const ChunkPool pool(&byte, 0x100000, 0x2000);
  EXPECT_EQ(pool.OffsetOf(0x1fff), 0x1fff00000u);
  EXPECT_EQ(pool.IndexAt(0x1fff00000u), 0x1fffu);
}

}  // namespace
}  // namespace chimney
