// SPDX-License-Identifier: BSD-3-Clause
// Headers that are sent, against bytes worked out elsewhere, and the way back
// through the parser.
#include "packet/frame_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/endian.h"
#include "base/inet_text.h"
#include "packet/checksum.h"
#include "packet/frame_view.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::FromHex;

constexpr std::string_view kEthernetAddresses = "020000000001 020000000002";
constexpr std::string_view kIpv4 =
    "4510 0039 8001 4000 4006 a611 0a4d 0001 0a4d 0002";
constexpr std::string_view kIpv6 =
    "610a bcde 0025 0640 fd77 0000 0000 0000 0000 0000 0000 0001"
    "fd77 0000 0000 0000 0000 0000 0000 0002";
constexpr std::string_view kTcpUpToChecksum =
    "01bb 1389 0102 0304 0a0b 0c0d 8018 0200";
constexpr std::string_view kTcpBehindChecksum =
    "0000 0101 080a 1111 1111 2222 2222";
constexpr std::string_view kHello = "68656c6c6f";

std::string Join(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (const std::string_view part : parts) joined += part;
  return joined;
}

HeaderTemplate Headers(std::string_view local, std::string_view remote) {
  HeaderTemplate headers;
  headers.src_mac = MacAddress{{2, 0, 0, 0, 0, 2}};
  headers.dst_mac = MacAddress{{2, 0, 0, 0, 0, 1}};
  headers.tos = 0x10;
  headers.flow_label = 0xabcde;
  headers.tuple =
      FlowTuple{*ParseIpAddress(local), *ParseIpAddress(remote), 443, 5001};
  return headers;
}

HeaderTemplate Ipv4Headers() { return Headers("10.77.0.1", "10.77.0.2"); }
HeaderTemplate Ipv6Headers() { return Headers("fd77::1", "fd77::2"); }

SegmentHeader DataSegment() {
  SegmentHeader segment;
  segment.seq = SeqNum(0x01020304);
  segment.ack = SeqNum(0x0a0b0c0d);
  segment.flags = kTcpPsh | kTcpAck;
  segment.window_raw = 0x0200;
  segment.options.has_timestamps = true;
  segment.options.tsval = 0x11111111;
  segment.options.tsecr = 0x22222222;
  return segment;
}

std::vector<uint8_t> Build(const HeaderTemplate& headers) {
  std::vector<uint8_t> out(kMaxHeaderBytes);
  out.resize(BuildHeaders(headers, DataSegment(), 0x8001, 5, out));
  return out;
}

TEST(BuildHeaders, Ipv4LeavesThePseudoHeaderSumForTheCard) {
  EXPECT_EQ(Build(Ipv4Headers()),
            FromHex(Join({kEthernetAddresses, "0800", kIpv4, kTcpUpToChecksum,
                          "14c8", kTcpBehindChecksum})));
}

TEST(BuildHeaders, Ipv6LeavesThePseudoHeaderSumForTheCard) {
  EXPECT_EQ(Build(Ipv6Headers()),
            FromHex(Join({kEthernetAddresses, "86dd", kIpv6, kTcpUpToChecksum,
                          "fb1d", kTcpBehindChecksum})));
}

TEST(BuildHeaders, R121TagsByVlanAndPriority) {
  // A tag with id 0 for a priority alone; CFI always 0.
  struct Case {
    uint16_t vlan_id;
    uint8_t priority;
    std::string_view tag;
  };
  for (const Case& c :
       {Case{0, 0, ""}, Case{0, 5, "8100a000"}, Case{100, 0, "81000064"},
        Case{100, 7, "8100e064"}, Case{4094, 1, "81002ffe"}}) {
    HeaderTemplate headers = Ipv4Headers();
    headers.vlan_id = c.vlan_id;
    headers.vlan_priority = c.priority;
    EXPECT_EQ(Build(headers),
              FromHex(Join({kEthernetAddresses, c.tag, "0800", kIpv4,
                            kTcpUpToChecksum, "14c8", kTcpBehindChecksum})));
    const HeaderLengths lengths =
        HeaderLengthsFor(headers, DataSegment().options);
    EXPECT_EQ(lengths.l2_bytes, c.tag.empty() ? 14 : 18);
    EXPECT_EQ(lengths.l3_bytes, 20);
    EXPECT_EQ(lengths.l4_bytes, 32);
  }
}

