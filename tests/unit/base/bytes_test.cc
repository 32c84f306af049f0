// SPDX-License-Identifier: BSD-3-Clause
// Byte order and bounded cursors.
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/endian.h"

namespace chimney {
namespace {

TEST(BigEndian, KeepsNetworkOrderInMemory) {
  const Be16 two = Be16::FromHost(0x0102);
  const Be32 four = Be32::FromHost(0x01020304);
  const Be64 eight = Be64::FromHost(0x0102030405060708);
  const uint8_t expected[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(std::memcmp(&two, expected, 2), 0);
  EXPECT_EQ(std::memcmp(&four, expected, 4), 0);
  EXPECT_EQ(std::memcmp(&eight, expected, 8), 0);
  EXPECT_EQ(two.ToHost(), 0x0102);
  EXPECT_EQ(four.ToHost(), 0x01020304u);
  EXPECT_EQ(eight.ToHost(), 0x0102030405060708u);
}

TEST(BigEndian, LoadsAndStoresAtAnyAlignment) {
  for (size_t shift = 0; shift < 8; ++shift) {
    std::array<uint8_t, 16> bytes{};
    StoreBe32(bytes.data() + shift, 0xa1b2c3d4);
    EXPECT_EQ(bytes[shift], 0xa1);
    EXPECT_EQ(bytes[shift + 3], 0xd4);
    EXPECT_EQ(LoadBe32(bytes.data() + shift), 0xa1b2c3d4u);
    StoreBe16(bytes.data() + shift, 0x1122);
    EXPECT_EQ(LoadBe16(bytes.data() + shift), 0x1122);
    StoreBe64(bytes.data() + shift, 0x1122334455667788);
    EXPECT_EQ(LoadBe64(bytes.data() + shift), 0x1122334455667788u);
  }
}

TEST(ByteReader, ReadsFieldsInOrder) {
  const std::vector<uint8_t> bytes = {0x01, 0x02, 0x03, 0x04, 0x05,
                                      0x06, 0x07, 0xaa, 0xbb, 0xcc};
  ByteReader reader(bytes);
  uint8_t a = 0;
  uint16_t b = 0;
  uint32_t c = 0;
  ASSERT_TRUE(reader.ReadU8(&a));
  ASSERT_TRUE(reader.ReadBe16(&b));
  ASSERT_TRUE(reader.ReadBe32(&c));
  EXPECT_EQ(a, 0x01);
  EXPECT_EQ(b, 0x0203);
  EXPECT_EQ(c, 0x04050607u);
  EXPECT_EQ(reader.offset(), 7u);
  EXPECT_EQ(reader.remaining(), 3u);
  ByteSpan two;
  ASSERT_TRUE(reader.ReadSpan(2, &two));
  EXPECT_EQ(two.data(), bytes.data() + 7);
  EXPECT_EQ(reader.rest().size(), 1u);
  EXPECT_TRUE(reader.Skip(1));
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, FailureIsStickyAndChangesNothing) {
  const std::vector<uint8_t> bytes = {0x01, 0x02, 0x03};
  ByteReader reader(bytes);
  uint32_t word = 0x55;
  EXPECT_FALSE(reader.ReadBe32(&word));
  EXPECT_EQ(word, 0x55u);
  EXPECT_FALSE(reader.ok());
  uint8_t byte = 0x66;
  EXPECT_FALSE(reader.ReadU8(&byte));
  EXPECT_EQ(byte, 0x66);
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_TRUE(reader.rest().empty());
}

TEST(ByteReader, HugeCountsDoNotWrap) {
  const std::vector<uint8_t> bytes(4);
  ByteReader reader(bytes);
  ASSERT_TRUE(reader.Skip(3));
  EXPECT_FALSE(reader.Skip(SIZE_MAX));
  EXPECT_EQ(reader.offset(), 3u);
}

TEST(ByteReader, FillsWholeSpansOrNothing) {
  const std::vector<uint8_t> bytes = {1, 2, 3};
  ByteReader reader(bytes);
  std::array<uint8_t, 2> first{};
  ASSERT_TRUE(reader.ReadInto(first));
  EXPECT_EQ(first, (std::array<uint8_t, 2>{1, 2}));
  std::array<uint8_t, 2> second{9, 9};
  EXPECT_FALSE(reader.ReadInto(second));
  EXPECT_EQ(second, (std::array<uint8_t, 2>{9, 9}));
  EXPECT_TRUE(ByteReader(ByteSpan()).ReadInto(MutableByteSpan()));
}

TEST(ByteWriter, WritesNetworkOrder) {
  std::vector<uint8_t> bytes(18, 0xff);
  ByteWriter writer(bytes);
  EXPECT_TRUE(writer.WriteU8(0x01));
  EXPECT_TRUE(writer.WriteBe16(0x0203));
  EXPECT_TRUE(writer.WriteBe32(0x04050607));
  EXPECT_TRUE(writer.WriteBe64(0x08090a0b0c0d0e0f));
  EXPECT_TRUE(writer.WriteZeros(2));
  EXPECT_EQ(writer.remaining(), 1u);
  EXPECT_EQ(bytes, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                         13, 14, 15, 0, 0, 0xff}));
  EXPECT_EQ(writer.written().size(), 17u);
}

TEST(ByteWriter, NeverWritesPartOfAField) {
  std::vector<uint8_t> bytes(3, 0xff);
  ByteWriter writer(bytes);
  EXPECT_FALSE(writer.WriteBe32(1));
  EXPECT_FALSE(writer.ok());
  EXPECT_FALSE(writer.WriteU8(1));
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0xff, 0xff, 0xff}));
}

TEST(ByteWriter, CopiesSpans) {
  const std::vector<uint8_t> from = {7, 8, 9};
  std::vector<uint8_t> bytes(3);
  ByteWriter writer(bytes);
  EXPECT_TRUE(writer.WriteSpan(from));
  EXPECT_TRUE(writer.WriteSpan(ByteSpan()));
  EXPECT_EQ(bytes, from);
}

}  // namespace
}  // namespace chimney
