// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/ipsec.h"

#include <linux/xfrm.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "kernel/netlink.h"

namespace chimney::kernel {

namespace {

bool PrefixMatches(const xfrm_address_t& selector, uint8_t prefix_bits,
                   const IpAddress& address) {
  const auto* wanted = reinterpret_cast<const uint8_t*>(&selector);
  const ByteSpan bytes = address.WireBytes();
  if (prefix_bits > bytes.size() * 8) return false;
  const size_t whole = prefix_bits / 8;
  if (std::memcmp(wanted, bytes.data(), whole) != 0) return false;
  const unsigned int rest = prefix_bits % 8;
  if (rest == 0) return true;
  return ((wanted[whole] ^ bytes[whole]) >> (8 - rest)) == 0;
}

bool PortMatches(uint16_t wanted_be, uint16_t mask_be, uint16_t port) {
  return ((wanted_be ^ htons(port)) & mask_be) == 0;
}

// How many policies there are, so that a dump is only made where it is needed;
// the caller has made sure that the kernel knows the question.
KernelError CountPolicies(NetlinkSockets& sockets, uint64_t* count) {
  NetlinkRequest request(XFRM_MSG_GETSPDINFO, NetlinkAnswer::kOneMessage);
  *request.AddHeader<uint32_t>() = 0xffffffff;
  *count = 0;
  return AskNetlink(sockets, NETLINK_XFRM, request, "XFRM_MSG_GETSPDINFO",
                    [count](const nlmsghdr* message) {
                      AttributeTable<XFRMA_SPD_INFO + 1> table;
                      CollectAttributes(message, sizeof(uint32_t), table);
                      xfrmu_spdinfo info{};
                      const nlattr* attribute = table[XFRMA_SPD_INFO];
                      if (attribute == nullptr ||
                          mnl_attr_get_payload_len(attribute) < sizeof(info)) {
                        return;
                      }
                      std::memcpy(&info, mnl_attr_get_payload(attribute),
                                  sizeof(info));
                      // The last three count policies of single sockets.
                      *count = uint64_t{info.incnt} + info.outcnt +
                               info.inscnt + info.outscnt + info.fwdscnt;
                    });
}

bool PolicyCovers(const nlmsghdr* message, const FlowTuple& tuple) {
  if (message->nlmsg_type != XFRM_MSG_NEWPOLICY ||
      mnl_nlmsg_get_payload_len(message) < sizeof(xfrm_userpolicy_info)) {
    return false;
  }
  // Netlink aligns to four bytes, the structure wants eight.
  xfrm_userpolicy_info policy{};
  std::memcpy(&policy, mnl_nlmsg_get_payload(message), sizeof(policy));
  if (policy.dir == XFRM_POLICY_FWD) return false;
  AttributeTable<XFRMA_TMPL + 1> table;
  CollectAttributes(message, sizeof(policy), table);
  const bool plain =
      policy.action == XFRM_POLICY_ALLOW && table[XFRMA_TMPL] == nullptr;
  if (plain) return false;
  const bool may_be_out = policy.dir != XFRM_POLICY_IN;
  const bool may_be_in = policy.dir != XFRM_POLICY_OUT;
  return (may_be_out && SelectorMatches(policy.sel, tuple)) ||
         (may_be_in && SelectorMatches(policy.sel, tuple.Reversed()));
}

// A kernel that cannot do IPsec says so in one of these ways.
bool MeansNoIpsec(int system_errno) {
  return system_errno == EPROTONOSUPPORT || system_errno == EOPNOTSUPP ||
         system_errno == ENOENT;
}

}  // namespace

bool SelectorMatches(const xfrm_selector& selector, const FlowTuple& flow) {
  const uint16_t family = flow.local.IsV4() ? AF_INET : AF_INET6;
  if (selector.family != AF_UNSPEC && selector.family != family) return false;
  if (selector.proto != 0 && selector.proto != IPPROTO_TCP) return false;
  if (!PortMatches(selector.sport, selector.sport_mask, flow.local_port) ||
      !PortMatches(selector.dport, selector.dport_mask, flow.remote_port)) {
    return false;
  }
  return PrefixMatches(selector.saddr, selector.prefixlen_s, flow.local) &&
         PrefixMatches(selector.daddr, selector.prefixlen_d, flow.remote);
}

KernelError CheckIpsec(NetlinkSockets& sockets, const FlowTuple& tuple) {
  uint64_t count = 0;
  KernelError error = CountPolicies(sockets, &count);
  if (!error.ok())
    return MeansNoIpsec(error.system_errno) ? KernelError{} : error;
  if (count == 0) return {};
  NetlinkRequest request(XFRM_MSG_GETPOLICY, NetlinkAnswer::kDump);
  request.AddHeader<xfrm_userpolicy_id>();
  bool covered = false;
  error = AskNetlink(sockets, NETLINK_XFRM, request, "XFRM_MSG_GETPOLICY",
                     [&](const nlmsghdr* message) {
                       covered = covered || PolicyCovers(message, tuple);
                     });
  if (!error.ok()) return error;
  if (covered) return KernelError{KernelErrorCode::kIpsec, 0, "policy"};
  return {};
}

}  // namespace chimney::kernel
