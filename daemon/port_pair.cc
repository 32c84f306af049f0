// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/port_pair.h"

#include <glog/logging.h>

#include <algorithm>

#include "daemon/logging.h"
#include "dpdkio/device_args.h"
#include "dpdkio/frame_size.h"
#include "dpdkio/huge_pages.h"
#include "dpdkio/kernel_mtu.h"

namespace chimney::daemon {

namespace {

constexpr uint64_t kMebibyte = 1u << 20;
constexpr uint64_t kDefaultPoolBytes = 128 * kMebibyte;
constexpr uint32_t kFewestMbufs = 8192;
constexpr uint32_t kMostDefaultMbufs = 32768;
// What drivers and EAL itself take beside the pools.
constexpr uint64_t kEalBytes = 64 * kMebibyte;
constexpr uint32_t kDefaultMtu = 1500;

uint32_t InterfaceMtu(const std::string& device) {
  const auto name = dpdkio::DeviceArgument(device, "iface");
  return name ? dpdkio::KernelMtu(std::string(*name)) : 0;
}

bool IsAfXdp(const std::string& device) {
  return dpdkio::IsDriver(device, "net_af_xdp");
}

dpdkio::HugePages Wanted(HugeMode mode) {
  switch (mode) {
    case HugeMode::kOn:
      return dpdkio::HugePages::kOn;
    case HugeMode::kAuto:
      return dpdkio::HugePages::kAuto;
    case HugeMode::kOff:
      break;
  }
  return dpdkio::HugePages::kOff;
}

}  // namespace

std::unique_ptr<PortPair> PortPair::Start(const Config& config,
                                          std::string* error) {
  std::unique_ptr<PortPair> pair(new PortPair(config));
  pair->DecideSizes();
  if (!pair->StartEal(error) || !pair->CreatePools(error) ||
      !pair->StartPorts(error)) {
    return nullptr;
  }
  return pair;
}

void PortPair::DecideSizes() {
  mtu_bytes_ = config_.mtu_bytes;
  if (mtu_bytes_ == 0) {
    mtu_bytes_ = std::max({InterfaceMtu(config_.wire_port),
                           InterfaceMtu(config_.host_port),
                           dpdkio::KernelMtu(config_.host_interface)});
  }
  if (mtu_bytes_ == 0) mtu_bytes_ = kDefaultMtu;
  wire_device_ = dpdkio::CompleteDeviceArgs(config_.wire_port, mtu_bytes_);
  host_device_ = dpdkio::CompleteDeviceArgs(config_.host_port, mtu_bytes_);
  wire_room_bytes_ = dpdkio::DataRoomFor(wire_device_, mtu_bytes_);
  host_room_bytes_ = dpdkio::DataRoomFor(host_device_, mtu_bytes_);
  // One pool for both lets a port pass on what the other received without a
  // copy. A chunk of AF_XDP memory must fit a page, so there it stays as it is.
  if (!IsAfXdp(wire_device_) && !IsAfXdp(host_device_)) {
    wire_room_bytes_ = std::max(wire_room_bytes_, host_room_bytes_);
    host_room_bytes_ = wire_room_bytes_;
  }
  mbuf_count_ = config_.mbuf_count;
  if (mbuf_count_ == 0) {
    const uint64_t each =
        dpdkio::MempoolBytes(1, std::max(wire_room_bytes_, host_room_bytes_));
    mbuf_count_ = static_cast<uint32_t>(std::clamp<uint64_t>(
        kDefaultPoolBytes / each, kFewestMbufs, kMostDefaultMbufs));
  }
}

// What one port received the other may pass on as it is.
bool PortPair::SharesPools() const {
  return host_room_bytes_ == wire_room_bytes_ &&
         IsAfXdp(wire_device_) == IsAfXdp(host_device_);
}

uint64_t PortPair::PoolBytes() const {
  uint64_t bytes = dpdkio::MempoolBytes(mbuf_count_, wire_room_bytes_);
  if (!SharesPools()) {
    bytes += dpdkio::MempoolBytes(mbuf_count_, host_room_bytes_);
  }
  return bytes * config_.worker_cores.size();
}

bool PortPair::StartEal(std::string* error) {
  dpdkio::EalOptions options;
  options.devices = {wire_device_, host_device_};
  options.memory_bytes = PoolBytes() + PoolBytes() / 16 + kEalBytes;
  options.main_core = config_.control_core;
  options.log = LogDpdkLine;
  if (!dpdkio::DecideHugePages(Wanted(config_.huge), options.memory_bytes,
                               dpdkio::FreeHugePageBytes(), &options.huge_pages,
                               error)) {
    return false;
  }
  const uint64_t available = dpdkio::AvailableMemoryBytes();
  if (!options.huge_pages && options.memory_bytes > available) {
    *error = "--mbuf_count: " + std::to_string(mbuf_count_) + " frames need " +
             std::to_string(options.memory_bytes / kMebibyte) + " MiB, " +
             std::to_string(available / kMebibyte) + " MiB are available";
    return false;
  }
  LOG(INFO) << "MTU " << mtu_bytes_ << ", " << mbuf_count_ << " mbufs of "
            << wire_room_bytes_ << " bytes, "
            << options.memory_bytes / kMebibyte << " MiB on "
            << (options.huge_pages ? "hugepages" : "ordinary pages");
  eal_ = dpdkio::Eal::Start(options, error);
  return eal_ != nullptr;
}

bool PortPair::CreatePools(std::string* error) {
  for (size_t worker = 0; worker < config_.worker_cores.size(); ++worker) {
    const std::string number = std::to_string(worker);
    dpdkio::MempoolOptions options{"wire" + number, mbuf_count_,
                                   wire_room_bytes_, IsAfXdp(wire_device_)};
    pools_.push_back(dpdkio::CreateMempool(options, error));
    if (pools_.back() == nullptr) return false;
    wire_pools_.push_back(pools_.back().get());
    if (!SharesPools()) {
      options.end_to_end = IsAfXdp(host_device_);
      options.name = "host" + number;
      options.data_room_bytes = host_room_bytes_;
      pools_.push_back(dpdkio::CreateMempool(options, error));
      if (pools_.back() == nullptr) return false;
    }
    host_pools_.push_back(pools_.back().get());
  }
  return true;
}

bool PortPair::StartPorts(std::string* error) {
  wire_ = dpdkio::Port::Open(wire_device_, mtu_bytes_, error);
  if (wire_ == nullptr) return false;
  host_ = dpdkio::Port::Open(host_device_, mtu_bytes_, error);
  if (host_ == nullptr) return false;
  dpdkio::PortQueueOptions options;
  options.rx_descriptors = static_cast<uint16_t>(config_.rx_descriptors);
  options.tx_descriptors = static_cast<uint16_t>(config_.tx_descriptors);
  options.pools = wire_pools_;
  if (!wire_->Start(options, error)) return false;
  options.pools = host_pools_;
  if (!host_->Start(options, error)) return false;
  LOG(INFO) << "wire port: " << dpdkio::CapabilitiesText(wire_->capabilities());
  LOG(INFO) << "host port: " << dpdkio::CapabilitiesText(host_->capabilities());
  return true;
}

PortSide PortPair::SideOf(const dpdkio::Port& port,
                          const std::vector<rte_mempool*>& pools,
                          uint32_t worker) const {
  PortSide side;
  side.receive.port = port.id();
  side.receive.queue = static_cast<uint16_t>(worker);
  side.receive.may_strip_vlan = port.capabilities().may_strip_vlan;
  side.transmit = port.TransmitOptions(side.receive.queue);
  side.pool = pools[worker];
  side.payload = port.capabilities().payload;
  side.completes_tcp_checksum = port.capabilities().completes_tcp_checksum;
  return side;
}

PortSide PortPair::WireSide(uint32_t worker) const {
  return SideOf(*wire_, wire_pools_, worker);
}

PortSide PortPair::HostSide(uint32_t worker) const {
  return SideOf(*host_, host_pools_, worker);
}

HostInterfaceInfo PortPair::host_interface() const {
  HostInterfaceInfo info;
  info.name = config_.host_interface;
  info.mtu_bytes = mtu_bytes_;
  info.wire_port_text = dpdkio::CapabilitiesText(wire_->capabilities());
  info.host_port_text = dpdkio::CapabilitiesText(host_->capabilities());
  info.read_numbers = [this] { return Numbers(); };
  return info;
}

PortNumbers PortPair::Numbers() const {
  PortNumbers numbers;
  numbers.wire = wire_->Statistics();
  numbers.host = host_->Statistics();
  numbers.mbufs = mbuf_count_ * static_cast<uint32_t>(pools_.size());
  for (const dpdkio::Mempool& pool : pools_) {
    numbers.mbufs_in_use += dpdkio::MbufsInUse(pool.get());
  }
  return numbers;
}

}  // namespace chimney::daemon
