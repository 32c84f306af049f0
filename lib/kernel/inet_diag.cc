// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/inet_diag.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "kernel/netlink.h"
#include "kernel/socket_options.h"

namespace chimney::kernel {

KernelError ReadDiag(NetlinkSockets& sockets, int fd, const FlowTuple& tuple,
                     DiagInfo* info) {
  *info = DiagInfo{};
  uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "SO_COOKIE");
  }
  NetlinkRequest request(SOCK_DIAG_BY_FAMILY, NetlinkAnswer::kOneMessage);
  auto* query = request.AddHeader<inet_diag_req_v2>();
  query->sdiag_family = tuple.local.IsV4() ? AF_INET : AF_INET6;
  query->sdiag_protocol = IPPROTO_TCP;
  // The keys come with the extension for tcp_info only.
  query->idiag_ext = 1 << (INET_DIAG_INFO - 1);
  query->idiag_states = 0xffffffff;
  query->id.idiag_sport = htons(tuple.local_port);
  query->id.idiag_dport = htons(tuple.remote_port);
  const ByteSpan local = tuple.local.WireBytes();
  const ByteSpan remote = tuple.remote.WireBytes();
  std::memcpy(query->id.idiag_src, local.data(), local.size());
  std::memcpy(query->id.idiag_dst, remote.data(), remote.size());
  query->id.idiag_if =
      static_cast<uint32_t>(GetIntOr(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 0));
  query->id.idiag_cookie[0] = static_cast<uint32_t>(cookie);
  query->id.idiag_cookie[1] = static_cast<uint32_t>(cookie >> 32);
  const KernelError error =
      AskNetlink(sockets, NETLINK_SOCK_DIAG, request, "sock_diag",
                 [&](const nlmsghdr* message) {
                   AttributeTable<INET_DIAG_MD5SIG + 1> table;
                   CollectAttributes(message, sizeof(inet_diag_msg), table);
                   info->has_md5_keys = table[INET_DIAG_MD5SIG] != nullptr;
                 });
  const bool missing = error.system_errno == ENOENT ||
                       error.system_errno == EOPNOTSUPP ||
                       error.system_errno == EPROTONOSUPPORT;
  return missing ? KernelError{} : error;
}

}  // namespace chimney::kernel
