// SPDX-License-Identifier: BSD-3-Clause
// Device arguments as EAL takes them after --vdev= or -a: `name[,key=value]...`
#ifndef CHIMNEY_DPDKIO_DEVICE_ARGS_H_
#define CHIMNEY_DPDKIO_DEVICE_ARGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chimney::dpdkio {

// What stands before the first comma: the port's name.
std::string_view DeviceName(std::string_view device_args);

// The value of `key`; nullopt if it is not there.
std::optional<std::string_view> DeviceArgument(std::string_view device_args,
                                               std::string_view key);

// Virtual devices (net_..., eth_...) go to --vdev, all others to -a.
bool IsVirtualDevice(std::string_view device_args);

// Whether a virtual device is of that driver: "net_tap3" is of "net_tap".
bool IsDriver(std::string_view device_args, std::string_view driver);

// Empty if `device_args` can be given to EAL, or what is wrong with them.
std::string CheckDeviceArgs(std::string_view device_args);

// Adds what the person left out: a ring of net_af_packet for frames of that MTU
// and for bursts. If any number of that ring is given, it is left alone.
std::string CompleteDeviceArgs(std::string_view device_args,
                               uint32_t mtu_bytes);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_DEVICE_ARGS_H_
