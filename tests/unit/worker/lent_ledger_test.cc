// SPDX-License-Identifier: BSD-3-Clause
// Only what is lent can be returned, and only by whom it was lent to (R145).
#include "worker/lent_ledger.h"

#include <gtest/gtest.h>

namespace chimney::worker {
namespace {

class LentLedgerTest : public ::testing::Test {
 protected:
  bool Lend(const LentKey& what, uint32_t offset, uint32_t length) {
    pool.AddRef(what.chunk);
    if (ledger.Lend(what, offset, length, &list, &pool, &pieces)) return true;
    pool.Release(what.chunk);
    return false;
  }
  void SetUp() override {
    chunk = pool.Allocate();
    other_chunk = pool.Allocate();
    key.session_slot = 1;
    key.chunk = chunk;
    key.flow = Handle{3, 1};
  }
  void TearDown() override {
    ledger.ReturnAll(&list, &pool, &pieces);
    pool.Release(chunk);
    pool.Release(other_chunk);
    EXPECT_EQ(ledger.in_use(), 0u);
    EXPECT_EQ(pieces, 0u);
    EXPECT_EQ(pool.in_use(), 0u);
  }

  uint8_t memory[4 * 256];
  ChunkPool pool{memory, 256, 4};
  LentLedger ledger{4};
  LentList list;
  uint32_t pieces = 0;
  ChunkIndex chunk = kNoChunk, other_chunk = kNoChunk;
  LentKey key;
};

TEST_F(LentLedgerTest, AdjacentBytesBecomeOnePiece) {
  ASSERT_TRUE(Lend(key, 0, 10));
  ASSERT_TRUE(Lend(key, 10, 5));
  EXPECT_EQ(pieces, 1u);
  EXPECT_EQ(pool.references(chunk), 2u);
  EXPECT_TRUE(ledger.Return(key, 15, &pool, &pieces));
  EXPECT_EQ(pool.references(chunk), 1u);
  EXPECT_FALSE(ledger.Return(key, 1, &pool, &pieces));
}

TEST_F(LentLedgerTest, ReturnsInPartsAndAcrossPieces) {
  ASSERT_TRUE(Lend(key, 0, 10));
  ASSERT_TRUE(Lend(key, 100, 10));
  EXPECT_EQ(pieces, 2u);
  EXPECT_TRUE(ledger.Return(key, 4, &pool, &pieces));
  EXPECT_EQ(list.front()->offset, 4u);
  EXPECT_EQ(list.front()->length, 6u);
  EXPECT_TRUE(ledger.Return(key, 8, &pool, &pieces));
  EXPECT_EQ(list.front()->offset, 102u);
  EXPECT_FALSE(ledger.Return(key, 9, &pool, &pieces));
  EXPECT_TRUE(ledger.Return(key, 8, &pool, &pieces));
}

TEST_F(LentLedgerTest, RefusesWhatIsNotLent) {
  ASSERT_TRUE(Lend(key, 0, 10));
  LentKey wrong = key;
  wrong.chunk = other_chunk;
  EXPECT_FALSE(ledger.Return(wrong, 1, &pool, &pieces));
  wrong = key;
  wrong.flow = Handle{3, 2};
  EXPECT_FALSE(ledger.Return(wrong, 1, &pool, &pieces));
  wrong = key;
  wrong.session_slot = 2;
  EXPECT_FALSE(ledger.Return(wrong, 1, &pool, &pieces));
  wrong = key;
  wrong.chunk = 0xfffffffe;
  EXPECT_FALSE(ledger.Return(wrong, 1, &pool, &pieces));
  EXPECT_FALSE(ledger.Return(key, 11, &pool, &pieces));
  EXPECT_FALSE(ledger.Return(key, 0xffffffff, &pool, &pieces));
}

TEST_F(LentLedgerTest, FullLedgerTakesNothing) {
  for (uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(Lend(key, i * 20, 10));
  EXPECT_FALSE(Lend(key, 200, 10));
  EXPECT_EQ(ledger.free(), 0u);
  // What joins a piece needs no new one.
  EXPECT_TRUE(Lend(key, 70, 10));
}

}  // namespace
}  // namespace chimney::worker
