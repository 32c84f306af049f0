// SPDX-License-Identifier: BSD-3-Clause
// What the control core needs to know about the two ports once they run.
#ifndef CHIMNEY_DAEMON_HOST_INTERFACE_H_
#define CHIMNEY_DAEMON_HOST_INTERFACE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "dpdkio/port.h"

namespace chimney::daemon {

// What is counted and in use at the ports.
struct PortNumbers {
  dpdkio::PortStatistics wire;
  dpdkio::PortStatistics host;
  uint32_t mbufs = 0;
  uint32_t mbufs_in_use = 0;  // the ports' receive queues hold some for good
};

struct HostInterfaceInfo {
  std::string name;            // the kernel interface behind the host port
  uint32_t mtu_bytes = 0;      // largest IP datagram both ports carry
  std::string wire_port_text;  // driver and decided capabilities, for people
  std::string host_port_text;
  std::function<PortNumbers()> read_numbers;  // empty where there are no ports
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_HOST_INTERFACE_H_
