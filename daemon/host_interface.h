// SPDX-License-Identifier: BSD-3-Clause
// What the control core needs to know about the two ports once they run.
#ifndef CHIMNEY_DAEMON_HOST_INTERFACE_H_
#define CHIMNEY_DAEMON_HOST_INTERFACE_H_

#include <cstdint>
#include <string>

namespace chimney::daemon {

struct HostInterfaceInfo {
  std::string name;            // the kernel interface behind the host port
  uint32_t mtu_bytes = 0;      // largest IP datagram both ports carry
  std::string wire_port_text;  // driver and decided capabilities, for people
  std::string host_port_text;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_HOST_INTERFACE_H_
