// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors that quote TCP segments.
#include "packet/icmp.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/endian.h"
#include "base/inet_text.h"
#include "packet/checksum.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::Frame;

constexpr size_t kV4Icmp = 34;  // behind Ethernet and IPv4
constexpr size_t kV6Icmp = 54;

// The right checksums for an IPv4 frame that a test has changed.
void FixIcmpv4(Frame* frame) {
  StoreBe16(&(*frame)[16], static_cast<uint16_t>(frame->size() - 14));
  StoreBe16(&(*frame)[24], 0);
  StoreBe16(&(*frame)[24],
            FinishChecksum(PartialSum(ByteSpan(*frame).subspan(14, 20))));
  StoreBe16(&(*frame)[kV4Icmp + 2], 0);
  StoreBe16(&(*frame)[kV4Icmp + 2],
            FinishChecksum(PartialSum(ByteSpan(*frame).subspan(kV4Icmp))));
}

void FixIcmpv6(Frame* frame) {
  const ByteSpan bytes(*frame);
  const size_t length = frame->size() - kV6Icmp;
  StoreBe16(&(*frame)[18], static_cast<uint16_t>(length));
  StoreBe16(&(*frame)[kV6Icmp + 2], 0);
  uint32_t sum = PartialSum(bytes.subspan(22, 32));  // both addresses
  sum += 58 + static_cast<uint32_t>(length);
  sum += PartialSum(bytes.subspan(kV6Icmp));
  StoreBe16(&(*frame)[kV6Icmp + 2], FinishChecksum(sum));
}

TEST(IcmpError, Ipv4TooBigWithEightQuotedBytes) {
  IcmpError error;
  ASSERT_TRUE(ParseIcmpError(frames::Icmpv4TooBig(), &error));
  EXPECT_EQ(error.family, IpFamily::kIpv4);
  EXPECT_EQ(error.type, 3);
  EXPECT_EQ(error.code, 4);
  EXPECT_TRUE(error.is_too_big);
  EXPECT_EQ(error.next_hop_mtu_bytes, 1200u);
  EXPECT_EQ(ToString(error.reporter), "10.77.0.254");
  EXPECT_EQ(ToString(error.quoted), "10.77.0.1:443 > 10.77.0.2:5001");
  EXPECT_EQ(error.quoted_seq, SeqNum(0xdeadbeef));
}

TEST(IcmpError, Ipv6TooBig) {
  IcmpError error;
  ASSERT_TRUE(ParseIcmpError(frames::Icmpv6TooBig(), &error));
  EXPECT_EQ(error.family, IpFamily::kIpv6);
  EXPECT_EQ(error.type, 2);
  EXPECT_TRUE(error.is_too_big);
  EXPECT_EQ(error.next_hop_mtu_bytes, 1280u);
  EXPECT_EQ(ToString(error.reporter), "fd77::fe");
  EXPECT_EQ(ToString(error.quoted), "[fd77::1]:443 > [fd77::2]:5001");
  EXPECT_EQ(error.quoted_seq, SeqNum(0xdeadbeef));
}

TEST(IcmpError, TaggedFramesToo) {
  IcmpError error;
  EXPECT_TRUE(ParseIcmpError(frames::WithTag(frames::Icmpv4TooBig(), 0x8100, 7),
                             &error));
  EXPECT_EQ(error.next_hop_mtu_bytes, 1200u);
}

TEST(IcmpError, OnlyErrorTypes) {
  for (int type = 0; type < 256; ++type) {
    Frame v4 = frames::Icmpv4TooBig();
    v4[kV4Icmp] = static_cast<uint8_t>(type);
    FixIcmpv4(&v4);
    IcmpError error;
    // RFC 792: unreachable, time exceeded, parameter problem.
    EXPECT_EQ(ParseIcmpError(v4, &error),
              type == 3 || type == 11 || type == 12);
    Frame v6 = frames::Icmpv6TooBig();
    v6[kV6Icmp] = static_cast<uint8_t>(type);
    FixIcmpv6(&v6);
    // RFC 4443: unreachable, too big, time exceeded, parameter problem.
    EXPECT_EQ(ParseIcmpError(v6, &error), type >= 1 && type <= 4) << type;
  }
}

