// SPDX-License-Identifier: BSD-3-Clause
// Ethernet headers with no, one, two and three tags.
#include "packet/ethernet.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::FromHex;

TEST(Ethernet, ParsesUntagged) {
  EthernetHeader header;
  ASSERT_TRUE(ParseEthernet(frames::Ipv4Data(), &header));
  EXPECT_EQ(header.dst, (MacAddress{{2, 0, 0, 0, 0, 1}}));
  EXPECT_EQ(header.src, (MacAddress{{2, 0, 0, 0, 0, 2}}));
  EXPECT_EQ(header.vlan_count, 0);
  EXPECT_EQ(header.ether_type, 0x0800);
  EXPECT_EQ(header.length, 14);
  EXPECT_EQ(header.vlan_id(), 0);
  EXPECT_EQ(header.vlan_priority(), 0);
}

TEST(Ethernet, ParsesOneTag) {
  // Priority 5, CFI 1, VLAN 100.
  const frames::Frame frame =
      frames::WithTag(frames::Ipv4Data(), 0x8100, 0xb064);
  EthernetHeader header;
  ASSERT_TRUE(ParseEthernet(frame, &header));
  EXPECT_EQ(header.vlan_count, 1);
  EXPECT_EQ(header.vlan_tpid[0], 0x8100);
  EXPECT_EQ(header.vlan_tci[0], 0xb064);
  EXPECT_EQ(header.vlan_id(), 100);
  EXPECT_EQ(header.vlan_priority(), 5);
  EXPECT_EQ(header.ether_type, 0x0800);
  EXPECT_EQ(header.length, 18);
}

TEST(Ethernet, ParsesTwoTagsOutermostFirst) {
  const frames::Frame frame = frames::WithTag(
      frames::WithTag(frames::Ipv4Data(), 0x8100, 0x0064), 0x88a8, 0x2fff);
  EthernetHeader header;
  ASSERT_TRUE(ParseEthernet(frame, &header));
  EXPECT_EQ(header.vlan_count, 2);
  EXPECT_EQ(header.vlan_tpid[0], 0x88a8);
  EXPECT_EQ(header.vlan_tci[0], 0x2fff);
  EXPECT_EQ(header.vlan_tpid[1], 0x8100);
  EXPECT_EQ(header.vlan_id(), 100);
  EXPECT_EQ(header.length, 22);
}

TEST(Ethernet, ThirdTagStaysAsTheType) {
  frames::Frame frame = frames::Ipv4Data();
  for (int i = 0; i < 3; ++i) frame = frames::WithTag(frame, 0x8100, 1);
  EthernetHeader header;
  ASSERT_TRUE(ParseEthernet(frame, &header));
  EXPECT_EQ(header.vlan_count, 2);
  EXPECT_EQ(header.ether_type, 0x8100);
  EXPECT_EQ(header.length, 22);
}

TEST(Ethernet, EveryTruncationFails) {
  const frames::Frame frame = frames::WithTag(
      frames::WithTag(frames::Ipv4Data(), 0x8100, 1), 0x88a8, 2);
  for (size_t length = 0; length < 22; ++length) {
    const std::vector<uint8_t> cut = frames::Prefix(frame, length);
    EthernetHeader header;
    EXPECT_FALSE(ParseEthernet(cut, &header)) << length;
  }
  EthernetHeader header;
  EXPECT_TRUE(ParseEthernet(ByteSpan(frame).first(22), &header));
}

TEST(Ethernet, EmitsTheBytesOfTheStandard) {
  EthernetHeader header;
  header.dst = MacAddress{{2, 0, 0, 0, 0, 1}};
  header.src = MacAddress{{2, 0, 0, 0, 0, 2}};
  header.ether_type = 0x86dd;
  std::vector<uint8_t> out(22);
  EXPECT_EQ(EmitEthernet(header, out), 14u);
  out.resize(14);
  EXPECT_EQ(out, FromHex("020000000001 020000000002 86dd"));
  header.vlan_count = 2;
  header.vlan_tpid[0] = 0x88a8;
  header.vlan_tci[0] = 0x2fff;
  header.vlan_tpid[1] = 0x8100;
  header.vlan_tci[1] = 0x0064;
  out.assign(22, 0);
  EXPECT_EQ(EmitEthernet(header, out), 22u);
  EXPECT_EQ(out, FromHex("020000000001 020000000002 88a8 2fff 8100 0064 86dd"));
}

TEST(Ethernet, EmitRefusesWhatDoesNotFit) {
  EthernetHeader header;
  header.vlan_count = 1;
  std::vector<uint8_t> out(17, 0xcc);
  EXPECT_EQ(EmitEthernet(header, out), 0u);
  EXPECT_EQ(out, std::vector<uint8_t>(17, 0xcc));
  header.vlan_count = 3;
  std::vector<uint8_t> large(64);
  EXPECT_EQ(EmitEthernet(header, large), 0u);
}

}  // namespace
}  // namespace chimney::packet
