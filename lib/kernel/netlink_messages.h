// SPDX-License-Identifier: BSD-3-Clause
// rtnetlink messages as values. Internal to the room.
#ifndef CHIMNEY_KERNEL_NETLINK_MESSAGES_H_
#define CHIMNEY_KERNEL_NETLINK_MESSAGES_H_

#include "kernel/link.h"
#include "kernel/neighbor.h"
#include "kernel/netlink.h"

namespace chimney::kernel {

// False if the message is too short for what it claims to be.
bool ParseLink(const nlmsghdr* message, LinkInfo* link);
// False also for entries that are no unicast ARP or neighbor discovery ones.
bool ParseNeighbor(const nlmsghdr* message, NeighborInfo* neighbor);
bool ParseAddress(const nlmsghdr* message, int* interface_index,
                  IpAddress* address);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_NETLINK_MESSAGES_H_
