// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/peer_frame.h"

#include <array>

namespace chimney::daemon {
namespace {

// The sender's address of frames that never leave this host; nothing answers
// it, since the kernel's answer goes where its routes say. Locally
// administered.
constexpr MacAddress kNobody{{0x02, 0x43, 0x48, 0x49, 0x4d, 0x00}};

// How far below RCV.NXT the fence's byte lies. It has to be below everything
// that may still be acknowledged, which is never more than the largest window,
// 2^30 bytes (RFC 7323 section 2.3): then the kernel answers it for its
// sequence number alone. A byte closer to RCV.NXT is taken for a retransmission
// and is only answered if its ACK field, which nobody here knows, pleases too.
constexpr uint32_t kFenceAge = (1u << 30) + 2;

std::vector<uint8_t> Build(const packet::HeaderTemplate& headers,
                           const packet::SegmentHeader& segment,
                           ByteSpan payload) {
  std::vector<uint8_t> frame(packet::kMaxHeaderBytes + payload.size());
  frame.resize(
      packet::BuildFrame(headers, segment, /*ip_id=*/0, payload, frame));
  return frame;
}

}  // namespace

std::vector<uint8_t> BuildFenceFrame(const FlowTuple& tuple,
                                     const MacAddress& host_mac,
                                     SeqNum rcv_nxt) {
  packet::HeaderTemplate headers;
  headers.src_mac = kNobody;
  headers.dst_mac = host_mac;
  headers.tuple = tuple.Reversed();
  packet::SegmentHeader segment;
  segment.seq = rcv_nxt - kFenceAge;
  segment.flags = packet::kTcpAck;
  constexpr std::array<uint8_t, 1> kOldByte = {0};
  return Build(headers, segment, kOldByte);
}

std::vector<uint8_t> BuildPeerFrame(const offload::ConnectionSnapshot& snapshot,
                                    const packet::SegmentHeader& segment) {
  packet::HeaderTemplate headers;
  headers.src_mac = snapshot.neighbor.destination_mac;
  headers.dst_mac = snapshot.neighbor.source_mac;
  headers.vlan_id = snapshot.neighbor.vlan_id;
  headers.tuple = snapshot.Tuple().Reversed();
  return Build(headers, segment, {});
}

}  // namespace chimney::daemon
