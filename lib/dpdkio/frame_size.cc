// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/frame_size.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "dpdkio/device_args.h"

namespace chimney::dpdkio {

namespace {

// Kept free by the kernel in front of each frame (XDP_PACKET_HEADROOM).
constexpr uint32_t kXdpHeadroomBytes = 256;
// What lies before the data in each object of a pool.
constexpr uint32_t kObjectHeaderBytes =
    RTE_ALIGN_CEIL(sizeof(rte_mempool_objhdr), RTE_MEMPOOL_ALIGN) +
    sizeof(rte_mbuf);
constexpr uint32_t kAlignBytes = 64;

uint32_t AfPacketSlotBytes(std::string_view device_args) {
  const auto given = DeviceArgument(device_args, "framesz");
  uint32_t bytes = kAfPacketDefaultSlotBytes;
  if (given)
    std::from_chars(given->data(), given->data() + given->size(), bytes);
  return bytes;
}

// A pool's object is one UMEM chunk, and a chunk is at most a page. It is made
// to fill its page: the driver takes the memory of a pool for as long as all
// its objects laid end to end, and the kernel drops without a word what lies
// behind that. Smaller objects leave a gap at the end of each page.
uint32_t AfXdpDataRoomBytes() {
  return static_cast<uint32_t>(sysconf(_SC_PAGESIZE)) - kObjectHeaderBytes;
}

}  // namespace

std::optional<uint32_t> MtuLimitOf(std::string_view device_args) {
  if (IsDriver(device_args, "net_af_xdp")) {
    return AfXdpDataRoomBytes() - RTE_PKTMBUF_HEADROOM - kXdpHeadroomBytes -
           kLinkHeaderBytes;
  }
  if (IsDriver(device_args, "net_af_packet")) {
    const uint32_t slot = AfPacketSlotBytes(device_args);
    const uint32_t overhead = kAfPacketSlotHeaderBytes + kLinkHeaderBytes;
    return slot > overhead ? slot - overhead : 0;
  }
  return std::nullopt;
}

uint32_t DataRoomFor(std::string_view device_args, uint32_t mtu_bytes) {
  if (IsDriver(device_args, "net_af_xdp")) return AfXdpDataRoomBytes();
  uint32_t room = FrameBytesForMtu(mtu_bytes);
  if (IsDriver(device_args, "net_af_packet")) {
    // The driver refuses mbufs that could not take a full slot.
    room = std::max(room,
                    AfPacketSlotBytes(device_args) - kAfPacketSlotHeaderBytes);
  }
  room = std::max<uint32_t>(room, RTE_MBUF_DEFAULT_DATAROOM);
  room = (room + kAlignBytes - 1) / kAlignBytes * kAlignBytes;
  return room + RTE_PKTMBUF_HEADROOM;
}

}  // namespace chimney::dpdkio
