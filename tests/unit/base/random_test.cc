// SPDX-License-Identifier: BSD-3-Clause
// The generator against its published reference, SipHash-2-4 against the test
// vectors of its authors.
#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

namespace chimney {
namespace {

// The key of the published vectors: bytes 00 01 .. 0f, read little-endian.
constexpr HashKey kVectorKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::vector<uint8_t> CountingBytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  return bytes;
}

TEST(SipHash24, MatchesThePublishedVectors) {
  EXPECT_EQ(SipHash24(kVectorKey, CountingBytes(0)), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(SipHash24(kVectorKey, CountingBytes(1)), 0x74f839c593dc67fdu);
  EXPECT_EQ(SipHash24(kVectorKey, CountingBytes(8)), 0x93f5f5799a932462u);
  EXPECT_EQ(SipHash24(kVectorKey, CountingBytes(15)), 0xa129ca6149be45e5u);
}

TEST(SipHash24, WordsAndBytesGiveTheSame) {
  SipHash24State state(kVectorKey);
  state.Mix(0x0706050403020100);
  EXPECT_EQ(state.Finish(0x0f0e0d0c0b0a0908), 0xa129ca6149be45e5u);
}

TEST(SipHash24, EveryKeyBitMatters) {
  const std::vector<uint8_t> bytes = CountingBytes(12);
  const uint64_t plain = SipHash24(kVectorKey, bytes);
  for (int bit = 0; bit < 64; ++bit) {
    HashKey low = kVectorKey;
    low.k0 ^= uint64_t{1} << bit;
    HashKey high = kVectorKey;
    high.k1 ^= uint64_t{1} << bit;
    EXPECT_NE(SipHash24(low, bytes), plain);
    EXPECT_NE(SipHash24(high, bytes), plain);
  }
}

TEST(Random, FollowsTheReferenceSequence) {
  // xoshiro256** over a state filled by splitmix64 from seed 0.
  Random random(0);
  EXPECT_EQ(random.Next64(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.Next64(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.Next64(), 0x1a5f849d4933e6e0u);
}

TEST(Random, SameSeedSameSequence) {
  Random a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.Next64();
    EXPECT_EQ(value, b.Next64());
    differs = differs || value != c.Next64();
  }
  EXPECT_TRUE(differs);
}

TEST(Random, BelowStaysBelowAndIsEven) {
  Random random(1);
  std::array<int, 6> seen{};
  for (int i = 0; i < 60'000; ++i) {
    const uint32_t value = random.Below(6);
    ASSERT_LT(value, 6u);
    ++seen[value];
  }
  // Standard deviation is about 91: six of them either way.
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 550);
  EXPECT_EQ(random.Below(1), 0u);
  EXPECT_EQ(random.Below(0), 0u);
}

TEST(Random, ChanceOfNothingAndOfAll) {
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.Chance(0, 100));
    EXPECT_TRUE(random.Chance(100, 100));
  }
}

}  // namespace
}  // namespace chimney
