// SPDX-License-Identifier: BSD-3-Clause
// Links, routes, neighbors and their changes as the kernel tells them.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/inet_text.h"
#include "kernel/link.h"
#include "kernel/neighbor.h"
#include "kernel/netlink_watcher.h"
#include "kernel/route.h"
#include "lab_fixture.h"
#include "tcp_pair.h"

namespace chimney::kernel {
namespace {

IpAddress Address(const char* text) { return *ParseIpAddress(text); }

using Netlink = KernelLab;

TEST_F(Netlink, LinkIsRead) {
  LinkInfo link;
  ASSERT_TRUE(ReadLink(*sockets_, "host0", &link).ok());
  EXPECT_EQ(link.index, lab_->host_interface());
  EXPECT_EQ(link.name, "host0");
  EXPECT_TRUE(link.mac == lab_->host_mac());
  EXPECT_EQ(link.mtu_bytes, 1500u);
  EXPECT_TRUE(link.up);
  EXPECT_TRUE(link.running);
  EXPECT_EQ(ReadLink(*sockets_, "nosuch0", &link).system_errno, ENODEV);
  EXPECT_EQ(
      ReadLink(*sockets_, "a-name-longer-than-allowed", &link).system_errno,
      ENODEV);
  EXPECT_EQ(ReadLink(*sockets_, "", &link).system_errno, ENODEV);
}

TEST_F(Netlink, RouteIsReadForBothFamilies) {
  RouteQuery query;
  RouteInfo route;
  query.destination = Address("10.99.0.2");
  ASSERT_TRUE(ReadRoute(*sockets_, query, &route).ok());
  EXPECT_EQ(route.output_interface, lab_->host_interface());
  EXPECT_FALSE(route.is_local);
  EXPECT_FALSE(route.has_gateway);
  EXPECT_EQ(ToString(route.source), "10.99.0.1");
  query.destination = Address("10.99.0.1");
  ASSERT_TRUE(ReadRoute(*sockets_, query, &route).ok());
  EXPECT_TRUE(route.is_local);
  query.destination = Address("192.0.2.1");
  EXPECT_EQ(ReadRoute(*sockets_, query, &route).code,
            KernelErrorCode::kNoRoute);

  ASSERT_TRUE(lab_->Run(Side::kHost,
                        "ip route add 192.0.2.0/24 via 10.99.0.2 mtu 1234 && "
                        "ip -6 route add 2001:db8::/32 via fd99::2"));
  ASSERT_TRUE(ReadRoute(*sockets_, query, &route).ok());
  EXPECT_TRUE(route.has_gateway);
  EXPECT_EQ(ToString(route.next_hop), "10.99.0.2");
  EXPECT_EQ(route.path_mtu_bytes, 1234u);
  query = RouteQuery{};
  query.source = Address("fd99::1");
  query.destination = Address("2001:db8::5");
  query.source_port = 1000;
  query.destination_port = 2000;
  ASSERT_TRUE(ReadRoute(*sockets_, query, &route).ok());
  EXPECT_EQ(ToString(route.next_hop), "fd99::2");
  EXPECT_EQ(route.output_interface, lab_->host_interface());
}

TEST_F(Netlink, Ipv4RouteWithIpv6Gateway) {
  ASSERT_TRUE(lab_->Run(
      Side::kHost, "ip route add 198.51.100.0/24 via inet6 fd99::2 dev host0"));
  RouteQuery query;
  query.destination = Address("198.51.100.1");
  RouteInfo route;
  ASSERT_TRUE(ReadRoute(*sockets_, query, &route).ok());
  EXPECT_TRUE(route.has_gateway);
  EXPECT_EQ(ToString(route.next_hop), "fd99::2");
}

TEST_F(Netlink, NeighborIsRead) {
  for (const char* text : {"10.99.0.2", "fd99::2"}) {
    NeighborInfo neighbor;
    ASSERT_TRUE(ReadNeighbor(*sockets_, lab_->host_interface(), Address(text),
                             &neighbor)
                    .ok());
    EXPECT_TRUE(neighbor.has_mac) << text;
    EXPECT_TRUE(neighbor.mac == lab_->peer_mac());
    EXPECT_NE(neighbor.reachability, Reachability::kUnresolved);
  }
  NeighborInfo nobody;
  ASSERT_TRUE(ReadNeighbor(*sockets_, lab_->host_interface(),
                           Address("10.99.0.50"), &nobody)
                  .ok());
  EXPECT_FALSE(nobody.has_mac);
  EXPECT_EQ(nobody.reachability, Reachability::kUnresolved);
}

class Watcher : public KernelLab {
 protected:
  using Kind = NetlinkChange::Kind;
  // Changes until one satisfies `wanted`; false after a second without it.
  template <typename Predicate>
  bool Await(NetlinkWatcher& watcher, Predicate wanted) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      pollfd readiness{watcher.fd(), POLLIN, 0};
      poll(&readiness, 1, 10);
      std::vector<NetlinkChange> changes;
      EXPECT_TRUE(watcher.Read(&changes).ok());
      if (std::any_of(changes.begin(), changes.end(), wanted)) return true;
    }
    return false;
  }
};

