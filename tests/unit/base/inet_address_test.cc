// SPDX-License-Identifier: BSD-3-Clause
// Addresses, tuples, their hash and their text.
#include "base/inet_address.h"

#include <gtest/gtest.h>

#include <set>

#include "base/inet_text.h"

namespace chimney {
namespace {

IpAddress Ip(std::string_view text) {
  const std::optional<IpAddress> address = ParseIpAddress(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress{});
}

FlowTuple Tuple(std::string_view local, std::string_view remote) {
  return FlowTuple{Ip(local), Ip(remote), 5000, 443};
}

TEST(IpAddress, V4TakesTheFirstFourBytes) {
  const IpAddress address = IpAddress::FromV4(0x0a4d0001);
  EXPECT_TRUE(address.IsV4());
  EXPECT_EQ(address.bytes, (std::array<uint8_t, 16>{10, 77, 0, 1, 0, 0, 0, 0, 0,
                                                    0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(address.v4(), 0x0a4d0001u);
  EXPECT_EQ(address.WireBytes().size(), 4u);
  EXPECT_EQ(address, Ip("10.77.0.1"));
}

TEST(IpAddress, FamiliesNeverCompareEqual) {
  IpAddress v6;
  v6.family = IpFamily::kIpv6;
  EXPECT_NE(IpAddress{}, v6);
  EXPECT_TRUE(v6.IsUnspecified());
  EXPECT_EQ(v6.WireBytes().size(), 16u);
}

TEST(IpAddress, KnowsSpecialAddresses) {
  EXPECT_TRUE(Ip("0.0.0.0").IsUnspecified());
  EXPECT_TRUE(Ip("::").IsUnspecified());
  EXPECT_TRUE(Ip("224.0.0.1").IsMulticast());
  EXPECT_TRUE(Ip("239.255.255.255").IsMulticast());
  EXPECT_FALSE(Ip("240.0.0.1").IsMulticast());
  EXPECT_TRUE(Ip("ff02::1").IsMulticast());
  EXPECT_FALSE(Ip("fe80::1").IsMulticast());
  EXPECT_TRUE(Ip("127.1.2.3").IsLoopback());
  EXPECT_TRUE(Ip("::1").IsLoopback());
  EXPECT_FALSE(Ip("::2").IsLoopback());
  EXPECT_FALSE(Ip("fd77::1").IsLoopback());
}

TEST(IpAddress, TextGoesBothWays) {
  // IPv6 forms are those of RFC 5952.
  for (const char* text :
       {"0.0.0.0", "10.77.0.1", "255.255.255.255", "fd77::1", "::", "::1",
        "1::", "2001:db8::ff00:42:8329", "2001:db8:0:1:1:1:1:1",
        "2001:0:0:1::1", "2001:db8::1:0:0:1", "::ffff:192.0.2.128",
        "::1:2:3:4:5:6", "1:2:3:4:5:6:7:8", "fe80::a00:27ff:fe4e:66a1"}) {
    EXPECT_EQ(ToString(Ip(text)), text);
  }
}

TEST(IpAddress, OtherFormsAreReadAndPrintedInOne) {
  EXPECT_EQ(ToString(Ip("2001:0DB8:0:0:0:0:0:0001")), "2001:db8::1");
  EXPECT_EQ(ToString(Ip("0:0:0:0:0:0:0:0")), "::");
  EXPECT_EQ(ToString(Ip("2001:db8::1:1:1:1:1")), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(ToString(Ip("1:2:3:4:5:6:7::")), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(ToString(Ip("::2:3:4:5:6:7:8")), "0:2:3:4:5:6:7:8");
  EXPECT_EQ(ToString(Ip("64:ff9b::192.0.2.33")), "64:ff9b::c000:221");
  EXPECT_EQ(ToString(Ip("1:2:3:4:5:6:10.77.0.1")), "1:2:3:4:5:6:a4d:1");
}

TEST(IpAddress, TextThatIsNoAddressIsRefused) {
  for (const char* text : {"",
                           "10.77.0",
                           "10.77.0.256",
                           "10.77.0.1 ",
                           " 10.77.0.1",
                           "10.77.0.01",
                           "10.77.0.1.",
                           "10..0.1",
                           "10.77.0.1:80",
                           "10.77.0.1.1",
                           "0x0a.1.1.1",
                           "host",
                           "fd77:1",
                           "fd77::1%eth0",
                           ":",
                           ":::",
                           "1:::2",
                           "::1::",
                           ":1::",
                           "1::2:",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4::5:6:7:8",
                           "fd77::12345",
                           "fd77::g",
                           "1:2:3:4:5:6:7:10.77.0.1",
                           "10.77.0.1::",
                           "::10.77.0",
                           "::10.77.0.1:1",
                           "[::1]"}) {
    EXPECT_FALSE(ParseIpAddress(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseIpAddress(std::string_view("10.77.0.1\0x", 11)));
}

TEST(MacAddress, TextGoesBothWays) {
  const std::optional<MacAddress> mac = ParseMacAddress("02:00:5e:Aa:bB:0f");
  ASSERT_TRUE(mac.has_value());
  EXPECT_EQ(*mac, (MacAddress{{0x02, 0x00, 0x5e, 0xaa, 0xbb, 0x0f}}));
  EXPECT_EQ(ToString(*mac), "02:00:5e:aa:bb:0f");
  for (const char* text : {"", "02:00:5e:aa:bb", "02-00-5e-aa-bb-0f",
                           "02:00:5e:aa:bb:0g", "02:00:5e:aa:bb:0f:"}) {
    EXPECT_FALSE(ParseMacAddress(text).has_value()) << text;
  }
}

TEST(MacAddress, KnowsGroupAddresses) {
  EXPECT_TRUE(ParseMacAddress("ff:ff:ff:ff:ff:ff")->IsBroadcast());
  EXPECT_TRUE(ParseMacAddress("01:00:5e:00:00:01")->IsMulticast());
  EXPECT_FALSE(ParseMacAddress("02:00:00:00:00:01")->IsMulticast());
  EXPECT_TRUE(MacAddress{}.IsZero());
}

TEST(FlowTuple, ReversedIsTheOtherEndsView) {
  const FlowTuple tuple = Tuple("10.77.0.1", "10.77.0.2");
  const FlowTuple reversed = tuple.Reversed();
  EXPECT_EQ(reversed.local, tuple.remote);
  EXPECT_EQ(reversed.local_port, tuple.remote_port);
  EXPECT_NE(reversed, tuple);
  EXPECT_EQ(reversed.Reversed(), tuple);
}

TEST(FlowTuple, TextShowsLocalFirst) {
  EXPECT_EQ(ToString(Tuple("10.77.0.1", "10.77.0.2")),
            "10.77.0.1:5000 > 10.77.0.2:443");
  EXPECT_EQ(ToString(Tuple("fd77::1", "fd77::2")),
            "[fd77::1]:5000 > [fd77::2]:443");
}

TEST(FlowTuple, HashDependsOnEveryField) {
  const HashKey key{1, 2};
  for (const FlowTuple& base :
       {Tuple("10.77.0.1", "10.77.0.2"), Tuple("fd77::1", "fd77::2")}) {
    std::set<uint64_t> hashes = {HashFlowTuple(key, base)};
    const size_t address_bytes = base.local.WireBytes().size();
    for (size_t i = 0; i < address_bytes; ++i) {
      FlowTuple local = base;
      local.local.bytes[i] ^= 0x80;
      FlowTuple remote = base;
      remote.remote.bytes[i] ^= 0x80;
      hashes.insert(HashFlowTuple(key, local));
      hashes.insert(HashFlowTuple(key, remote));
    }
    FlowTuple local_port = base;
    ++local_port.local_port;
    FlowTuple remote_port = base;
    ++remote_port.remote_port;
    hashes.insert(HashFlowTuple(key, local_port));
    hashes.insert(HashFlowTuple(key, remote_port));
    hashes.insert(HashFlowTuple(key, base.Reversed()));
    hashes.insert(HashFlowTuple(HashKey{1, 3}, base));
    EXPECT_EQ(hashes.size(), 1 + 2 * address_bytes + 4);
    EXPECT_EQ(HashFlowTuple(key, base), HashFlowTuple(key, FlowTuple(base)));
  }
}

}  // namespace
}  // namespace chimney
