// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/netlink_sockets.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>

namespace chimney::kernel {

namespace {

constexpr std::array<int, 4> kBuses = {NETLINK_ROUTE, NETLINK_SOCK_DIAG,
                                       NETLINK_XFRM, NETLINK_NETFILTER};

// kBuses.size() for a bus that is not in the list.
size_t PlaceOf(int bus) {
  return static_cast<size_t>(std::find(kBuses.begin(), kBuses.end(), bus) -
                             kBuses.begin());
}

mnl_socket* Open(int bus) {
  mnl_socket* socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
  if (socket == nullptr) return nullptr;
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) {
    const int reason = errno;
    mnl_socket_close(socket);
    errno = reason;
    return nullptr;
  }
  // The kernel answers at once; should it ever not, the caller must not hang.
  const timeval patience = {1, 0};
  setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
             sizeof(patience));
  return socket;
}

}  // namespace

NetlinkSockets::NetlinkSockets() {
  static_assert(kBuses.size() == kBusCount);
  for (size_t i = 0; i < kBusCount; ++i) sockets_[i] = Open(kBuses[i]);
}

NetlinkSockets::~NetlinkSockets() {
  for (mnl_socket* socket : sockets_) {
    if (socket != nullptr) mnl_socket_close(socket);
  }
}

mnl_socket* NetlinkSockets::Get(int bus) {
  const size_t place = PlaceOf(bus);
  if (place == kBusCount) {
    errno = EPROTONOSUPPORT;
    return nullptr;
  }
  if (sockets_[place] == nullptr) sockets_[place] = Open(bus);
  return sockets_[place];
}

void NetlinkSockets::Drop(int bus) {
  const size_t place = PlaceOf(bus);
  if (place == kBusCount || sockets_[place] == nullptr) return;
  mnl_socket_close(sockets_[place]);
  sockets_[place] = nullptr;
}

}  // namespace chimney::kernel