TEST(IcmpError, OtherCodesCarryNoMtu) {
  Frame frame = frames::Icmpv4TooBig();
  frame[kV4Icmp + 1] = 1;  // Host unreachable.
  FixIcmpv4(&frame);
  IcmpError error;
  ASSERT_TRUE(ParseIcmpError(frame, &error));
  EXPECT_FALSE(error.is_too_big);
  EXPECT_EQ(error.next_hop_mtu_bytes, 0u);
}

TEST(IcmpError, EveryFlippedBitOfTheMessageIsRefused) {
  const Frame v4 = frames::Icmpv4TooBig();
  for (size_t bit = kV4Icmp * 8; bit < v4.size() * 8; ++bit) {
    Frame frame = v4;
    frame[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    IcmpError error;
    EXPECT_FALSE(ParseIcmpError(frame, &error)) << bit;
  }
  const Frame v6 = frames::Icmpv6TooBig();
  for (size_t bit = kV6Icmp * 8; bit < v6.size() * 8; ++bit) {
    Frame frame = v6;
    frame[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    IcmpError error;
    EXPECT_FALSE(ParseIcmpError(frame, &error)) << bit;
  }
}

TEST(IcmpError, ShorterQuotesAreRefused) {
  Frame v4 = frames::Icmpv4TooBig();
  while (v4.size() > kV4Icmp + 8) {
    v4.pop_back();
    FixIcmpv4(&v4);
    IcmpError error;
    EXPECT_FALSE(ParseIcmpError(v4, &error)) << v4.size();
  }
  Frame v6 = frames::Icmpv6TooBig();
  v6.resize(kV6Icmp + 8 + 40 + 8);  // Eight bytes of TCP are enough.
  FixIcmpv6(&v6);
  IcmpError error;
  EXPECT_TRUE(ParseIcmpError(v6, &error));
  while (v6.size() > kV6Icmp + 8) {
    v6.pop_back();
    FixIcmpv6(&v6);
    EXPECT_FALSE(ParseIcmpError(v6, &error)) << v6.size();
  }
}

TEST(IcmpError, QuoteBehindIpv4OptionsIsFound) {
  Frame frame = frames::Icmpv4TooBig();
  frame[kV4Icmp + 8] = 0x46;
  const uint8_t router_alert[4] = {0x94, 0x04, 0x00, 0x00};
  frame.insert(frame.begin() + kV4Icmp + 28, router_alert, router_alert + 4);
  FixIcmpv4(&frame);
  IcmpError error;
  ASSERT_TRUE(ParseIcmpError(frame, &error));
  EXPECT_EQ(error.quoted.local_port, 443);
  EXPECT_EQ(error.quoted_seq, SeqNum(0xdeadbeef));
}

TEST(IcmpError, QuotesOfOtherThingsAreRefused) {
  IcmpError error;
  Frame udp = frames::Icmpv4TooBig();
  udp[kV4Icmp + 8 + 9] = 17;
  FixIcmpv4(&udp);
  EXPECT_FALSE(ParseIcmpError(udp, &error));
  Frame later_fragment = frames::Icmpv4TooBig();
  StoreBe16(&later_fragment[kV4Icmp + 8 + 6], 0x0010);
  FixIcmpv4(&later_fragment);
  EXPECT_FALSE(ParseIcmpError(later_fragment, &error));
  Frame udp6 = frames::Icmpv6TooBig();
  udp6[kV6Icmp + 8 + 6] = 17;
  FixIcmpv6(&udp6);
  EXPECT_FALSE(ParseIcmpError(udp6, &error));
}

TEST(IcmpError, FragmentedErrorsAndTcpAreRefused) {
  IcmpError error;
  Frame fragment = frames::Icmpv4TooBig();
  StoreBe16(&fragment[20], 0x2000);
  FixIcmpv4(&fragment);
  EXPECT_FALSE(ParseIcmpError(fragment, &error));
  EXPECT_FALSE(ParseIcmpError(frames::Ipv4Data(), &error));
  EXPECT_FALSE(ParseIcmpError(frames::Ipv6Data(), &error));
}

}  // namespace
}  // namespace chimney::packet
