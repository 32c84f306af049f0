// SPDX-License-Identifier: BSD-3-Clause
// Network interfaces of the calling thread's network namespace, as rtnetlink
// tells them. Blocks for one round trip into the kernel.
#ifndef CHIMNEY_KERNEL_LINK_H_
#define CHIMNEY_KERNEL_LINK_H_

#include <cstdint>
#include <string>

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"

namespace chimney::kernel {

struct LinkInfo {
  int index = 0;
  std::string name;
  MacAddress mac;  // zero where the interface has none
  uint32_t mtu_bytes = 0;
  bool up = false;       // IFF_UP
  bool running = false;  // IFF_RUNNING: it has a carrier, too
};

// kSystemCall with ENODEV if there is no such interface.
KernelError ReadLink(NetlinkSockets& sockets, const std::string& name,
                     LinkInfo* link);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_LINK_H_
