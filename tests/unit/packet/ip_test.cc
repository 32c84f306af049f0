// SPDX-License-Identifier: BSD-3-Clause
// IPv4 and IPv6 headers.
#include <gtest/gtest.h>

#include <vector>

#include "base/endian.h"
#include "base/inet_text.h"
#include "packet/checksum.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::FromHex;

std::vector<uint8_t> Packet(const frames::Frame& frame) {
  return std::vector<uint8_t>(frame.begin() + 14, frame.end());
}

// Puts the right checksum into a header that a test has changed.
void FixIpv4Checksum(std::vector<uint8_t>* packet) {
  const size_t header_bytes = size_t{(*packet)[0] & 0x0fu} * 4;
  StoreBe16(packet->data() + 10, 0);
  const uint16_t sum =
      FinishChecksum(PartialSum(ByteSpan(*packet).first(header_bytes)));
  StoreBe16(packet->data() + 10, sum);
}

TEST(Ipv4, ParsesEveryField) {
  Ipv4Header header;
  ASSERT_EQ(ParseIpv4(Packet(frames::Ipv4Data()), false, &header),
            Ipv4Verdict::kOk);
  EXPECT_EQ(header.tos, 0xba);
  EXPECT_EQ(header.ttl, 63);
  EXPECT_EQ(header.protocol, 6);
  EXPECT_EQ(header.header_bytes, 20);
  EXPECT_EQ(header.total_length_bytes, 57);
  EXPECT_EQ(header.id, 0x1234);
  EXPECT_TRUE(header.dont_fragment);
  EXPECT_FALSE(header.more_fragments);
  EXPECT_FALSE(header.IsFragment());
  EXPECT_FALSE(header.HasOptions());
  EXPECT_EQ(ToString(header.src), "10.77.0.2");
  EXPECT_EQ(ToString(header.dst), "10.77.0.1");
}

TEST(Ipv4, ParsesFragmentsAndOptions) {
  Ipv4Header header;
  ASSERT_EQ(ParseIpv4(Packet(frames::Ipv4FirstFragment()), false, &header),
            Ipv4Verdict::kOk);
  EXPECT_TRUE(header.more_fragments);
  EXPECT_EQ(header.fragment_offset_bytes, 0);
  EXPECT_TRUE(header.IsFragment());
  ASSERT_EQ(ParseIpv4(Packet(frames::Ipv4LaterFragment()), false, &header),
            Ipv4Verdict::kOk);
  EXPECT_FALSE(header.more_fragments);
  EXPECT_EQ(header.fragment_offset_bytes, 24);
  EXPECT_TRUE(header.IsFragment());
  ASSERT_EQ(ParseIpv4(Packet(frames::Ipv4RouterAlert()), false, &header),
            Ipv4Verdict::kOk);
  EXPECT_TRUE(header.HasOptions());
  EXPECT_EQ(header.header_bytes, 24);
}

TEST(Ipv4, ChecksumIsCheckedUnlessTrusted) {
  std::vector<uint8_t> packet = Packet(frames::Ipv4Data());
  packet[8] ^= 1;
  Ipv4Header header;
  EXPECT_EQ(ParseIpv4(packet, false, &header), Ipv4Verdict::kBadChecksum);
  EXPECT_EQ(ParseIpv4(packet, true, &header), Ipv4Verdict::kOk);
}

TEST(Ipv4, ImpossibleHeadersAreRefused) {
  Ipv4Header header;
  std::vector<uint8_t> version = Packet(frames::Ipv4Data());
  version[0] = 0x65;
  EXPECT_EQ(ParseIpv4(version, true, &header), Ipv4Verdict::kBadHeader);
  std::vector<uint8_t> header_length = Packet(frames::Ipv4Data());
  header_length[0] = 0x44;
  EXPECT_EQ(ParseIpv4(header_length, true, &header), Ipv4Verdict::kBadHeader);
  std::vector<uint8_t> too_short = Packet(frames::Ipv4Data());
  StoreBe16(&too_short[2], 19);
  FixIpv4Checksum(&too_short);
  EXPECT_EQ(ParseIpv4(too_short, false, &header), Ipv4Verdict::kBadHeader);
}

