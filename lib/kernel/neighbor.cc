// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/neighbor.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "kernel/netlink.h"
#include "kernel/netlink_messages.h"

namespace chimney::kernel {

namespace {

Reachability ReachabilityOf(uint16_t nud_state) {
  if ((nud_state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE)) != 0) {
    return Reachability::kReachable;
  }
  if ((nud_state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0) {
    return Reachability::kStale;
  }
  if ((nud_state & NUD_FAILED) != 0) return Reachability::kFailed;
  return Reachability::kUnresolved;
}

ndmsg* AddNeighborHeader(NetlinkRequest& request, int interface_index,
                         const IpAddress& address) {
  auto* header = request.AddHeader<ndmsg>();
  header->ndm_family = address.IsV4() ? AF_INET : AF_INET6;
  header->ndm_ifindex = interface_index;
  return header;
}

}  // namespace

bool ParseNeighbor(const nlmsghdr* message, NeighborInfo* neighbor) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(ndmsg)) return false;
  const auto* header =
      static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
  if (header->ndm_family != AF_INET && header->ndm_family != AF_INET6) {
    return false;
  }
  AttributeTable<NDA_LLADDR + 1> table;
  CollectAttributes(message, sizeof(*header), table);
  *neighbor = NeighborInfo{};
  if (!ToAddress(table[NDA_DST], &neighbor->address)) return false;
  if (neighbor->address.IsMulticast()) return false;
  neighbor->interface_index = header->ndm_ifindex;
  neighbor->reachability = ReachabilityOf(header->ndm_state);
  neighbor->has_mac = ToMac(table[NDA_LLADDR], &neighbor->mac) &&
                      (neighbor->reachability == Reachability::kReachable ||
                       neighbor->reachability == Reachability::kStale);
  return true;
}

KernelError ReadNeighbor(NetlinkSockets& sockets, int interface_index,
                         const IpAddress& address, NeighborInfo* neighbor) {
  *neighbor = NeighborInfo{};
  neighbor->interface_index = interface_index;
  neighbor->address = address;
  NetlinkRequest request(RTM_GETNEIGH, NetlinkAnswer::kOneMessage);
  AddNeighborHeader(request, interface_index, address);
  request.AddAddress(NDA_DST, address);
  NeighborInfo answer;
  bool found = false;
  const KernelError error =
      AskNetlink(sockets, NETLINK_ROUTE, request, "RTM_GETNEIGH",
                 [&](const nlmsghdr* message) {
                   found = ParseNeighbor(message, &answer);
                 });
  if (error.system_errno == ENOENT) return {};
  if (error.ok() && found && answer.address == address) *neighbor = answer;
  return error;
}

KernelError ProbeNeighbor(NetlinkSockets& sockets, int interface_index,
                          const IpAddress& address) {
  // NTF_USE makes the kernel do what sending a packet would make it do.
  NetlinkRequest request(RTM_NEWNEIGH, NetlinkAnswer::kAcknowledgement,
                         NLM_F_CREATE | NLM_F_REPLACE);
  ndmsg* header = AddNeighborHeader(request, interface_index, address);
  header->ndm_state = NUD_NONE;
  header->ndm_flags = NTF_USE;
  request.AddAddress(NDA_DST, address);
  return AskNetlink(sockets, NETLINK_ROUTE, request, "RTM_NEWNEIGH",
                    [](const nlmsghdr*) {});
}

}  // namespace chimney::kernel
