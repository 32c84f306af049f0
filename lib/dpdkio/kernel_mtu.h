// SPDX-License-Identifier: BSD-3-Clause
// The MTU of the kernel interface behind a port.
#ifndef CHIMNEY_DPDKIO_KERNEL_MTU_H_
#define CHIMNEY_DPDKIO_KERNEL_MTU_H_

#include <cstdint>
#include <string>

namespace chimney::dpdkio {

// 0 if there is no such interface in this network namespace.
uint32_t KernelMtu(const std::string& interface_name);
bool SetKernelMtu(const std::string& interface_name, uint32_t mtu_bytes);

// Empty if there is none.
std::string InterfaceName(uint32_t interface_index);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_KERNEL_MTU_H_