TEST(Ipv4, LengthBeyondTheFrameIsTruncated) {
  Ipv4Header header;
  std::vector<uint8_t> packet = Packet(frames::Ipv4Data());
  StoreBe16(&packet[2], 58);
  FixIpv4Checksum(&packet);
  EXPECT_EQ(ParseIpv4(packet, false, &header), Ipv4Verdict::kTruncated);
  const std::vector<uint8_t> header_only =
      FromHex("4f00 003c 0000 0000 4006 0000 0a4d 0001 0a4d 0002");
  EXPECT_EQ(ParseIpv4(header_only, true, &header), Ipv4Verdict::kTruncated);
}

TEST(Ipv4, EveryTruncationIsSeen) {
  const std::vector<uint8_t> packet = Packet(frames::Ipv4RouterAlert());
  for (size_t length = 0; length < packet.size(); ++length) {
    const std::vector<uint8_t> cut = frames::Prefix(packet, length);
    Ipv4Header header;
    EXPECT_EQ(ParseIpv4(cut, false, &header), Ipv4Verdict::kTruncated)
        << length;
  }
}

TEST(Ipv4, EmitsAHeaderWithItsChecksum) {
  Ipv4Header header;
  header.tos = 0xba;
  header.ttl = 63;
  header.protocol = 6;
  header.total_length_bytes = 57;
  header.id = 0x1234;
  header.dont_fragment = true;
  header.src = *ParseIpAddress("10.77.0.2");
  header.dst = *ParseIpAddress("10.77.0.1");
  std::vector<uint8_t> out(20, 0xcc);
  ASSERT_EQ(EmitIpv4(header, out), 20u);
  std::vector<uint8_t> expected = Packet(frames::Ipv4Data());
  expected.resize(20);
  EXPECT_EQ(out, expected);
  std::vector<uint8_t> small(19);
  EXPECT_EQ(EmitIpv4(header, small), 0u);
}

TEST(Ipv6, ParsesEveryField) {
  Ipv6Header header;
  ASSERT_EQ(ParseIpv6(Packet(frames::Ipv6Data()), &header), Ipv6Verdict::kOk);
  EXPECT_EQ(header.traffic_class, 0xba);
  EXPECT_EQ(header.flow_label, 0x12345u);
  EXPECT_EQ(header.payload_length_bytes, 37);
  EXPECT_EQ(header.next_header, 6);
  EXPECT_EQ(header.hop_limit, 63);
  EXPECT_EQ(ToString(header.src), "fd77::2");
  EXPECT_EQ(ToString(header.dst), "fd77::1");
  EXPECT_FALSE(header.has_extension_headers);
  EXPECT_TRUE(header.upper_found);
  EXPECT_EQ(header.upper_protocol, 6);
  EXPECT_EQ(header.upper_offset_bytes, 40);
}

TEST(Ipv6, WalksExtensionHeaders) {
  Ipv6Header header;
  ASSERT_EQ(ParseIpv6(Packet(frames::Ipv6DestinationOptions()), &header),
            Ipv6Verdict::kOk);
  EXPECT_EQ(header.next_header, 60);
  EXPECT_TRUE(header.has_extension_headers);
  EXPECT_FALSE(header.has_fragment_header);
  EXPECT_TRUE(header.upper_found);
  EXPECT_EQ(header.upper_protocol, 6);
  EXPECT_EQ(header.upper_offset_bytes, 48);
}

TEST(Ipv6, OnlyTheFirstFragmentHasAnUpperLayer) {
  Ipv6Header header;
  ASSERT_EQ(ParseIpv6(Packet(frames::Ipv6FirstFragment()), &header),
            Ipv6Verdict::kOk);
  EXPECT_TRUE(header.has_fragment_header);
  EXPECT_TRUE(header.more_fragments);
  EXPECT_EQ(header.fragment_offset_bytes, 0);
  EXPECT_TRUE(header.upper_found);
  EXPECT_EQ(header.upper_offset_bytes, 48);
  ASSERT_EQ(ParseIpv6(Packet(frames::Ipv6LaterFragment()), &header),
            Ipv6Verdict::kOk);
  EXPECT_TRUE(header.has_fragment_header);
  EXPECT_FALSE(header.more_fragments);
  EXPECT_EQ(header.fragment_offset_bytes, 24);
  EXPECT_FALSE(header.upper_found);
}