TEST(BuildHeaders, R117R118TakesTheIdAndSetsDontFragment) {
  for (const int id : {0x8000, 0x8001, 0xffff}) {
    std::vector<uint8_t> out(kMaxHeaderBytes);
    ASSERT_NE(BuildHeaders(Ipv4Headers(), DataSegment(),
                           static_cast<uint16_t>(id), 0, out),
              0u);
    EXPECT_EQ(LoadBe16(&out[18]), id);
    EXPECT_EQ(LoadBe16(&out[20]), 0x4000);
  }
}

TEST(BuildHeaders, AnyHeaderFitsTheMaximum) {
  EXPECT_EQ(kMaxHeaderBytes, 14u + 8u + 40u + 60u);
  HeaderTemplate headers = Ipv6Headers();
  headers.vlan_id = 1;
  SegmentHeader segment = DataSegment();
  segment.options.sack_count = 4;
  std::vector<uint8_t> out(kMaxHeaderBytes);
  EXPECT_EQ(BuildHeaders(headers, segment, 0, 0, out), 18u + 40u + 60u);
}

TEST(BuildHeaders, WritesNothingWhereItDoesNotFit) {
  std::vector<uint8_t> out(65, 0xcc);
  EXPECT_EQ(BuildHeaders(Ipv4Headers(), DataSegment(), 0, 0, out), 0u);
  EXPECT_EQ(out, std::vector<uint8_t>(65, 0xcc));
  out.push_back(0);
  EXPECT_EQ(BuildHeaders(Ipv4Headers(), DataSegment(), 0, 0, out), 66u);
}

TEST(BuildHeaders, LengthFieldHoldsAtMost65535) {
  std::vector<uint8_t> out(kMaxHeaderBytes);
  const SegmentHeader segment = DataSegment();
  // IPv4 counts its own 20 bytes and TCP's 32, IPv6 only TCP's.
  EXPECT_NE(BuildHeaders(Ipv4Headers(), segment, 0, 65535 - 52, out), 0u);
  EXPECT_EQ(LoadBe16(&out[16]), 65535);
  EXPECT_EQ(BuildHeaders(Ipv4Headers(), segment, 0, 65535 - 51, out), 0u);
  EXPECT_NE(BuildHeaders(Ipv6Headers(), segment, 0, 65535 - 32, out), 0u);
  EXPECT_EQ(LoadBe16(&out[18]), 65535);
  EXPECT_EQ(BuildHeaders(Ipv6Headers(), segment, 0, 65535 - 31, out), 0u);
  EXPECT_EQ(BuildHeaders(Ipv6Headers(), segment, 0, 0xffffffff, out), 0u);
}

TEST(FinishTcpChecksum, MatchesTheBytesWorkedOutElsewhere) {
  const uint32_t payload_sum = PartialSum(FromHex(kHello));
  const TcpOptions options = DataSegment().options;
  std::vector<uint8_t> v4 = Build(Ipv4Headers());
  FinishTcpChecksum(v4, HeaderLengthsFor(Ipv4Headers(), options), payload_sum);
  EXPECT_EQ(LoadBe16(&v4[34 + 16]), 0x8679);
  std::vector<uint8_t> v6 = Build(Ipv6Headers());
  FinishTcpChecksum(v6, HeaderLengthsFor(Ipv6Headers(), options), payload_sum);
  EXPECT_EQ(LoadBe16(&v6[54 + 16]), 0xa023);
}

TEST(FinishTcpChecksum, PayloadInOddPieces) {
  const std::vector<uint8_t> hello = FromHex(kHello);
  const ByteSpan span(hello);
  uint32_t sum = PartialSum(span.first(1));
  sum = CombineSums(sum, 1, PartialSum(span.subspan(1, 1)));
  sum = CombineSums(sum, 2, PartialSum(span.subspan(2)));
  std::vector<uint8_t> v4 = Build(Ipv4Headers());
  FinishTcpChecksum(v4, HeaderLengthsFor(Ipv4Headers(), DataSegment().options),
                    sum);
  EXPECT_EQ(LoadBe16(&v4[34 + 16]), 0x8679);
}

