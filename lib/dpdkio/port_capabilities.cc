// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/port_capabilities.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "dpdkio/device_args.h"
#include "dpdkio/frame_size.h"

namespace chimney::dpdkio {

namespace {

// Drivers that copy or write out a frame and free its mbufs before
// rte_eth_tx_burst returns. The others free when they like.
bool FreesInTransmit(std::string_view device_args) {
  static constexpr std::array<std::string_view, 3> kDrivers = {
      "net_af_packet", "net_tap", "net_null"};
  return std::any_of(
      kDrivers.begin(), kDrivers.end(),
      [&](std::string_view driver) { return IsDriver(device_args, driver); });
}

}  // namespace

PortCapabilities DecideCapabilities(const std::string& device_args,
                                    const rte_eth_dev_info& info) {
  constexpr uint64_t kRxChecksums =
      RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  PortCapabilities decided;
  decided.driver = info.driver_name == nullptr ? "?" : info.driver_name;
  decided.virtual_device = IsVirtualDevice(device_args);
  decided.max_rx_queues = info.max_rx_queues;
  decided.max_tx_queues = info.max_tx_queues;
  decided.multi_segment =
      (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
  decided.frees_in_transmit = FreesInTransmit(device_args);
  decided.may_strip_vlan =
      (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0;
  // A virtual device computes in software what it calls an offload, for every
  // frame that passes; and virtio hands out frames whose checksum is left open,
  // which could not be forwarded unchanged.
  const bool hardware = !decided.virtual_device &&
                        decided.driver.find("virtio") == std::string::npos;
  decided.verifies_checksums =
      hardware && (info.rx_offload_capa & kRxChecksums) == kRxChecksums;
  decided.completes_tcp_checksum =
      hardware && (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
  // A card that reads memory by itself may only be shown memory that is mapped
  // for it; session arenas are not.
  if (decided.multi_segment && decided.frees_in_transmit) {
    decided.payload = PayloadMode::kReferenced;
  }
  decided.kernel_interface = info.if_index;
  decided.mtu_limit_bytes = MtuLimitOf(device_args);
  if (!decided.virtual_device) {
    decided.mtu_limit_bytes =
        std::min<uint32_t>(info.max_mtu, info.max_rx_pktlen - kLinkHeaderBytes);
  }
  return decided;
}

std::string CapabilitiesText(const PortCapabilities& c) {
  std::string text = c.driver;
  text += ", " + std::to_string(c.max_rx_queues) + " rx / " +
          std::to_string(c.max_tx_queues) + " tx queues";
  text += c.multi_segment ? ", chained frames" : ", frames in one piece";
  text += c.payload == PayloadMode::kReferenced ? ", payload referenced"
                                                : ", payload copied";
  text += c.verifies_checksums ? ", checksums verified by the port"
                               : ", checksums verified in software";
  text += c.completes_tcp_checksum ? " and completed by the port"
                                   : " and completed in software";
  if (c.mtu_limit_bytes) {
    text += ", MTU up to " + std::to_string(*c.mtu_limit_bytes);
  }
  return text;
}

}  // namespace chimney::dpdkio
