// SPDX-License-Identifier: BSD-3-Clause
// What the kernel cannot be told through TCP_REPAIR and has to hear from "the
// peer": TS.Recent, the acknowledgement of our FIN, the peer's FIN (design D3),
// and what makes it announce its window.
// Pure: the plan follows from the image alone, and the caller builds the frames
// and puts them on the host port.
#ifndef CHIMNEY_KERNEL_INJECT_PLAN_H_
#define CHIMNEY_KERNEL_INJECT_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/seq.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

// A segment without payload from the peer to the socket. ACK is always set.
struct PeerSegment {
  SeqNum seq;
  SeqNum ack;
  bool fin = false;
  bool rst = false;
  uint16_t window_raw = 0;  // as on the wire, scaled down
  bool has_timestamps = false;
  uint32_t tsval = 0;  // TS.Recent
  uint32_t tsecr = 0;  // zero: the kernel takes no RTT sample from it
};

struct InjectPlan {
  static constexpr size_t kMaxSegments = 2;        // of any state
  std::array<PeerSegment, kMaxSegments> segments;  // in this order
  size_t count = 0;
  // Restore shuts the send half down in repair mode, where the FIN counts as
  // sent; the kernel then stands in FIN_WAIT1.
  bool fin_in_repair = false;
  // CompleteUpload shuts the send half down: the FIN was never sent, or must
  // follow the peer's (LAST_ACK; the kernel sends the FIN a second time).
  bool fin_after_segments = false;
  // CompleteUpload waits (kNotYet) until the socket has seen the peer's FIN.
  bool await_peer_fin = false;
};

// The plan for every state from ESTABLISHED to TIME_WAIT. CLOSED (the exchange
// of FINs is over) is planned as TIME_WAIT: the kernel keeps the 4-tuple for a
// minute. Any other state gives an empty plan. A segment that only carries
// TS.Recent is left out where the connection has no timestamps or TS.Recent is
// not known.
InjectPlan PlanInjection(const SocketImage& image);

// A reset from the peer, for a connection that ended by one while it was away:
// restore it as ESTABLISHED, thaw it, inject this. The application sees
// ECONNRESET, as it would have without the offload.
PeerSegment PlanReset(const SocketImage& image);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_INJECT_PLAN_H_
