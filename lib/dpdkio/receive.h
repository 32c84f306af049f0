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

// Up to frames.size() frames. `*lost` grows by frames lost to missing headroom.
inline uint16_t ReceiveBurst(uint16_t port, uint16_t queue,
                             std::span<rte_mbuf*> frames, uint64_t* lost) {
  uint16_t count = rte_eth_rx_burst(port, queue, frames.data(),
                                    static_cast<uint16_t>(frames.size()));
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
