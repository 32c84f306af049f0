// SPDX-License-Identifier: BSD-3-Clause
// TCP options: exact lengths, the walk's bounds, what is sent.
#include "packet/tcp_options.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::FromHex;

TcpOptions Parse(std::string_view hex) {
  TcpOptions options;
  const bool ok = ParseTcpOptions(FromHex(hex), &options);
  EXPECT_EQ(ok, !options.malformed) << hex;
  return options;
}

std::vector<uint8_t> Emit(const TcpOptions& options) {
  std::vector<uint8_t> out(TcpOptionsBytes(options));
  EXPECT_EQ(EmitTcpOptions(options, out), out.size());
  return out;
}

TEST(TcpOptions, NoneIsFine) {
  const TcpOptions options = Parse("");
  EXPECT_FALSE(options.malformed);
  EXPECT_FALSE(options.has_timestamps);
}

TEST(TcpOptions, ParsesALinuxSyn) {
  const TcpOptions options =
      Parse("0204 05b4 0402 080a 00000001 00000002 01 0303 07");
  EXPECT_FALSE(options.malformed);
  EXPECT_TRUE(options.has_mss);
  EXPECT_EQ(options.mss, 1460);
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_TRUE(options.has_timestamps);
  EXPECT_EQ(options.tsval, 1u);
  EXPECT_EQ(options.tsecr, 2u);
  EXPECT_TRUE(options.has_wscale);
  EXPECT_EQ(options.wscale, 7);
}

TEST(TcpOptions, ParsesTimestampsAlignedOrNot) {
  for (const char* hex :
       {"0101 080a 11111111 22222222", "080a 11111111 22222222",
        "080a 11111111 22222222 00", "01 080a 11111111 22222222 01"}) {
    const TcpOptions options = Parse(hex);
    EXPECT_FALSE(options.malformed);
    EXPECT_TRUE(options.has_timestamps);
    EXPECT_EQ(options.tsval, 0x11111111u);
    EXPECT_EQ(options.tsecr, 0x22222222u);
  }
}

TEST(TcpOptions, ParsesUpToFourSackBlocks) {
  const TcpOptions three = Parse(
      "0101 080a 11111111 22222222 0101 051a"
      "00000001 00000002 00000003 00000004 fffffff0 00000010");
  EXPECT_TRUE(three.has_timestamps);
  ASSERT_EQ(three.sack_count, 3);
  EXPECT_EQ(three.sack[0], (SackBlock{SeqNum(1), SeqNum(2)}));
  EXPECT_EQ(three.sack[1], (SackBlock{SeqNum(3), SeqNum(4)}));
  EXPECT_EQ(three.sack[2], (SackBlock{SeqNum(0xfffffff0), SeqNum(0x10)}));
  const TcpOptions four = Parse(
      "0101 0522 00000001 00000002 00000003 00000004"
      "00000005 00000006 00000007 00000008");
  ASSERT_EQ(four.sack_count, 4);
  EXPECT_EQ(four.sack[3], (SackBlock{SeqNum(7), SeqNum(8)}));
}

TEST(TcpOptions, UnknownKindsAreSkippedByTheirLength) {
  // MPTCP (30), fast open (34), an unassigned kind with length 2.
  const TcpOptions options = Parse("1e04 aabb 2203 cc fd02 0204 0218");
  EXPECT_FALSE(options.malformed);
  EXPECT_TRUE(options.has_mss);
  EXPECT_EQ(options.mss, 536);
}

TEST(TcpOptions, NothingBehindTheEndIsRead) {
  const TcpOptions options = Parse("00 0204 05b4 00 0800");
  EXPECT_FALSE(options.malformed);
  EXPECT_FALSE(options.has_mss);
}

TEST(TcpOptions, LastOfTwoCounts) {
  EXPECT_EQ(Parse("0204 0100 0204 0200").mss, 0x0200);
}

TEST(TcpOptions, LengthZeroAndOneEndTheWalk) {
  for (const char* hex : {"0800", "0801", "fe00", "fe01", "0500", "01 fe00"}) {
    EXPECT_TRUE(Parse(hex).malformed) << hex;
  }
}

TEST(TcpOptions, LengthPastTheEndIsMalformed) {
  for (const char* hex : {"02", "0204 05", "08", "080a 11111111 222222", "fe03",
                          "050a 00000001 000000", "feff 00"}) {
    EXPECT_TRUE(Parse(hex).malformed) << hex;
  }
}

