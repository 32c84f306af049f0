// SPDX-License-Identifier: BSD-3-Clause
// Which flows an IPsec policy's selector takes.
#include "kernel/ipsec.h"

#include <gtest/gtest.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <cstring>

#include "base/inet_text.h"

namespace chimney::kernel {
namespace {

FlowTuple Flow(const char* local, const char* remote) {
  FlowTuple flow;
  flow.local = *ParseIpAddress(local);
  flow.remote = *ParseIpAddress(remote);
  flow.local_port = 1000;
  flow.remote_port = 443;
  return flow;
}

xfrm_selector Selector(const char* destination, uint8_t prefix_bits) {
  const IpAddress address = *ParseIpAddress(destination);
  xfrm_selector selector{};
  selector.family = address.IsV4() ? AF_INET : AF_INET6;
  std::memcpy(&selector.daddr, address.WireBytes().data(),
              address.WireBytes().size());
  selector.prefixlen_d = prefix_bits;
  return selector;
}

TEST(IpsecSelector, PrefixesOfAnyLength) {
  const FlowTuple flow = Flow("10.0.0.1", "10.1.2.3");
  EXPECT_TRUE(SelectorMatches(Selector("10.1.2.3", 32), flow));
  EXPECT_FALSE(SelectorMatches(Selector("10.1.2.2", 32), flow));
  EXPECT_TRUE(SelectorMatches(Selector("10.1.2.2", 31), flow));
  EXPECT_TRUE(SelectorMatches(Selector("10.0.0.0", 15), flow));
  EXPECT_FALSE(SelectorMatches(Selector("10.0.0.0", 16), flow));
  EXPECT_TRUE(SelectorMatches(Selector("192.0.2.1", 0), flow));
  EXPECT_FALSE(SelectorMatches(Selector("10.1.2.3", 33), flow));
}

TEST(IpsecSelector, FamilyProtocolAndPorts) {
  const FlowTuple flow = Flow("2001:db8::1", "2001:db8::2");
  EXPECT_TRUE(SelectorMatches(Selector("2001:db8::", 64), flow));
  EXPECT_FALSE(SelectorMatches(Selector("10.0.0.0", 0), flow));
  xfrm_selector selector = Selector("2001:db8::", 64);
  selector.proto = IPPROTO_UDP;
  EXPECT_FALSE(SelectorMatches(selector, flow));
  selector.proto = IPPROTO_TCP;
  selector.dport = htons(443);
  selector.dport_mask = 0xffff;
  EXPECT_TRUE(SelectorMatches(selector, flow));
  selector.dport = htons(444);
  EXPECT_FALSE(SelectorMatches(selector, flow));
}

}  // namespace
}  // namespace chimney::kernel
