// SPDX-License-Identifier: BSD-3-Clause
// The fixed TCP header and the length of a segment.
#include "packet/tcp_header.h"

#include <gtest/gtest.h>

#include <vector>

#include "packet/segment.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::FromHex;

// Ports 5001 > 443, data offset 6, ECE URG ACK PSH, one word of options.
constexpr std::string_view kHeader =
    "1389 01bb 01020304 0a0b0c0d 6078 1000 beef 0007 01010101";

TEST(TcpHeader, ParsesEveryField) {
  TcpHeader header;
  ASSERT_EQ(ParseTcpHeader(FromHex(kHeader), &header), TcpHeaderVerdict::kOk);
  EXPECT_EQ(header.src_port, 5001);
  EXPECT_EQ(header.dst_port, 443);
  EXPECT_EQ(header.seq, SeqNum(0x01020304));
  EXPECT_EQ(header.ack, SeqNum(0x0a0b0c0d));
  EXPECT_EQ(header.header_bytes, 24);
  EXPECT_EQ(header.flags, kTcpEce | kTcpUrg | kTcpAck | kTcpPsh);
  EXPECT_EQ(header.window, 0x1000);
  EXPECT_EQ(header.checksum, 0xbeef);
  EXPECT_EQ(header.urgent_pointer, 7);
}

TEST(TcpHeader, FlagBitsAreThoseOfTheRfc) {
  EXPECT_TRUE(TcpFlags{0x01}.fin());
  EXPECT_TRUE(TcpFlags{0x02}.syn());
  EXPECT_TRUE(TcpFlags{0x04}.rst());
  EXPECT_TRUE(TcpFlags{0x08}.psh());
  EXPECT_TRUE(TcpFlags{0x10}.ack());
  EXPECT_TRUE(TcpFlags{0x20}.urg());
  EXPECT_TRUE(TcpFlags{0x40}.ece());
  EXPECT_TRUE(TcpFlags{0x80}.cwr());
  EXPECT_TRUE(TcpFlags{0x11}.HasAll(kTcpFin | kTcpAck));
  EXPECT_FALSE(TcpFlags{0x10}.HasAll(kTcpFin | kTcpAck));
  EXPECT_TRUE(TcpFlags{0x10}.HasAny(kTcpFin | kTcpAck));
  EXPECT_EQ((TcpFlags{0x11} & kTcpAck), kTcpAck);
}

TEST(TcpHeader, ReservedBitsAreIgnored) {
  std::vector<uint8_t> bytes = FromHex(kHeader);
  bytes[12] |= 0x0f;
  TcpHeader header;
  ASSERT_EQ(ParseTcpHeader(bytes, &header), TcpHeaderVerdict::kOk);
  EXPECT_EQ(header.header_bytes, 24);
}

TEST(TcpHeader, EveryTruncationIsSeen) {
  const std::vector<uint8_t> bytes = FromHex(kHeader);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::vector<uint8_t> cut = frames::Prefix(bytes, length);
    TcpHeader header;
    EXPECT_EQ(ParseTcpHeader(cut, &header), TcpHeaderVerdict::kTruncated)
        << length;
  }
}

TEST(TcpHeader, EveryDataOffset) {
  for (unsigned words = 0; words < 16; ++words) {
    std::vector<uint8_t> bytes = FromHex(kHeader);
    bytes.resize(60);
    bytes[12] = static_cast<uint8_t>(words << 4);
    TcpHeader header;
    EXPECT_EQ(
        ParseTcpHeader(bytes, &header),
        words < 5 ? TcpHeaderVerdict::kBadDataOffset : TcpHeaderVerdict::kOk)
        << words;
  }
}

TEST(TcpHeader, EmitsTheFixedBytes) {
  TcpHeader header;
  header.src_port = 5001;
  header.dst_port = 443;
  header.seq = SeqNum(0x01020304);
  header.ack = SeqNum(0x0a0b0c0d);
  header.header_bytes = 24;
  header.flags = TcpFlags{0x78};
  header.window = 0x1000;
  header.checksum = 0xbeef;
  header.urgent_pointer = 7;
  std::vector<uint8_t> out(20);
  ASSERT_EQ(EmitTcpHeader(header, out), 20u);
  std::vector<uint8_t> expected = FromHex(kHeader);
  expected.resize(20);
  EXPECT_EQ(out, expected);
}

TEST(TcpHeader, EmitRefusesImpossibleLengths) {
  TcpHeader header;
  std::vector<uint8_t> out(64);
  for (const int bytes : {0, 16, 21, 64}) {
    header.header_bytes = static_cast<uint8_t>(bytes);
    EXPECT_EQ(EmitTcpHeader(header, out), 0u) << bytes;
  }
  header.header_bytes = 20;
  EXPECT_EQ(EmitTcpHeader(header, MutableByteSpan(out).first(19)), 0u);
}

TEST(Segment, LengthCountsSynAndFin) {
  const std::vector<uint8_t> payload(5);
  Segment segment;
  segment.seq = SeqNum(0xfffffffe);
  segment.payload = payload;
  EXPECT_EQ(segment.length(), 5u);
  segment.flags = kTcpSyn | kTcpFin;
  EXPECT_EQ(segment.length(), 7u);
  EXPECT_EQ(segment.end(), SeqNum(5));
}

}  // namespace
}  // namespace chimney::packet
