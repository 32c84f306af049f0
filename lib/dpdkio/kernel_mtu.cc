// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/kernel_mtu.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chimney::dpdkio {

namespace {

bool InterfaceIoctl(const std::string& interface_name, unsigned long request,
                    ifreq* argument) {
  if (interface_name.empty() || interface_name.size() >= IFNAMSIZ) return false;
  interface_name.copy(argument->ifr_name, IFNAMSIZ - 1);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool done = ioctl(fd, request, argument) == 0;
  close(fd);
  return done;
}

}  // namespace

uint32_t KernelMtu(const std::string& interface_name) {
  ifreq argument{};
  if (!InterfaceIoctl(interface_name, SIOCGIFMTU, &argument)) return 0;
  return static_cast<uint32_t>(argument.ifr_mtu);
}

bool SetKernelMtu(const std::string& interface_name, uint32_t mtu_bytes) {
  ifreq argument{};
  argument.ifr_mtu = static_cast<int>(mtu_bytes);
  return InterfaceIoctl(interface_name, SIOCSIFMTU, &argument);
}

std::string InterfaceName(uint32_t interface_index) {
  char name[IF_NAMESIZE];
  if (interface_index == 0 || if_indextoname(interface_index, name) == nullptr)
    return "";
  return name;
}

}  // namespace chimney::dpdkio