// A fixed header with next header `first` in front of `chain`.
std::vector<uint8_t> Ipv6With(uint8_t first, std::string_view chain) {
  std::vector<uint8_t> packet = Packet(frames::Ipv6Data());
  packet.resize(40);
  const std::vector<uint8_t> behind = FromHex(chain);
  packet.insert(packet.end(), behind.begin(), behind.end());
  StoreBe16(&packet[4], static_cast<uint16_t>(behind.size()));
  packet[6] = first;
  return packet;
}

TEST(Ipv6, AuthenticationHeaderCountsInWordsOfFour) {
  // AH length 1: (1 + 2) * 4 = 12 bytes (RFC 4302 section 2.2).
  Ipv6Header header;
  ASSERT_EQ(ParseIpv6(Ipv6With(51, "0601 0000 00000001 00000002"), &header),
            Ipv6Verdict::kOk);
  EXPECT_TRUE(header.upper_found);
  EXPECT_EQ(header.upper_offset_bytes, 52);
}

TEST(Ipv6, ChainThatLeavesThePacketFindsNothing) {
  for (const char* chain : {"", "06", "0601 0000 0000 0000", "06ff"}) {
    Ipv6Header header;
    ASSERT_EQ(ParseIpv6(Ipv6With(60, chain), &header), Ipv6Verdict::kOk);
    EXPECT_TRUE(header.has_extension_headers);
    EXPECT_FALSE(header.upper_found) << chain;
  }
}

TEST(Ipv6, ChainIsBounded) {
  std::string eight;
  for (int i = 0; i < 7; ++i) eight += "3c00 0000 0000 0000";
  Ipv6Header header;
  ASSERT_EQ(ParseIpv6(Ipv6With(60, eight + "0600 0000 0000 0000"), &header),
            Ipv6Verdict::kOk);
  EXPECT_TRUE(header.upper_found);
  ASSERT_EQ(ParseIpv6(Ipv6With(60, eight + "3c00 0000 0000 0000" +
                                       "0600 0000 0000 0000"),
                      &header),
            Ipv6Verdict::kOk);
  EXPECT_FALSE(header.upper_found);
}

TEST(Ipv6, EveryTruncationIsSeen) {
  const std::vector<uint8_t> packet = Packet(frames::Ipv6DestinationOptions());
  for (size_t length = 0; length < packet.size(); ++length) {
    const std::vector<uint8_t> cut = frames::Prefix(packet, length);
    Ipv6Header header;
    EXPECT_EQ(ParseIpv6(cut, &header), Ipv6Verdict::kTruncated) << length;
  }
}

TEST(Ipv6, OtherVersionsAreRefused) {
  std::vector<uint8_t> packet = Packet(frames::Ipv6Data());
  packet[0] = 0x4b;
  Ipv6Header header;
  EXPECT_EQ(ParseIpv6(packet, &header), Ipv6Verdict::kBadHeader);
}

TEST(Ipv6, EmitsTheFixedHeader) {
  Ipv6Header header;
  header.traffic_class = 0xba;
  header.flow_label = 0x12345;
  header.payload_length_bytes = 37;
  header.next_header = 6;
  header.hop_limit = 63;
  header.src = *ParseIpAddress("fd77::2");
  header.dst = *ParseIpAddress("fd77::1");
  std::vector<uint8_t> out(40, 0xcc);
  ASSERT_EQ(EmitIpv6(header, out), 40u);
  std::vector<uint8_t> expected = Packet(frames::Ipv6Data());
  expected.resize(40);
  EXPECT_EQ(out, expected);
  std::vector<uint8_t> small(39);
  EXPECT_EQ(EmitIpv6(header, small), 0u);
}

}  // namespace
}  // namespace chimney::packet
