// SPDX-License-Identifier: BSD-3-Clause
// The kernel's ARP and neighbor discovery cache: layer 2 addresses of next
// hops.
#ifndef CHIMNEY_KERNEL_NEIGHBOR_H_
#define CHIMNEY_KERNEL_NEIGHBOR_H_

#include <cstdint>

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"

namespace chimney::kernel {

// The kernel's NUD states, merged to what a user of the address cares about.
enum class Reachability : uint8_t {
  kUnresolved,  // no entry, or resolution under way
  kReachable,   // confirmed lately, or permanent
  kStale,       // usable, will be confirmed when it is used
  kFailed,      // resolution failed
};

struct NeighborInfo {
  int interface_index = 0;
  IpAddress address;
  Reachability reachability = Reachability::kUnresolved;
  bool has_mac = false;  // mac is usable
  MacAddress mac;
};

// The entry of `address`; kUnresolved, and no error, if there is none.
KernelError ReadNeighbor(NetlinkSockets& sockets, int interface_index,
                         const IpAddress& address, NeighborInfo* neighbor);

// Asks the kernel to resolve or confirm the address now, as sending to it
// would. The result comes as a change (netlink_watcher.h).
KernelError ProbeNeighbor(NetlinkSockets& sockets, int interface_index,
                          const IpAddress& address);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_NEIGHBOR_H_