TEST(FinishTcpChecksum, HeadersThatAreNotWholeAreLeftAlone) {
  const HeaderLengths lengths =
      HeaderLengthsFor(Ipv4Headers(), DataSegment().options);
  const std::vector<uint8_t> built = Build(Ipv4Headers());
  std::vector<uint8_t> cut(built.begin(), built.end() - 1);
  FinishTcpChecksum(cut, lengths, 0);
  EXPECT_TRUE(std::equal(cut.begin(), cut.end(), built.begin()));
  HeaderLengths no_tcp = lengths;
  no_tcp.l4_bytes = 19;
  std::vector<uint8_t> whole = built;
  FinishTcpChecksum(whole, no_tcp, 0);
  EXPECT_EQ(whole, built);
}

TEST(BuildFrame, RefusesAPayloadThatNoDatagramHolds) {
  const std::vector<uint8_t> payload(65'536);
  std::vector<uint8_t> out(payload.size() + kMaxHeaderBytes);
  EXPECT_EQ(BuildFrame(Ipv6Headers(), DataSegment(), 0, payload, out), 0u);
  EXPECT_EQ(BuildFrame(Ipv6Headers(), DataSegment(), 0,
                       ByteSpan(payload).first(65'535), out),
            0u);
}

TEST(BuildFrame, ComesBackThroughTheParser) {
  const std::vector<uint8_t> payload = FromHex(kHello);
  for (HeaderTemplate headers : {Ipv4Headers(), Ipv6Headers()}) {
    for (const uint16_t vlan_id : {0, 100}) {
      headers.vlan_id = vlan_id;
      std::vector<uint8_t> frame(200);
      SegmentHeader segment = DataSegment();
      segment.options.sack_count = 2;
      segment.options.sack[1] = {SeqNum(7), SeqNum(9)};
      frame.resize(BuildFrame(headers, segment, 0x8001, payload, frame));
      FrameView view;
      ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kTcp);
      EXPECT_EQ(view.TupleAsSender(), headers.tuple);
      EXPECT_EQ(view.ethernet.src, headers.src_mac);
      EXPECT_EQ(view.ethernet.vlan_id(), vlan_id);
      EXPECT_EQ(view.tos, 0x10);
      EXPECT_EQ(view.ttl, 64);
      EXPECT_EQ(view.segment.seq, segment.seq);
      EXPECT_EQ(view.segment.raw_window, 0x0200);
      ASSERT_EQ(view.segment.options.sack_count, 2);
      EXPECT_EQ(view.segment.options.sack[1], segment.options.sack[1]);
      EXPECT_TRUE(std::equal(payload.begin(), payload.end(),
                             view.segment.payload.begin(),
                             view.segment.payload.end()));
    }
  }
}

TEST(BuildFrame, EveryPayloadLengthHasAGoodChecksum) {
  std::vector<uint8_t> payload;
  for (int i = 0; i < 70; ++i) {
    std::vector<uint8_t> frame(200);
    frame.resize(BuildFrame(Ipv6Headers(), DataSegment(), 0, payload, frame));
    FrameView view;
    ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kTcp) << i;
    ASSERT_EQ(view.segment.payload.size(), payload.size());
    payload.push_back(static_cast<uint8_t>(0xf0 + i));
  }
}

TEST(BuildFrame, RefusesWhatDoesNotFit) {
  const std::vector<uint8_t> payload(10);
  std::vector<uint8_t> out(75);
  EXPECT_EQ(BuildFrame(Ipv4Headers(), DataSegment(), 0, payload, out), 0u);
  out.resize(76);
  EXPECT_EQ(BuildFrame(Ipv4Headers(), DataSegment(), 0, payload, out), 76u);
}

}  // namespace
}  // namespace chimney::packet
