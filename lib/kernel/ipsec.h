// SPDX-License-Identifier: BSD-3-Clause
// Whether an IPsec policy of this namespace takes a flow. Internal to the room.
#ifndef CHIMNEY_KERNEL_IPSEC_H_
#define CHIMNEY_KERNEL_IPSEC_H_

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"

struct xfrm_selector;

namespace chimney::kernel {

// kIpsec if a policy that transforms or blocks covers either direction. A
// kernel without IPsec has no policies.
KernelError CheckIpsec(NetlinkSockets& sockets, const FlowTuple& tuple);

// Whether packets of the flow, from local to remote, match the selector. Pure.
bool SelectorMatches(const xfrm_selector& selector, const FlowTuple& flow);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_IPSEC_H_