TEST_F(Watcher, TellsWhatChanges) {
  std::unique_ptr<NetlinkWatcher> watcher;
  ASSERT_TRUE(NetlinkWatcher::Open(&watcher).ok());
  std::vector<NetlinkChange> none;
  ASSERT_TRUE(watcher->Read(&none).ok());

  lab_->Run(Side::kHost,
            "ip neigh replace 10.99.0.2 lladdr 02:00:00:00:00:77 dev host0");
  EXPECT_TRUE(Await(*watcher, [](const NetlinkChange& change) {
    return change.kind == Kind::kNeighbor && change.neighbor.has_mac &&
           ToString(change.neighbor.mac) == "02:00:00:00:00:77" &&
           ToString(change.neighbor.address) == "10.99.0.2";
  }));
  lab_->Run(Side::kHost, "ip neigh del 10.99.0.2 dev host0");
  EXPECT_TRUE(Await(*watcher, [](const NetlinkChange& change) {
    return !change.neighbor.has_mac && (change.kind == Kind::kNeighborGone ||
                                        change.kind == Kind::kNeighbor);
  }));
  lab_->Run(Side::kHost, "ip link set host0 mtu 1400");
  EXPECT_TRUE(Await(*watcher, [](const NetlinkChange& change) {
    return change.kind == Kind::kLink && change.link.mtu_bytes == 1400;
  }));
  lab_->Run(Side::kHost, "ip addr add 10.98.0.1/24 dev host0");
  EXPECT_TRUE(Await(*watcher, [](const NetlinkChange& change) {
    return change.kind == Kind::kAddressAdded &&
           ToString(change.address) == "10.98.0.1";
  }));
  lab_->Run(Side::kHost, "ip addr del 10.98.0.1/24 dev host0");
  EXPECT_TRUE(Await(*watcher, [](const NetlinkChange& change) {
    return change.kind == Kind::kAddressRemoved;
  }));
  lab_->Run(Side::kHost, "ip route add 192.0.2.0/24 via 10.99.0.9");
  EXPECT_TRUE(Await(*watcher, [](const NetlinkChange& change) {
    return change.kind == Kind::kRoute;
  }));
}

TEST_F(Watcher, ProbeResolvesANeighbor) {
  std::unique_ptr<NetlinkWatcher> watcher;
  ASSERT_TRUE(NetlinkWatcher::Open(&watcher).ok());
  lab_->Run(Side::kHost, "ip neigh flush dev host0");
  const KernelError error =
      ProbeNeighbor(*sockets_, lab_->host_interface(), Address("10.99.0.2"));
  ASSERT_TRUE(error.ok()) << error.ToString();
  const MacAddress wanted = lab_->peer_mac();
  EXPECT_TRUE(Await(*watcher, [&](const NetlinkChange& change) {
    return change.kind == Kind::kNeighbor && change.neighbor.has_mac &&
           change.neighbor.mac == wanted;
  }));
}

}  // namespace
}  // namespace chimney::kernel