TEST(TcpOptions, KnownKindsNeedTheirOwnLength) {
  for (const char* hex :
       {"0203 05", "0205 05b4 00", "0302", "0304 0707", "0403 00",
        "0809 11111111 222222", "080b 11111111 22222222 00", "0502",
        "0509 00000001 000000", "050b 00000001 00000002 00"}) {
    EXPECT_TRUE(Parse(hex).malformed) << hex;
  }
}

TEST(TcpOptions, FiveSackBlocksAreMalformed) {
  // More than 40 bytes of options can hold; a caller's span may be longer.
  std::vector<uint8_t> bytes(42, 0x01);
  bytes[0] = 5;
  bytes[1] = 42;
  TcpOptions options;
  EXPECT_FALSE(ParseTcpOptions(bytes, &options));
  EXPECT_EQ(options.sack_count, 0);
}

TEST(TcpOptions, WhatStandsBeforeAFaultIsKept) {
  const TcpOptions options = Parse("0204 05b4 fe00");
  EXPECT_TRUE(options.malformed);
  EXPECT_EQ(options.mss, 1460);
}

TEST(TcpOptions, AnyBytesEndWithBoundedBlocks) {
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> bytes(random.Below(41));
    for (uint8_t& byte : bytes) {
      // Mostly small numbers, so that kinds and lengths are often known ones.
      byte = static_cast<uint8_t>(random.Below(random.Chance(1, 4) ? 256 : 12));
    }
    TcpOptions options;
    ParseTcpOptions(bytes, &options);
    ASSERT_LE(options.sack_count, kMaxSackBlocks);
  }
}

TEST(TcpOptions, EmitsTimestampsAsTheAppendixOfRfc7323) {
  TcpOptions options;
  options.has_timestamps = true;
  options.tsval = 0x11111111;
  options.tsecr = 0x22222222;
  EXPECT_EQ(Emit(options), FromHex("0101 080a 11111111 22222222"));
}

TEST(TcpOptions, EmitsSackBehindTimestamps) {
  TcpOptions options;
  options.has_timestamps = true;
  options.sack_count = 1;
  options.sack[0] = {SeqNum(1), SeqNum(2)};
  EXPECT_EQ(Emit(options), FromHex("0101 080a 00000000 00000000"
                                   "0101 050a 00000001 00000002"));
}

TEST(TcpOptions, EmitsASyn) {
  TcpOptions options;
  options.has_mss = true;
  options.mss = 1460;
  options.sack_permitted = true;
  options.has_timestamps = true;
  options.has_wscale = true;
  options.wscale = 7;
  EXPECT_EQ(Emit(options), FromHex("0204 05b4 0101 0402"
                                   "0101 080a 00000000 00000000 0103 0307"));
}

TEST(TcpOptions, Rfc2018FourBlocksOrThreeWithTimestamps) {
  TcpOptions options;
  options.sack_count = 4;
  EXPECT_EQ(SackBlocksThatFit(options), 4);
  EXPECT_EQ(TcpOptionsBytes(options), 36u);
  options.has_timestamps = true;
  EXPECT_EQ(SackBlocksThatFit(options), 3);
  EXPECT_EQ(TcpOptionsBytes(options), 40u);
  EXPECT_EQ(Emit(options)[15], 2 + 3 * 8);
}

TEST(TcpOptions, EverythingAtOnceStillFits) {
  TcpOptions options;
  options.has_mss = true;
  options.has_wscale = true;
  options.sack_permitted = true;
  options.has_timestamps = true;
  options.sack_count = 4;
  EXPECT_LE(TcpOptionsBytes(options), 40u);
  TcpOptions parsed;
  EXPECT_TRUE(ParseTcpOptions(Emit(options), &parsed));
  EXPECT_EQ(parsed.sack_count, 1);
}

TEST(TcpOptions, EmitWritesAllOrNothing) {
  TcpOptions options;
  options.has_timestamps = true;
  std::vector<uint8_t> out(11, 0xcc);
  EXPECT_EQ(EmitTcpOptions(options, out), 0u);
  EXPECT_EQ(out, std::vector<uint8_t>(11, 0xcc));
}

}  // namespace
}  // namespace chimney::packet
