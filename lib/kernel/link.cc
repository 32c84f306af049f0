// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/link.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>

#include "kernel/netlink.h"
#include "kernel/netlink_messages.h"

namespace chimney::kernel {

bool ParseLink(const nlmsghdr* message, LinkInfo* link) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(ifinfomsg)) return false;
  const auto* header =
      static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  AttributeTable<IFLA_MTU + 1> table;
  CollectAttributes(message, sizeof(*header), table);
  *link = LinkInfo{};
  link->index = header->ifi_index;
  link->up = (header->ifi_flags & IFF_UP) != 0;
  link->running = (header->ifi_flags & IFF_RUNNING) != 0;
  link->mtu_bytes = U32Or(table[IFLA_MTU], 0);
  const MacAddress none;
  if (!ToMac(table[IFLA_ADDRESS], &link->mac)) link->mac = none;
  if (table[IFLA_IFNAME] != nullptr &&
      mnl_attr_validate(table[IFLA_IFNAME], MNL_TYPE_NUL_STRING) == 0) {
    link->name = mnl_attr_get_str(table[IFLA_IFNAME]);
  }
  return true;
}

KernelError ReadLink(NetlinkSockets& sockets, const std::string& name,
                     LinkInfo* link) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return KernelError{KernelErrorCode::kSystemCall, ENODEV, "interface name"};
  }
  NetlinkRequest request(RTM_GETLINK, NetlinkAnswer::kOneMessage);
  request.AddHeader<ifinfomsg>()->ifi_family = AF_UNSPEC;
  mnl_attr_put_strz(request.message(), IFLA_IFNAME, name.c_str());
  bool found = false;
  KernelError error = AskNetlink(
      sockets, NETLINK_ROUTE, request, "RTM_GETLINK",
      [&](const nlmsghdr* message) { found = ParseLink(message, link); });
  if (error.ok() && !found) error.code = KernelErrorCode::kNetlink;
  if (error.system_errno == ENODEV) error.code = KernelErrorCode::kSystemCall;
  return error;
}

}  // namespace chimney::kernel
