// SPDX-License-Identifier: BSD-3-Clause
// The chimney's state objects (R17-R28) as values: neighbor <- path <- TCP.
#ifndef CHIMNEY_OFFLOAD_STATE_H_
#define CHIMNEY_OFFLOAD_STATE_H_

#include <cstdint>

#include "base/inet_address.h"
#include "base/time.h"
#include "tcp/connection_state.h"

namespace chimney::offload {

// Layer 2 next hop (spec section 2.3).
struct NeighborState {
  MacAddress source_mac;             // constant: host interface's MAC (R51)
  uint16_t vlan_id = 0;              // constant: 0 = untagged (R55, R121)
  MacAddress destination_mac;        // cached: next hop (R71)
  Duration host_reachability_delta;  // cached
  Duration nic_reachability_delta;   // delegated
};

// One route to one remote address (spec section 2.4).
struct PathState {
  IpAddress source;                // constant
  IpAddress destination;           // constant
  uint32_t path_mtu_bytes = 1500;  // cached: largest IP datagram (R70)
};

// Everything the target needs to run one connection.
struct ConnectionSnapshot {
  NeighborState neighbor;
  PathState path;
  tcp::TcpState tcp;

  FlowTuple Tuple() const {
    return FlowTuple{path.source, path.destination, tcp.constant.local_port,
                     tcp.constant.remote_port};
  }
};

}  // namespace chimney::offload

#endif  // CHIMNEY_OFFLOAD_STATE_H_
