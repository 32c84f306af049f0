// SPDX-License-Identifier: BSD-3-Clause
// ParseFrame on well-formed frames and on each single thing that keeps a frame
// from the engine.
#include "packet/frame_view.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/inet_text.h"
#include "packet/checksum.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::Frame;

constexpr ParseOptions kTrustAll = {.ip_checksum_trusted = true,
                                    .l4_checksum_trusted = true};

std::string PayloadText(const FrameView& view) {
  return std::string(view.segment.payload.begin(), view.segment.payload.end());
}

void ExpectHelloSegment(const FrameView& view) {
  ASSERT_TRUE(view.has_segment);
  const Segment& segment = view.segment;
  EXPECT_EQ(segment.seq, SeqNum(0x01020304));
  EXPECT_EQ(segment.ack, SeqNum(0x0a0b0c0d));
  EXPECT_EQ(segment.raw_window, 0x1000);
  EXPECT_EQ(segment.flags, kTcpPsh | kTcpAck);
  EXPECT_EQ(segment.ecn, 2);  // ECT(0)
  EXPECT_EQ(segment.ttl, 63);
  EXPECT_EQ(segment.tos, 0xba);
  EXPECT_TRUE(segment.options.has_timestamps);
  EXPECT_EQ(segment.options.tsval, 0x11111111u);
  EXPECT_EQ(segment.options.tsecr, 0x22222222u);
  EXPECT_EQ(segment.length(), 5u);
  EXPECT_EQ(PayloadText(view), "hello");
}

TEST(ParseFrame, PlainIpv4Segment) {
  const Frame frame = frames::Ipv4Data();
  FrameView view;
  ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kTcp);
  ExpectHelloSegment(view);
  EXPECT_EQ(view.family, IpFamily::kIpv4);
  EXPECT_EQ(view.ip_id, 0x1234);
  EXPECT_EQ(view.ip_protocol, 6);
  EXPECT_EQ(view.ip_offset, 14u);
  EXPECT_EQ(view.tcp_offset, 34u);
  EXPECT_EQ(view.payload_offset, 66u);
  EXPECT_EQ(view.frame_bytes, frame.size());
  EXPECT_EQ(view.segment.payload.data(), frame.data() + 66);
  EXPECT_EQ(ToString(view.TupleAsReceiver()), "10.77.0.1:443 > 10.77.0.2:5001");
  EXPECT_EQ(ToString(view.TupleAsSender()), "10.77.0.2:5001 > 10.77.0.1:443");
}

TEST(ParseFrame, PlainIpv6Segment) {
  const Frame frame = frames::Ipv6Data();
  FrameView view;
  ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kTcp);
  ExpectHelloSegment(view);
  EXPECT_EQ(view.family, IpFamily::kIpv6);
  EXPECT_EQ(view.flow_label, 0x12345u);
  EXPECT_EQ(view.tcp_offset, 54u);
  EXPECT_EQ(view.frame_bytes, frame.size());
  EXPECT_EQ(ToString(view.TupleAsReceiver()), "[fd77::1]:443 > [fd77::2]:5001");
}

TEST(ParseFrame, EthernetPaddingIsNotPayload) {
  const Frame frame = frames::Ipv4PaddedAck();
  ASSERT_EQ(frame.size(), 60u);
  FrameView view;
  ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kTcp);
  EXPECT_TRUE(view.segment.payload.empty());
  EXPECT_EQ(view.segment.length(), 0u);
  EXPECT_EQ(view.frame_bytes, 54u);
}

TEST(ParseFrame, LongPaddingBehindIpv6IsNotPayload) {
  Frame frame = frames::Ipv6Data();
  const size_t bytes = frame.size();
  frame.resize(bytes + 100, 0xee);
  FrameView view;
  ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kTcp);
  EXPECT_EQ(PayloadText(view), "hello");
  EXPECT_EQ(view.frame_bytes, bytes);
}

