// SPDX-License-Identifier: BSD-3-Clause
// What a port can do, decided once at start and printed (design D6).
#ifndef CHIMNEY_DPDKIO_PORT_CAPABILITIES_H_
#define CHIMNEY_DPDKIO_PORT_CAPABILITIES_H_

#include <cstdint>
#include <optional>
#include <string>

struct rte_eth_dev_info;

namespace chimney::dpdkio {

// How the payload of a made frame reaches the driver.
enum class PayloadMode : uint8_t {
  kCopied,      // into one mbuf beside the headers
  kReferenced,  // as external buffer segments behind the headers
};

struct PortCapabilities {
  std::string driver;
  bool virtual_device = false;
  uint16_t max_rx_queues = 1;
  uint16_t max_tx_queues = 1;
  bool multi_segment = false;  // frames to send may be chains of mbufs
  // The driver's CPU has read every byte of a frame, and freed its mbufs, when
  // the transmit call returns.
  bool frees_in_transmit = false;
  // Received frames can come with their VLAN tag beside them.
  bool may_strip_vlan = true;
  bool verifies_checksums = false;      // of received frames, in hardware
  bool completes_tcp_checksum = false;  // of sent frames, in hardware
  PayloadMode payload = PayloadMode::kCopied;
  uint32_t kernel_interface = 0;  // ifindex behind the port, 0 = none
  // Largest MTU; nullopt if the driver sets no limit.
  std::optional<uint32_t> mtu_limit_bytes;
};

PortCapabilities DecideCapabilities(const std::string& device_args,
                                    const rte_eth_dev_info& info);

// One line for people.
std::string CapabilitiesText(const PortCapabilities& capabilities);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_PORT_CAPABILITIES_H_
