// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/socket_options.h"

#include <cerrno>
#include <span>

namespace chimney::kernel {

KernelError SystemError(KernelErrorCode code, const char* step) {
  return KernelError{code, errno, step};
}

KernelError GetInt(int fd, int level, int name, const char* step, int* value) {
  *value = 0;  // the kernel writes fewer bytes for some options
  socklen_t length = sizeof(*value);
  if (getsockopt(fd, level, name, value, &length) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, step);
  }
  return {};
}

KernelError SetInt(int fd, int level, int name, int value, const char* step) {
  if (setsockopt(fd, level, name, &value, sizeof(value)) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, step);
  }
  return {};
}

int GetIntOr(int fd, int level, int name, int fallback) {
  int value = 0;
  return GetInt(fd, level, name, "", &value).ok() ? value : fallback;
}

KernelError GetTcpInfo(int fd, tcp_info* info) {
  *info = tcp_info{};
  socklen_t length = sizeof(*info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &length) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "TCP_INFO");
  }
  return {};
}

KernelError GetAddresses(int fd, SocketAddress* local, SocketAddress* peer) {
  socklen_t length = sizeof(*local);
  if (getsockname(fd, &local->generic, &length) != 0) {
    return SystemError(KernelErrorCode::kNotSocket, "getsockname");
  }
  length = sizeof(*peer);
  if (getpeername(fd, &peer->generic, &length) != 0) {
    return SystemError(KernelErrorCode::kNotConnected, "getpeername");
  }
  return {};
}

socklen_t AddressLength(const SocketAddress& address) {
  return address.generic.sa_family == AF_INET6 ? sizeof(address.v6)
                                               : sizeof(address.v4);
}

IpAddress ToIpAddress(const SocketAddress& address) {
  if (address.generic.sa_family != AF_INET6) {
    return IpAddress::FromV4(ntohl(address.v4.sin_addr.s_addr));
  }
  const uint8_t* bytes = address.v6.sin6_addr.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)) {
    return IpAddress::FromV4Bytes(std::span<const uint8_t, 4>(bytes + 12, 4));
  }
  return IpAddress::FromV6Bytes(std::span<const uint8_t, 16>(bytes, 16));
}

uint16_t PortOf(const SocketAddress& address) {
  return ntohs(address.generic.sa_family == AF_INET6 ? address.v6.sin6_port
                                                     : address.v4.sin_port);
}

}  // namespace chimney::kernel
