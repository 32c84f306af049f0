// SPDX-License-Identifier: BSD-3-Clause
// How long frames can be: what an MTU asks for, what a port can take, and the
// data room that follows.
#ifndef CHIMNEY_DPDKIO_FRAME_SIZE_H_
#define CHIMNEY_DPDKIO_FRAME_SIZE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace chimney::dpdkio {

// Ethernet header and up to two VLAN tags.
inline constexpr uint32_t kLinkHeaderBytes = 14 + 2 * 4;

constexpr uint32_t FrameBytesForMtu(uint32_t mtu_bytes) {
  return mtu_bytes + kLinkHeaderBytes;
}

// net_af_packet: bytes of each frame slot that its ring's headers take.
inline constexpr uint32_t kAfPacketSlotHeaderBytes = 32;
inline constexpr uint32_t kAfPacketDefaultSlotBytes = 2048;

// The largest MTU that a virtual device can carry whatever the mbufs' size;
// nullopt if its driver sets no such limit.
std::optional<uint32_t> MtuLimitOf(std::string_view device_args);

// Data room of the mbufs that receive on a port with these arguments at that
// MTU, headroom included: what rte_pktmbuf_pool_create wants.
uint32_t DataRoomFor(std::string_view device_args, uint32_t mtu_bytes);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_FRAME_SIZE_H_
