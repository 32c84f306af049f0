// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/conntrack.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "kernel/netlink.h"

namespace chimney::kernel {

namespace {

constexpr uint16_t MessageType(uint8_t message) {
  return static_cast<uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | message);
}

void AddFlow(NetlinkRequest& request, const FlowTuple& flow) {
  const bool v4 = flow.local.IsV4();
  auto* header = request.AddHeader<nfgenmsg>();
  header->nfgen_family = v4 ? AF_INET : AF_INET6;
  header->version = NFNETLINK_V0;
  nlmsghdr* message = request.message();
  nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
  nlattr* ip = mnl_attr_nest_start(message, CTA_TUPLE_IP);
  request.AddAddress(v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, flow.local);
  request.AddAddress(v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, flow.remote);
  mnl_attr_nest_end(message, ip);
  nlattr* proto = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_TCP);
  mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(flow.local_port));
  mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(flow.remote_port));
  mnl_attr_nest_end(message, proto);
  mnl_attr_nest_end(message, tuple);
}

bool ParseTuple(const nlattr* attribute, FlowTuple* flow) {
  AttributeTable<CTA_TUPLE_PROTO + 1> parts;
  CollectNested(attribute, parts);
  AttributeTable<CTA_IP_V6_DST + 1> ip;
  CollectNested(parts[CTA_TUPLE_IP], ip);
  AttributeTable<CTA_PROTO_DST_PORT + 1> proto;
  CollectNested(parts[CTA_TUPLE_PROTO], proto);
  const bool v4 = ip[CTA_IP_V4_SRC] != nullptr;
  flow->local_port = Be16Or(proto[CTA_PROTO_SRC_PORT], 0);
  flow->remote_port = Be16Or(proto[CTA_PROTO_DST_PORT], 0);
  return ToAddress(ip[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], &flow->local) &&
         ToAddress(ip[v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST], &flow->remote);
}

bool IsLiberal(const nlattr* attribute) {
  nf_ct_tcp_flags flags{};
  if (attribute == nullptr ||
      mnl_attr_get_payload_len(attribute) < sizeof(flags)) {
    return false;
  }
  std::memcpy(&flags, mnl_attr_get_payload(attribute), sizeof(flags));
  return (flags.flags & IP_CT_TCP_FLAG_BE_LIBERAL) != 0;
}

void ParseEntry(const nlmsghdr* message, ConntrackInfo* info) {
  AttributeTable<CTA_TIMEOUT + 1> table;
  CollectAttributes(message, sizeof(nfgenmsg), table);
  FlowTuple original;
  FlowTuple reply;
  if (!ParseTuple(table[CTA_TUPLE_ORIG], &original) ||
      !ParseTuple(table[CTA_TUPLE_REPLY], &reply)) {
    return;
  }
  info->tracked = true;
  const uint32_t status = Be32Or(table[CTA_STATUS], 0);
  info->nat = (status & (IPS_SRC_NAT | IPS_DST_NAT)) != 0 ||
              !(reply == original.Reversed());
  info->timeout_seconds = Be32Or(table[CTA_TIMEOUT], 0);
  AttributeTable<CTA_PROTOINFO_TCP + 1> protocol;
  CollectNested(table[CTA_PROTOINFO], protocol);
  AttributeTable<CTA_PROTOINFO_TCP_FLAGS_REPLY + 1> tcp;
  CollectNested(protocol[CTA_PROTOINFO_TCP], tcp);
  info->liberal_both_ways = IsLiberal(tcp[CTA_PROTOINFO_TCP_FLAGS_ORIGINAL]) &&
                            IsLiberal(tcp[CTA_PROTOINFO_TCP_FLAGS_REPLY]);
}

// What the kernel answers where it has no entry or no connection tracking.
bool MeansNotTracked(int system_errno) {
  return system_errno == ENOENT || system_errno == EINVAL ||
         system_errno == EOPNOTSUPP || system_errno == EPROTONOSUPPORT;
}

}  // namespace

KernelError ReadConntrack(NetlinkSockets& sockets, const FlowTuple& tuple,
                          ConntrackInfo* info) {
  *info = ConntrackInfo{};
  NetlinkRequest request(MessageType(IPCTNL_MSG_CT_GET),
                         NetlinkAnswer::kOneMessage);
  AddFlow(request, tuple);
  const KernelError error =
      AskNetlink(sockets, NETLINK_NETFILTER, request, "conntrack lookup",
                 [&](const nlmsghdr* message) { ParseEntry(message, info); });
  if (!error.ok() && MeansNotTracked(error.system_errno)) return {};
  return error;
}

KernelError PrepareConntrack(NetlinkSockets& sockets, const FlowTuple& tuple,
                             uint32_t timeout_seconds) {
  ConntrackInfo info;
  KernelError error = ReadConntrack(sockets, tuple, &info);
  if (!error.ok()) {
    error.code = KernelErrorCode::kConntrack;
    return error;
  }
  return PrepareConntrack(sockets, tuple, info, timeout_seconds);
}

KernelError PrepareConntrack(NetlinkSockets& sockets, const FlowTuple& tuple,
                             const ConntrackInfo& info,
                             uint32_t timeout_seconds) {
  if (!info.tracked) return {};
  if (info.nat) return KernelError{KernelErrorCode::kNat, 0, "conntrack"};
  if (info.liberal_both_ways && info.timeout_seconds > timeout_seconds / 2) {
    return {};
  }
  NetlinkRequest request(MessageType(IPCTNL_MSG_CT_NEW),
                         NetlinkAnswer::kAcknowledgement);
  AddFlow(request, tuple);
  nlmsghdr* message = request.message();
  mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(timeout_seconds));
  nlattr* protocol = mnl_attr_nest_start(message, CTA_PROTOINFO);
  nlattr* tcp = mnl_attr_nest_start(message, CTA_PROTOINFO_TCP);
  const nf_ct_tcp_flags liberal = {IP_CT_TCP_FLAG_BE_LIBERAL,
                                   IP_CT_TCP_FLAG_BE_LIBERAL};
  mnl_attr_put(message, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(liberal),
               &liberal);
  mnl_attr_put(message, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(liberal),
               &liberal);
  mnl_attr_nest_end(message, tcp);
  mnl_attr_nest_end(message, protocol);
  KernelError error = AskNetlink(sockets, NETLINK_NETFILTER, request,
                                 "conntrack update", [](const nlmsghdr*) {});
  if (error.system_errno == ENOENT) return {};  // expired in between
  if (!error.ok()) error.code = KernelErrorCode::kConntrack;
  return error;
}

}  // namespace chimney::kernel
