// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/device_args.h"

#include <algorithm>
#include <cctype>

#include "dpdkio/frame_size.h"

namespace chimney::dpdkio {

namespace {

constexpr uint32_t kPageBytes = 4096;
constexpr uint32_t kBlockBytes = 65536;
// A TCP window in full flight; the driver's own 512 lose half of it.
constexpr uint32_t kRingFrames = 2048;

}  // namespace

std::string_view DeviceName(std::string_view device_args) {
  return device_args.substr(0, device_args.find(','));
}

std::optional<std::string_view> DeviceArgument(std::string_view device_args,
                                               std::string_view key) {
  size_t at = device_args.find(',');
  while (at != std::string_view::npos) {
    const size_t next = device_args.find(',', at + 1);
    std::string_view pair = device_args.substr(
        at + 1, next == std::string_view::npos ? next : next - at - 1);
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == key) {
      return pair.substr(equals + 1);
    }
    at = next;
  }
  return std::nullopt;
}

bool IsVirtualDevice(std::string_view device_args) {
  return device_args.starts_with("net_") || device_args.starts_with("eth_");
}

bool IsDriver(std::string_view device_args, std::string_view driver) {
  std::string_view name = DeviceName(device_args);
  if (!name.starts_with(driver)) return false;
  name.remove_prefix(driver.size());
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string CheckDeviceArgs(std::string_view device_args) {
  if (device_args.empty()) return "is empty";
  if (DeviceName(device_args).empty()) return "has no device name";
  for (const unsigned char c : device_args) {
    if (std::isspace(c) != 0 || std::iscntrl(c) != 0) {
      return "contains white space";
    }
  }
  if (device_args.front() == '-') return "begins with '-'";
  return "";
}

std::string CompleteDeviceArgs(std::string_view device_args,
                               uint32_t mtu_bytes) {
  std::string completed(device_args);
  if (!IsDriver(device_args, "net_af_packet")) return completed;
  for (const char* key : {"framesz", "blocksz", "framecnt"}) {
    if (DeviceArgument(device_args, key)) return completed;
  }
  const uint32_t slot = FrameBytesForMtu(mtu_bytes) + kAfPacketSlotHeaderBytes;
  uint32_t frame = kAfPacketDefaultSlotBytes;
  uint32_t block = kBlockBytes;
  if (slot > frame) {
    // One frame a block: the driver wants blocks without a rest.
    frame = (slot + kPageBytes - 1) / kPageBytes * kPageBytes;
    block = frame;
  }
  completed += ",framesz=" + std::to_string(frame) +
               ",blocksz=" + std::to_string(block) +
               ",framecnt=" + std::to_string(kRingFrames);
  return completed;
}

}  // namespace chimney::dpdkio
