// SPDX-License-Identifier: BSD-3-Clause
// Frames that the daemon gives the kernel in a peer's name: the fence of an
// offload and the segments that complete an upload (design D2, D3).
#ifndef CHIMNEY_DAEMON_PEER_FRAME_H_
#define CHIMNEY_DAEMON_PEER_FRAME_H_

#include <cstdint>
#include <vector>

#include "base/inet_address.h"
#include "base/seq.h"
#include "offload/state.h"
#include "packet/frame_builder.h"

namespace chimney::daemon {

// One old byte of the peer of `tuple`, far below rcv_nxt: the kernel answers it
// with a duplicate ACK once it has processed everything that came before it.
std::vector<uint8_t> BuildFenceFrame(const FlowTuple& tuple,
                                     const MacAddress& host_mac,
                                     SeqNum rcv_nxt);

// A segment of the peer of `snapshot`'s connection, without payload. The MAC
// addresses and the VLAN are those of `snapshot.neighbor`, reversed.
std::vector<uint8_t> BuildPeerFrame(const offload::ConnectionSnapshot& snapshot,
                                    const packet::SegmentHeader& segment);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_PEER_FRAME_H_
