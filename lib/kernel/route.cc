// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/route.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "kernel/netlink.h"

namespace chimney::kernel {

namespace {

// RTA_VIA: an IPv4 route with an IPv6 gateway.
bool ToVia(const nlattr* attribute, IpAddress* gateway) {
  if (attribute == nullptr) return false;
  constexpr size_t kFamilyBytes = sizeof(rtvia);
  if (mnl_attr_get_payload_len(attribute) < kFamilyBytes + 16) return false;
  const auto* bytes =
      static_cast<const uint8_t*>(mnl_attr_get_payload(attribute));
  uint16_t family = 0;
  std::memcpy(&family, bytes, sizeof(family));
  if (family != AF_INET6) return false;
  *gateway = IpAddress::FromV6Bytes(
      std::span<const uint8_t, 16>(bytes + kFamilyBytes, 16));
  return true;
}

void AddQuery(NetlinkRequest& request, const RouteQuery& query) {
  const bool v4 = query.destination.IsV4();
  const uint8_t prefix_bits = v4 ? 32 : 128;
  auto* header = request.AddHeader<rtmsg>();
  header->rtm_family = v4 ? AF_INET : AF_INET6;
  header->rtm_dst_len = prefix_bits;
  header->rtm_tos = v4 ? static_cast<uint8_t>(query.tos & 0x1c) : 0;
  const bool has_source = !query.source.IsUnspecified();
  if (has_source) header->rtm_src_len = prefix_bits;
  request.AddAddress(RTA_DST, query.destination);
  if (has_source) request.AddAddress(RTA_SRC, query.source);
  nlmsghdr* message = request.message();
  mnl_attr_put_u8(message, RTA_IP_PROTO, IPPROTO_TCP);
  if (query.source_port != 0) {
    mnl_attr_put_u16(message, RTA_SPORT, htons(query.source_port));
  }
  if (query.destination_port != 0) {
    mnl_attr_put_u16(message, RTA_DPORT, htons(query.destination_port));
  }
  if (query.mark != 0) mnl_attr_put_u32(message, RTA_MARK, query.mark);
  if (query.bound_interface != 0) {
    mnl_attr_put_u32(message, RTA_OIF,
                     static_cast<uint32_t>(query.bound_interface));
  }
}

bool ParseRoute(const nlmsghdr* message, const RouteQuery& query,
                RouteInfo* route) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(rtmsg)) return false;
  const auto* header =
      static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  AttributeTable<RTA_VIA + 1> table;
  CollectAttributes(message, sizeof(*header), table);
  AttributeTable<RTAX_MTU + 1> metrics;
  CollectNested(table[RTA_METRICS], metrics);
  *route = RouteInfo{};
  route->is_local = header->rtm_type == RTN_LOCAL;
  route->output_interface = static_cast<int>(U32Or(table[RTA_OIF], 0));
  route->has_gateway = ToAddress(table[RTA_GATEWAY], &route->next_hop) ||
                       ToVia(table[RTA_VIA], &route->next_hop);
  if (!route->has_gateway) route->next_hop = query.destination;
  if (!ToAddress(table[RTA_PREFSRC], &route->source)) {
    route->source = query.source;
  }
  route->path_mtu_bytes = U32Or(metrics[RTAX_MTU], 0);
  return header->rtm_type == RTN_UNICAST || header->rtm_type == RTN_LOCAL;
}

}  // namespace

KernelError ReadRoute(NetlinkSockets& sockets, const RouteQuery& query,
                      RouteInfo* route) {
  NetlinkRequest request(RTM_GETROUTE, NetlinkAnswer::kOneMessage);
  AddQuery(request, query);
  bool usable = false;
  const KernelError error =
      AskNetlink(sockets, NETLINK_ROUTE, request, "RTM_GETROUTE",
                 [&](const nlmsghdr* message) {
                   usable = ParseRoute(message, query, route);
                 });
  if (!error.ok() || !usable) {
    return KernelError{KernelErrorCode::kNoRoute, error.system_errno,
                       "RTM_GETROUTE"};
  }
  return {};
}

}  // namespace chimney::kernel