TEST(ParseFrame, TagsMoveEverythingBehindThem) {
  const Frame one = frames::WithTag(frames::Ipv4Data(), 0x8100, 0xa064);
  FrameView view;
  ASSERT_EQ(ParseFrame(one, {}, &view), FrameVerdict::kTcp);
  ExpectHelloSegment(view);
  EXPECT_EQ(view.ethernet.vlan_id(), 100);
  EXPECT_EQ(view.ethernet.vlan_priority(), 5);
  EXPECT_EQ(view.tcp_offset, 38u);
  EXPECT_EQ(view.frame_bytes, one.size());
  const Frame two = frames::WithTag(
      frames::WithTag(frames::Ipv6Data(), 0x8100, 1), 0x88a8, 2);
  ASSERT_EQ(ParseFrame(two, {}, &view), FrameVerdict::kTcp);
  ExpectHelloSegment(view);
  EXPECT_EQ(view.ethernet.vlan_count, 2);
  EXPECT_EQ(ParseFrame(frames::WithTag(two, 0x88a8, 3), {}, &view),
            FrameVerdict::kNotIp);
}

TEST(ParseFrame, OtherProtocolsAreNotIp) {
  for (const uint16_t type : {0x0806, 0x88cc, 0x0026}) {
    Frame frame = frames::Ipv4Data();
    StoreBe16(&frame[12], type);
    FrameView view;
    EXPECT_EQ(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kNotIp);
    EXPECT_FALSE(view.has_ip);
    EXPECT_FALSE(view.has_tuple);
  }
}

TEST(ParseFrame, UdpAndIcmpAreNotTcp) {
  Frame udp = frames::Ipv4Data();
  udp[23] = 17;
  FrameView view;
  EXPECT_EQ(ParseFrame(udp, kTrustAll, &view), FrameVerdict::kNotTcp);
  EXPECT_TRUE(view.has_ip);
  EXPECT_FALSE(view.has_tuple);
  EXPECT_EQ(ParseFrame(frames::Icmpv4TooBig(), {}, &view),
            FrameVerdict::kNotTcp);
  EXPECT_EQ(ParseFrame(frames::Icmpv6TooBig(), {}, &view),
            FrameVerdict::kNotTcp);
  EXPECT_EQ(view.ip_protocol, 58);
}

TEST(ParseFrame, R154Ipv4OptionsKeepTupleAndSegment) {
  const Frame frame = frames::Ipv4RouterAlert();
  FrameView view;
  ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kIpOptions);
  ASSERT_TRUE(view.has_tuple);
  EXPECT_EQ(ToString(view.TupleAsReceiver()), "10.77.0.1:443 > 10.77.0.2:5001");
  ASSERT_TRUE(view.has_segment);
  EXPECT_EQ(PayloadText(view), "hello");
}

TEST(ParseFrame, R154ExtensionHeaderKeepsTupleAndSegment) {
  const Frame frame = frames::Ipv6DestinationOptions();
  FrameView view;
  ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kExtensionHeader);
  ASSERT_TRUE(view.has_tuple);
  ASSERT_TRUE(view.has_segment);
  EXPECT_EQ(view.tcp_offset, 62u);
  EXPECT_EQ(PayloadText(view), "hello");
}

TEST(ParseFrame, ExtensionHeaderThatLeadsNowhereHasNoTuple) {
  Frame frame = frames::Ipv6DestinationOptions();
  frame[55] = 0xff;  // The options' length.
  FrameView view;
  EXPECT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kExtensionHeader);
  EXPECT_FALSE(view.has_tuple);
  EXPECT_FALSE(view.has_segment);
}

TEST(ParseFrame, R155FirstFragmentHasATupleAndNoSegment) {
  for (const Frame& frame :
       {frames::Ipv4FirstFragment(), frames::Ipv6FirstFragment()}) {
    FrameView view;
    EXPECT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kFragment);
    ASSERT_TRUE(view.has_tuple);
    EXPECT_EQ(view.src_port, 5001);
    EXPECT_EQ(view.dst_port, 443);
    EXPECT_FALSE(view.has_segment);
  }
}

TEST(ParseFrame, R155LaterFragmentHasNoTuple) {
  for (const Frame& frame :
       {frames::Ipv4LaterFragment(), frames::Ipv6LaterFragment()}) {
    FrameView view;
    EXPECT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kFragment);
    EXPECT_TRUE(view.has_ip);
    EXPECT_FALSE(view.has_tuple);
  }
}

TEST(ParseFrame, FragmentOfAnotherProtocolIsNotTcp) {
  Frame frame = frames::Ipv4LaterFragment();
  frame[23] = 17;
  FrameView view;
  EXPECT_EQ(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kNotTcp);
}

