// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum against the examples of RFC 1071 and RFC 1624 and
// against a plain loop.
#include "packet/checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/inet_text.h"
#include "base/random.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::FromHex;

// RFC 1071 as it is written: one 16-bit word after the other.
uint32_t PlainSum(ByteSpan bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return sum;
}

std::vector<uint8_t> RandomBytes(Random* random, size_t count) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random->Next32());
  return bytes;
}

TEST(Checksum, Rfc1071Section3Example) {
  const std::vector<uint8_t> bytes = FromHex("0001 f203 f4f5 f6f7");
  EXPECT_EQ(PartialSum(bytes), 0xddf2u);
  EXPECT_EQ(FinishChecksum(PartialSum(bytes)), 0x220d);
}

TEST(Checksum, KnownIpv4Header) {
  const std::vector<uint8_t> header =
      FromHex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7");
  EXPECT_EQ(FinishChecksum(PartialSum(header)), 0xb861);
}

TEST(Checksum, SumOverACorrectFieldIsZero) {
  const std::vector<uint8_t> header =
      FromHex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");
  EXPECT_EQ(FinishChecksum(PartialSum(header)), 0);
}

TEST(Checksum, EmptyAndOneByte) {
  EXPECT_EQ(PartialSum(ByteSpan()), 0u);
  const uint8_t byte = 0xab;
  EXPECT_EQ(PartialSum(ByteSpan(&byte, 1)), 0xab00u);
}

TEST(Checksum, AllOnesDoNotOverflow) {
  const std::vector<uint8_t> bytes(65536, 0xff);
  EXPECT_EQ(PartialSum(bytes), 0xffffu);
}

TEST(Checksum, EveryLengthAndAlignmentAgreesWithAPlainLoop) {
  Random random(1);
  const std::vector<uint8_t> bytes = RandomBytes(&random, 128);
  for (size_t start = 0; start < 16; ++start) {
    for (size_t length = 0; start + length <= bytes.size(); ++length) {
      const ByteSpan part = ByteSpan(bytes).subspan(start, length);
      ASSERT_EQ(PartialSum(part), PlainSum(part)) << start << "+" << length;
    }
  }
}

TEST(Checksum, PiecesCombineAtEvenAndOddOffsets) {
  Random random(2);
  const std::vector<uint8_t> bytes = RandomBytes(&random, 61);
  const uint32_t whole = PlainSum(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const ByteSpan a = ByteSpan(bytes).first(cut);
    const ByteSpan b = ByteSpan(bytes).subspan(cut);
    ASSERT_EQ(CombineSums(PartialSum(a), a.size(), PartialSum(b)), whole)
        << cut;
  }
}

TEST(Checksum, ThreeOddPiecesCombine) {
  const std::vector<uint8_t> bytes = FromHex("01 0203 04 0506 07");
  const ByteSpan span(bytes);
  uint32_t sum = PartialSum(span.first(1));
  sum = CombineSums(sum, 1, PartialSum(span.subspan(1, 3)));
  sum = CombineSums(sum, 4, PartialSum(span.subspan(4, 3)));
  // 0102 + 0304 + 0506 + 0700.
  EXPECT_EQ(sum, 0x100cu);
}

TEST(Checksum, CopyGivesTheSumOfWhatItCopied) {
  Random random(3);
  for (size_t length = 0; length < 40; ++length) {
    const std::vector<uint8_t> from = RandomBytes(&random, length);
    std::vector<uint8_t> to(length + 1, 0xcc);
    EXPECT_EQ(CopyWithSum(from, to), PlainSum(from));
    EXPECT_TRUE(std::equal(from.begin(), from.end(), to.begin()));
    EXPECT_EQ(to[length], 0xcc);
  }
}

TEST(Checksum, PseudoHeaderOfIpv4) {
  // 0a4d + 0001 + 0a4d + 0002 + 0006 + 0014 = 14b7.
  EXPECT_EQ(PseudoHeaderSum(*ParseIpAddress("10.77.0.1"),
                            *ParseIpAddress("10.77.0.2"), 6, 20),
            0x14b7u);
}

TEST(Checksum, PseudoHeaderOfIpv6HasA32BitLength) {
  // fd77 + 0001 + fd77 + 0002 + 0001 + 2345 + 0006 = 1fae3d -> 1e3f.
  EXPECT_EQ(PseudoHeaderSum(*ParseIpAddress("fd77::1"),
                            *ParseIpAddress("fd77::2"), 6, 0x12345),
            0x1e3fu);
}

TEST(Checksum, Rfc1624Section4Example) {
  // The case that equation 2 gets wrong: the result is 0000, not ffff.
  EXPECT_EQ(UpdateChecksum16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Checksum, IncrementalUpdateAgreesWithComputingAgain) {
  Random random(4);
  for (int round = 0; round < 1000; ++round) {
    std::vector<uint8_t> bytes = RandomBytes(&random, 20);
    const uint16_t before = FinishChecksum(PlainSum(bytes));
    const uint32_t old_word = LoadBe32(&bytes[8]);
    const uint32_t new_word = random.Next32();
    StoreBe32(&bytes[8], new_word);
    const uint16_t after = FinishChecksum(PlainSum(bytes));
    EXPECT_EQ(UpdateChecksum32(before, old_word, new_word), after);
    const auto old_half = static_cast<uint16_t>(old_word);
    const auto new_half = static_cast<uint16_t>(new_word);
    StoreBe16(&bytes[8], static_cast<uint16_t>(old_word >> 16));
    EXPECT_EQ(UpdateChecksum16(before, old_half, new_half),
              FinishChecksum(PlainSum(bytes)));
  }
}

}  // namespace
}  // namespace chimney::packet
