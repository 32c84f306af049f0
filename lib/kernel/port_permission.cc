// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/port_permission.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

namespace chimney::kernel {
namespace {

constexpr int kFirstUnprivilegedPort =
    1024;  // unless the kernel says otherwise

bool MayBindAnyPort() {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return (data[0].effective & (1u << CAP_NET_BIND_SERVICE)) != 0;
}

int FirstUnprivilegedPort() {
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  int port = kFirstUnprivilegedPort;
  return file >> port ? port : kFirstUnprivilegedPort;
}

}  // namespace

KernelError CheckPortPermission(uint16_t port) {
  if (MayBindAnyPort() || port >= FirstUnprivilegedPort()) return {};
  return KernelError{KernelErrorCode::kPortPermission, 0, "bind"};
}

}  // namespace chimney::kernel