TEST(ParseFrame, EveryFlippedBitOfTheIpv4HeaderIsNoticed) {
  const Frame good = frames::Ipv4Data();
  for (size_t bit = size_t{14} * 8; bit < size_t{34} * 8; ++bit) {
    Frame frame = good;
    frame[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    FrameView view;
    EXPECT_NE(ParseFrame(frame, {}, &view), FrameVerdict::kTcp) << bit;
    EXPECT_FALSE(view.has_segment);
  }
}

TEST(ParseFrame, EveryFlippedBitOfTheSegmentIsABadTcpChecksum) {
  for (const Frame& good :
       {frames::Ipv4Data(), frames::Ipv6Data(), frames::Ipv4RouterAlert(),
        frames::Ipv6DestinationOptions()}) {
    FrameView view;
    (void)ParseFrame(good, {}, &view);
    const size_t start = view.tcp_offset;
    for (size_t bit = start * 8; bit < good.size() * 8; ++bit) {
      Frame frame = good;
      frame[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
      ASSERT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kBadTcpChecksum)
          << bit;
      ASSERT_FALSE(view.has_segment);
    }
  }
}

TEST(ParseFrame, TrustedChecksumsAreNotComputed) {
  Frame frame = frames::Ipv4Data();
  frame[24] ^= 0xff;  // IPv4 header checksum.
  frame[50] ^= 0xff;  // TCP checksum.
  FrameView view;
  EXPECT_EQ(ParseFrame(frame, {}, &view), FrameVerdict::kBadIpChecksum);
  EXPECT_EQ(ParseFrame(frame, {.ip_checksum_trusted = true}, &view),
            FrameVerdict::kBadTcpChecksum);
  EXPECT_EQ(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kTcp);
}

TEST(ParseFrame, DataOffsets) {
  Frame frame = frames::Ipv4Data();  // 37 bytes of TCP header and data.
  FrameView view;
  frame[46] = 0x40;
  EXPECT_EQ(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kBadTcpHeader);
  frame[46] = 0x90;  // 36 bytes: one byte of payload is left.
  EXPECT_NE(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kTruncated);
  EXPECT_EQ(view.segment.payload.size(), 1u);
  frame[46] = 0xa0;  // 40 bytes.
  EXPECT_EQ(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kTruncated);
  EXPECT_TRUE(view.has_tuple);
  EXPECT_FALSE(view.has_segment);
}

TEST(ParseFrame, MalformedOptionsHaveTheirOwnVerdict) {
  Frame frame = frames::Ipv4Data();
  frame[57] = 0;  // The timestamps' length.
  FrameView view;
  EXPECT_EQ(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kBadTcpOptions);
  EXPECT_TRUE(view.has_tuple);
  EXPECT_TRUE(view.has_segment);
  EXPECT_TRUE(view.segment.options.malformed);
}

TEST(ParseFrame, IpLengthWithoutATcpHeaderIsTruncated) {
  Frame frame = frames::Ipv4Data();
  for (uint16_t tcp_bytes = 0; tcp_bytes < 20; ++tcp_bytes) {
    StoreBe16(&frame[16], static_cast<uint16_t>(20 + tcp_bytes));
    FrameView view;
    EXPECT_EQ(ParseFrame(frame, kTrustAll, &view), FrameVerdict::kTruncated);
    EXPECT_EQ(view.has_tuple, tcp_bytes >= 4) << tcp_bytes;
  }
}

TEST(ParseFrame, TypeAndVersionMustAgree) {
  Frame v4 = frames::Ipv4Data();
  StoreBe16(&v4[12], 0x86dd);
  FrameView view;
  EXPECT_EQ(ParseFrame(v4, kTrustAll, &view), FrameVerdict::kBadIpHeader);
  Frame v6 = frames::Ipv6Data();
  StoreBe16(&v6[12], 0x0800);
  EXPECT_EQ(ParseFrame(v6, kTrustAll, &view), FrameVerdict::kBadIpHeader);
}

TEST(FrameVerdict, EachHasItsOwnText) {
  std::set<std::string_view> texts;
  for (size_t i = 0; i < kFrameVerdictCount; ++i) {
    texts.insert(FrameVerdictText(static_cast<FrameVerdict>(i)));
  }
  EXPECT_EQ(texts.size(), kFrameVerdictCount);
  EXPECT_EQ(FrameVerdictText(FrameVerdict::kTcp), "whole plain TCP segment");
}

}  // namespace
}  // namespace chimney::packet
