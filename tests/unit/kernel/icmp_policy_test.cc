// SPDX-License-Identifier: BSD-3-Clause
// RFC 1191, RFC 8201, RFC 5927: which ICMP errors may change a path.
#include "kernel/icmp_policy.h"

#include <gtest/gtest.h>

namespace chimney::kernel {
namespace {

packet::IcmpError TooBig(IpFamily family, uint32_t mtu, uint32_t seq) {
  packet::IcmpError error;
  error.family = family;
  error.is_too_big = true;
  error.next_hop_mtu_bytes = mtu;
  error.quoted_seq = SeqNum(seq);
  return error;
}

const SeqNum kUna(1000);
const SeqNum kMax(5000);

TEST(IcmpPolicy, TooBigInFlightLowersThePath) {
  const IcmpDecision decision =
      DecideIcmp(TooBig(IpFamily::kIpv4, 1200, 1000), kUna, kMax, 1500);
  EXPECT_TRUE(decision.update_path);
  EXPECT_EQ(decision.path_mtu_bytes, 1200u);
}

TEST(IcmpPolicy, QuoteOutsideTheFlightIsIgnored) {
  for (const uint32_t seq : {999u, 5000u, 0u, 0xfffffff0u, 2000000000u}) {
    const IcmpDecision decision =
        DecideIcmp(TooBig(IpFamily::kIpv4, 1200, seq), kUna, kMax, 1500);
    EXPECT_FALSE(decision.update_path) << seq;
    EXPECT_EQ(decision.verdict, IcmpVerdict::kOutsideFlight);
  }
  // Nothing in flight: nothing can be quoted.
  EXPECT_FALSE(DecideIcmp(TooBig(IpFamily::kIpv4, 1200, 1000), kUna, kUna, 1500)
                   .update_path);
}

TEST(IcmpPolicy, FlightAcrossTheWrap) {
  EXPECT_TRUE(DecideIcmp(TooBig(IpFamily::kIpv4, 1200, 5), SeqNum(0xfffffff0),
                         SeqNum(100), 1500)
                  .update_path);
}

TEST(IcmpPolicy, FloorsOfLinux) {
  EXPECT_EQ(DecideIcmp(TooBig(IpFamily::kIpv4, 68, 1000), kUna, kMax, 1500)
                .path_mtu_bytes,
            552u);
  EXPECT_EQ(DecideIcmp(TooBig(IpFamily::kIpv6, 600, 1000), kUna, kMax, 1500)
                .path_mtu_bytes,
            1280u);
}

TEST(IcmpPolicy, NeverRaisesThePath) {
  for (const uint32_t mtu : {1500u, 9000u, 0xffffffffu}) {
    EXPECT_EQ(DecideIcmp(TooBig(IpFamily::kIpv4, mtu, 1000), kUna, kMax, 1500)
                  .verdict,
              IcmpVerdict::kNotSmaller);
  }
  EXPECT_EQ(
      DecideIcmp(TooBig(IpFamily::kIpv6, 100, 1000), kUna, kMax, 1280).verdict,
      IcmpVerdict::kNotSmaller);
}

TEST(IcmpPolicy, OldRouterWithoutMtuTakesTheNextPlateau) {
  EXPECT_EQ(DecideIcmp(TooBig(IpFamily::kIpv4, 0, 1000), kUna, kMax, 1500)
                .path_mtu_bytes,
            1492u);
  EXPECT_EQ(DecideIcmp(TooBig(IpFamily::kIpv4, 0, 1000), kUna, kMax, 9000)
                .path_mtu_bytes,
            8166u);
}

TEST(IcmpPolicy, OtherErrorsAreTheKernels) {
  packet::IcmpError error = TooBig(IpFamily::kIpv4, 1200, 1000);
  error.is_too_big = false;
  EXPECT_EQ(DecideIcmp(error, kUna, kMax, 1500).verdict,
            IcmpVerdict::kNotTooBig);
}

}  // namespace
}  // namespace chimney::kernel
