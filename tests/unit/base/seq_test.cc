// SPDX-License-Identifier: BSD-3-Clause
// Sequence numbers on both sides of the wrap (RFC 9293 section 3.4).
#include "base/seq.h"

#include <gtest/gtest.h>

namespace chimney {
namespace {

TEST(SeqNum, OrdersAcrossTheWrap) {
  const SeqNum before(0xfffffff0);
  const SeqNum after(0x00000010);
  EXPECT_TRUE(before.Before(after));
  EXPECT_TRUE(after.After(before));
  EXPECT_FALSE(after.Before(before));
  EXPECT_EQ(after.DistanceFrom(before), 32);
  EXPECT_EQ(before.DistanceFrom(after), -32);
  EXPECT_EQ(after.BytesFrom(before), 32u);
}

TEST(SeqNum, EqualIsNeitherBeforeNorAfter) {
  const SeqNum seq(7);
  EXPECT_FALSE(seq.Before(seq));
  EXPECT_FALSE(seq.After(seq));
  EXPECT_TRUE(seq.AtOrBefore(seq));
  EXPECT_TRUE(seq.AtOrAfter(seq));
}

TEST(SeqNum, AddsAndSubtractsModulo32Bits) {
  EXPECT_EQ(SeqNum(0xffffffff) + 1, SeqNum(0));
  EXPECT_EQ(SeqNum(0) - 1, SeqNum(0xffffffff));
  SeqNum seq(0xfffffffe);
  seq += 4;
  EXPECT_EQ(seq.value(), 2u);
}

TEST(SeqNum, WindowIncludesItsStartAndNotItsEnd) {
  const SeqNum start(0xfffffffe);
  EXPECT_FALSE(SeqNum(0xfffffffd).InWindow(start, 4));
  EXPECT_TRUE(SeqNum(0xfffffffe).InWindow(start, 4));
  EXPECT_TRUE(SeqNum(1).InWindow(start, 4));
  EXPECT_FALSE(SeqNum(2).InWindow(start, 4));
  EXPECT_FALSE(start.InWindow(start, 0));
}

TEST(SeqNum, LaterAndEarlierPickAcrossTheWrap) {
  EXPECT_EQ(Later(SeqNum(0xffffffff), SeqNum(1)), SeqNum(1));
  EXPECT_EQ(Earlier(SeqNum(0xffffffff), SeqNum(1)), SeqNum(0xffffffff));
}

}  // namespace
}  // namespace chimney
