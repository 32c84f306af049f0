// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/netlink_watcher.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "kernel/netlink.h"
#include "kernel/netlink_messages.h"

namespace chimney::kernel {

namespace {

// True if the message says something that a NetlinkChange can say.
bool ParseChange(const nlmsghdr* message, NetlinkChange* change) {
  using Kind = NetlinkChange::Kind;
  switch (message->nlmsg_type) {
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      change->kind = message->nlmsg_type == RTM_NEWNEIGH ? Kind::kNeighbor
                                                         : Kind::kNeighborGone;
      return ParseNeighbor(message, &change->neighbor);
    case RTM_NEWLINK:
    case RTM_DELLINK:
      change->kind =
          message->nlmsg_type == RTM_NEWLINK ? Kind::kLink : Kind::kLinkGone;
      return ParseLink(message, &change->link);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      change->kind = message->nlmsg_type == RTM_NEWADDR ? Kind::kAddressAdded
                                                        : Kind::kAddressRemoved;
      return ParseAddress(message, &change->interface_index, &change->address);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWRULE:
    case RTM_DELRULE:
      change->kind = Kind::kRoute;
      return true;
    default:
      return false;
  }
}

}  // namespace

bool ParseAddress(const nlmsghdr* message, int* interface_index,
                  IpAddress* address) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(ifaddrmsg)) return false;
  const auto* header =
      static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  AttributeTable<IFA_LOCAL + 1> table;
  CollectAttributes(message, sizeof(*header), table);
  *interface_index = static_cast<int>(header->ifa_index);
  // On a point-to-point link IFA_ADDRESS is the other end.
  return ToAddress(table[IFA_LOCAL], address) ||
         ToAddress(table[IFA_ADDRESS], address);
}

class NetlinkWatcher::Socket {
 public:
  explicit Socket(mnl_socket* socket) : socket_(socket) {}
  ~Socket() { mnl_socket_close(socket_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  mnl_socket* get() const { return socket_; }

 private:
  mnl_socket* socket_;
};

NetlinkWatcher::NetlinkWatcher(std::unique_ptr<Socket> socket)
    : socket_(std::move(socket)) {}
NetlinkWatcher::~NetlinkWatcher() = default;

KernelError NetlinkWatcher::Open(std::unique_ptr<NetlinkWatcher>* watcher) {
  mnl_socket* raw =
      mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (raw == nullptr) {
    return KernelError{KernelErrorCode::kNetlink, errno, "netlink socket"};
  }
  auto socket = std::make_unique<Socket>(raw);
  // Subscriptions above the 32 of the bind mask are not needed here.
  constexpr unsigned int kGroups =
      RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
      RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE;
  if (mnl_socket_bind(raw, kGroups, MNL_SOCKET_AUTOPID) != 0) {
    return KernelError{KernelErrorCode::kNetlink, errno, "netlink bind"};
  }
  watcher->reset(new NetlinkWatcher(std::move(socket)));
  return {};
}

int NetlinkWatcher::fd() const { return mnl_socket_get_fd(socket_->get()); }

KernelError NetlinkWatcher::Read(std::vector<NetlinkChange>* changes) {
  alignas(nlmsghdr) std::array<uint8_t, 32768> buffer;
  for (;;) {
    const ssize_t got =
        mnl_socket_recvfrom(socket_->get(), buffer.data(), buffer.size());
    if (got < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
      if (errno == EINTR) continue;
      if (errno != ENOBUFS && errno != ENOSPC) {
        return KernelError{KernelErrorCode::kNetlink, errno, "netlink read"};
      }
      changes->push_back(NetlinkChange{});  // kOverrun
      continue;
    }
    int left = static_cast<int>(got);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      NetlinkChange change;
      if (ParseChange(message, &change)) changes->push_back(std::move(change));
    }
  }
}

}  // namespace chimney::kernel
