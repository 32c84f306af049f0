// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/port.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "dpdkio/device_args.h"
#include "dpdkio/frame_size.h"
#include "dpdkio/kernel_mtu.h"
#include "dpdkio/mempools.h"

namespace chimney::dpdkio {

namespace {

// What the driver of a tap port sends.
uint32_t LongestTapFrame(uint16_t port) {
  uint16_t mtu = 0;
  rte_eth_dev_get_mtu(port, &mtu);
  return FrameBytesForMtu(mtu);
}

}  // namespace

std::unique_ptr<Port> Port::Open(const std::string& device_args,
                                 uint32_t mtu_bytes, std::string* error) {
  const std::string name(DeviceName(device_args));
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) {
    *error = "no DPDK port came of '" + device_args +
             "' (is the driver installed, is the device bound to it?)";
    return nullptr;
  }
  std::unique_ptr<Port> port(new Port(device_args, id, mtu_bytes));
  rte_eth_dev_info info{};
  const int result = rte_eth_dev_info_get(id, &info);
  if (result != 0) {
    *error = port->Failure("cannot be asked what it can do", result);
    return nullptr;
  }
  port->capabilities_ = DecideCapabilities(device_args, info);
  if (!port->CheckMtu(error)) return nullptr;
  return port;
}

Port::~Port() {
  if (started_) rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

std::string Port::Failure(const std::string& what, int result) const {
  return "port " + std::string(DeviceName(device_args_)) + ": " + what + ": " +
         rte_strerror(std::abs(result));
}

bool Port::CheckMtu(std::string* error) const {
  if (!capabilities_.mtu_limit_bytes) return true;
  const uint32_t limit = *capabilities_.mtu_limit_bytes;
  const std::string port = "port " + std::string(DeviceName(device_args_));
  if (mtu_bytes_ > limit) {
    *error = port + ": an MTU of " + std::to_string(mtu_bytes_) +
             " is above the port's limit of " + std::to_string(limit);
    return false;
  }
  const std::string name = InterfaceName(capabilities_.kernel_interface);
  const uint32_t kernel_mtu = KernelMtu(name);
  if (kernel_mtu > limit) {
    *error = port + ": interface " + name + " has an MTU of " +
             std::to_string(kernel_mtu) + ", above the port's limit of " +
             std::to_string(limit);
    return false;
  }
  return true;
}

bool Port::Configure(uint16_t queues, std::string* error) {
  rte_eth_conf conf{};
  conf.rxmode.mq_mode = queues > 1 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE;
  if (queues > 1) {
    rte_eth_dev_info info{};
    rte_eth_dev_info_get(id_, &info);
    conf.rx_adv_conf.rss_conf.rss_hf =
        info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
  }
  if (capabilities_.verifies_checksums) {
    conf.rxmode.offloads |=
        RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  }
  if (capabilities_.completes_tcp_checksum) {
    conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
  }
  if (capabilities_.payload == PayloadMode::kReferenced) {
    conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  }
  // Virtual drivers report an MTU that has nothing to do with what they carry.
  if (!capabilities_.virtual_device) conf.rxmode.mtu = mtu_bytes_;
  const int result = rte_eth_dev_configure(id_, queues, queues, &conf);
  if (result != 0) *error = Failure("cannot be configured", result);
  return result == 0;
}

bool Port::SetUpQueues(const PortQueueOptions& options, std::string* error) {
  uint16_t rx_descriptors = options.rx_descriptors;
  uint16_t tx_descriptors = options.tx_descriptors;
  int result =
      rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors);
  if (result != 0) {
    *error = Failure("cannot have that many descriptors", result);
    return false;
  }
  const auto socket = static_cast<unsigned int>(rte_eth_dev_socket_id(id_));
  const auto queues = static_cast<uint16_t>(options.pools.size());
  for (uint16_t q = 0; q < queues; ++q) {
    if (IsDriver(device_args_, "net_af_xdp") &&
        !LiesEndToEnd(options.pools[q])) {
      *error = "port " + std::string(DeviceName(device_args_)) +
               ": the memory for its frames is not in one piece, as AF_XDP "
               "needs it: ask for fewer frames, or for no hugepages";
      return false;
    }
    result = rte_eth_rx_queue_setup(id_, q, rx_descriptors, socket, nullptr,
                                    options.pools[q]);
    if (result != 0) {
      *error = Failure("receive queue cannot be set up", result);
      return false;
    }
    result = rte_eth_tx_queue_setup(id_, q, tx_descriptors, socket, nullptr);
    if (result != 0) {
      *error = Failure("transmit queue cannot be set up", result);
      return false;
    }
  }
  return true;
}

bool Port::Start(const PortQueueOptions& options, std::string* error) {
  const auto queues = static_cast<uint16_t>(options.pools.size());
  if (queues >
      std::min(capabilities_.max_rx_queues, capabilities_.max_tx_queues)) {
    *error = "port " + std::string(DeviceName(device_args_)) + ": has " +
             std::to_string(std::min(capabilities_.max_rx_queues,
                                     capabilities_.max_tx_queues)) +
             " queues, " + std::to_string(queues) + " are needed";
    return false;
  }
  if (!Configure(queues, error) || !SetUpQueues(options, error)) return false;
  int result = rte_eth_dev_start(id_);
  if (result != 0) {
    *error = Failure("does not start", result);
    return false;
  }
  started_ = true;
  return ReceiveEverything(error) && SetUpTap(error);
}

bool Port::ReceiveEverything(std::string* error) {
  // Frames for any station must reach the kernel behind the host port, which
  // sorts them. Drivers without such a filter say ENOTSUP.
  int result = rte_eth_promiscuous_enable(id_);
  if (result != 0 && result != -ENOTSUP) {
    *error = Failure("cannot receive frames of all stations", result);
    return false;
  }
  result = rte_eth_allmulticast_enable(id_);
  if (result != 0 && result != -ENOTSUP) {
    *error = Failure("cannot receive all multicast frames", result);
    return false;
  }
  return true;
}

bool Port::SetUpTap(std::string* error) {
  if (!IsDriver(device_args_, "net_tap")) return true;
  // The interface is this port's own.
  const std::string name = InterfaceName(capabilities_.kernel_interface);
  if (!SetKernelMtu(name, mtu_bytes_)) {
    *error = Failure("the MTU of its interface cannot be set", errno);
    return false;
  }
  if (FrameBytesForMtu(mtu_bytes_) <= LongestTapFrame(id_)) return true;
  tap_ = TapWriter::Open(name);
  if (tap_ != nullptr) return true;
  *error = Failure(
      "its driver does not take frames of MTU " + std::to_string(mtu_bytes_),
      EMSGSIZE);
  return false;
}

TransmitQueueOptions Port::TransmitOptions(uint16_t queue) const {
  TransmitQueueOptions options{id_, queue};
  if (IsDriver(device_args_, "net_tap")) {
    options.longest_frame_bytes = LongestTapFrame(id_);
    options.long_frames = tap_.get();
  }
  return options;
}

bool Port::LinkIsUp() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 &&
         link.link_status == RTE_ETH_LINK_UP;
}

PortStatistics Port::Statistics() const {
  PortStatistics statistics;
  rte_eth_stats counted{};
  if (rte_eth_stats_get(id_, &counted) != 0) return statistics;
  statistics.frames_in = counted.ipackets;
  statistics.frames_out = counted.opackets;
  statistics.missed_in = counted.imissed;
  statistics.errors_in = counted.ierrors;
  statistics.errors_out = counted.oerrors;
  statistics.mbufs_empty = counted.rx_nombuf;
  return statistics;
}

}  // namespace chimney::dpdkio
