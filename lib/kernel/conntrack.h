// SPDX-License-Identifier: BSD-3-Clause
// The kernel's connection tracking of one flow (design D15). While a connection
// is away its tracker sees nothing, and on return it would take the sequence
// numbers for an attack, unless it was told to be liberal.
#ifndef CHIMNEY_KERNEL_CONNTRACK_H_
#define CHIMNEY_KERNEL_CONNTRACK_H_

#include <cstdint>

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"

namespace chimney::kernel {

struct ConntrackInfo {
  // False without an error: the flow is not tracked, or the kernel has no
  // connection tracking.
  bool tracked = false;
  bool nat = false;  // source or destination is translated on this host
  bool liberal_both_ways = false;
  uint32_t timeout_seconds = 0;  // until the entry would be forgotten
};

// The entry of the flow as this host's socket sees it, in the zone 0.
KernelError ReadConntrack(NetlinkSockets& sockets, const FlowTuple& tuple,
                          ConntrackInfo* info);

// Makes a tracked flow's entry liberal in both directions and lets it live for
// `timeout_seconds` from now; to be repeated while the connection is away. A
// flow that is not tracked is left alone without an error. kNat if the flow is
// translated, kConntrack if the kernel refuses. `info` is what ReadConntrack
// said of it; without it the entry is read first. An entry that is liberal and
// has more than half of that time left is not touched.
KernelError PrepareConntrack(NetlinkSockets& sockets, const FlowTuple& tuple,
                             const ConntrackInfo& info,
                             uint32_t timeout_seconds);
KernelError PrepareConntrack(NetlinkSockets& sockets, const FlowTuple& tuple,
                             uint32_t timeout_seconds);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_CONNTRACK_H_
