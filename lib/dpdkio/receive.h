// SPDX-License-Identifier: BSD-3-Clause
// Receiving from a port's queue, with frames as they were on the wire.
#ifndef CHIMNEY_DPDKIO_RECEIVE_H_
#define CHIMNEY_DPDKIO_RECEIVE_H_

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <cstdint>
#include <span>

namespace chimney::dpdkio {

// Puts VLAN tags that the driver took out back into the frames. Frames for
// which there is no room are freed; returns how many frames remain, in order,
// at the front.
uint16_t RestoreVlanTags(std::span<rte_mbuf*> frames);

struct ReceiveQueue {
  uint16_t port = 0;
  uint16_t queue = 0;
  // PortCapabilities::may_strip_vlan. The others' frames need no look.
  bool may_strip_vlan = true;
};

// Up to frames.size() frames. `*lost` grows by frames lost to missing headroom.
inline uint16_t ReceiveBurst(const ReceiveQueue& from,
                             std::span<rte_mbuf*> frames, uint64_t* lost) {
  uint16_t count = rte_eth_rx_burst(from.port, from.queue, frames.data(),
                                    static_cast<uint16_t>(frames.size()));
  if (!from.may_strip_vlan) return count;
  uint64_t flags = 0;
  for (uint16_t i = 0; i < count; ++i) flags |= frames[i]->ol_flags;
  if ((flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) [[unlikely]] {
    const uint16_t remain = RestoreVlanTags(frames.first(count));
    *lost += static_cast<uint64_t>(count - remain);
    count = remain;
  }
  return count;
}

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_RECEIVE_H_
