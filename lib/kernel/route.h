// SPDX-License-Identifier: BSD-3-Clause
// Where the kernel would send a packet now.
#ifndef CHIMNEY_KERNEL_ROUTE_H_
#define CHIMNEY_KERNEL_ROUTE_H_

#include <cstdint>

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"

namespace chimney::kernel {

struct RouteQuery {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;  // of TCP, host order; 0 = any
  uint16_t destination_port = 0;
  uint32_t mark = 0;        // SO_MARK
  uint8_t tos = 0;          // IP_TOS
  int bound_interface = 0;  // SO_BINDTODEVICE; 0 = none
};

struct RouteInfo {
  // The destination is an address of this host.
  bool is_local = false;
  int output_interface = 0;
  // The gateway, or the destination itself on a connected network.
  IpAddress next_hop;
  bool has_gateway = false;
  IpAddress source;  // what the kernel would choose, or the query's
  // Path MTU that the kernel has learned or was told; 0 = the interface's.
  uint32_t path_mtu_bytes = 0;
};

// kNoRoute if the kernel would not send the packet anywhere.
KernelError ReadRoute(NetlinkSockets& sockets, const RouteQuery& query,
                      RouteInfo* route);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_ROUTE_H_
