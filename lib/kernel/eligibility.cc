// SPDX-License-Identifier: BSD-3-Clause
// The list of design D16 in order; each check is one function.
#include "kernel/eligibility.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "kernel/inet_diag.h"
#include "kernel/ipsec.h"
#include "kernel/port_permission.h"
#include "kernel/socket_options.h"

namespace chimney::kernel {

namespace {

constexpr int kIpProtoMptcp = 262;  // IPPROTO_MPTCP

KernelError Refuse(KernelErrorCode code, const char* step) {
  return KernelError{code, 0, step};
}

KernelError CheckState(int fd, EligibilityFacts* facts, tcp_info* info) {
  SocketAddress local{};
  SocketAddress peer{};
  KernelError error = GetAddresses(fd, &local, &peer);
  if (!error.ok()) return error;
  facts->tuple = FlowTuple{ToIpAddress(local), ToIpAddress(peer), PortOf(local),
                           PortOf(peer)};
  error = GetTcpInfo(fd, info);
  if (!error.ok()) return error;
  facts->sack_enabled = (info->tcpi_options & TCPI_OPT_SACK) != 0;
  facts->timestamps_enabled = (info->tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
  switch (info->tcpi_state) {
    case kKernelEstablished:
    case kKernelFinWait1:
    case kKernelFinWait2:
    case kKernelCloseWait:
    case kKernelClosing:
    case kKernelLastAck:
      break;
    default:
      return Refuse(KernelErrorCode::kWrongState, "tcpi_state");
  }
  if (GetIntOr(fd, IPPROTO_TCP, TCP_REPAIR, 0) != 0) {
    return Refuse(KernelErrorCode::kAlreadyOffloaded, "TCP_REPAIR");
  }
  facts->path_mtu_bytes = info->tcpi_pmtu;
  return {};
}

// All that is asked over netlink afterwards is asked in our own namespace.
KernelError CheckNamespace(int fd, const EligibilityContext& context) {
  const int namespace_fd = ioctl(fd, SIOCGSKNS);
  if (namespace_fd < 0) {
    return SystemError(errno == EPERM ? KernelErrorCode::kNoPermission
                                      : KernelErrorCode::kSystemCall,
                       "SIOCGSKNS");
  }
  struct stat status {};
  const int failed = fstat(namespace_fd, &status);
  close(namespace_fd);
  if (failed != 0 || status.st_ino != context.namespace_inode) {
    return Refuse(KernelErrorCode::kOtherNamespace, "SIOCGSKNS");
  }
  return {};
}

KernelError CheckUpperLayers(int fd, const EligibilityContext& context,
                             const FlowTuple& tuple) {
  char ulp[16] = {};
  socklen_t length = sizeof(ulp);
  if (getsockopt(fd, IPPROTO_TCP, TCP_ULP, ulp, &length) == 0 && length > 0) {
    return Refuse(KernelErrorCode::kUpperLayerProtocol, "TCP_ULP");
  }
  uint8_t ao[64] = {};
  length = sizeof(ao);
  if (getsockopt(fd, IPPROTO_TCP, kTcpAoInfo, ao, &length) == 0) {
    return Refuse(KernelErrorCode::kMd5OrAo, "TCP_AO_INFO");
  }
  DiagInfo diag;
  const KernelError error = ReadDiag(*context.netlink, fd, tuple, &diag);
  if (!error.ok()) return error;
  if (diag.has_md5_keys) {
    return Refuse(KernelErrorCode::kMd5OrAo, "sock_diag");
  }
  return context.sockmaps->Check(fd);
}

KernelError CheckFilter(int fd) {
  if (GetIntOr(fd, SOL_SOCKET, SO_LOCK_FILTER, 0) != 0) {
    return Refuse(KernelErrorCode::kSocketFilter, "SO_LOCK_FILTER");
  }
  // With no room for an answer the kernel tells the length of a classic filter;
  // of an eBPF one it refuses to tell (EACCES).
  socklen_t length = 0;
  const int failed =
      getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &length);
  if ((failed == 0 && length > 0) || (failed != 0 && errno == EACCES)) {
    return Refuse(KernelErrorCode::kSocketFilter, "SO_GET_FILTER");
  }
  return {};
}

KernelError CheckData(int fd, const tcp_info& info) {
  // POLLPRI: the urgent byte is here. EAGAIN: it is announced.
  pollfd readiness{fd, POLLPRI, 0};
  char byte = 0;
  const bool urgent =
      (poll(&readiness, 1, 0) > 0 && (readiness.revents & POLLPRI) != 0) ||
      recv(fd, &byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT) >= 0 ||
      errno == EAGAIN;
  if (urgent) return Refuse(KernelErrorCode::kUrgentData, "MSG_OOB");
  int queued_bytes = 0;
  if (GetIntOr(fd, SOL_SOCKET, SO_ZEROCOPY, 0) != 0 &&
      ioctl(fd, SIOCOUTQ, &queued_bytes) == 0 && queued_bytes > 0) {
    return Refuse(KernelErrorCode::kZeroCopySend, "SO_ZEROCOPY");
  }
  if ((info.tcpi_options & TCPI_OPT_ECN) != 0) {
    return Refuse(KernelErrorCode::kEcn, "tcpi_options");
  }
  return {};
}

bool HasOption(int fd, int level, int name) {
  uint8_t option[64] = {};
  socklen_t length = sizeof(option);
  return getsockopt(fd, level, name, option, &length) == 0 && length > 0;
}

KernelError CheckIpOptions(int fd) {
  if (HasOption(fd, IPPROTO_IP, IP_OPTIONS)) {
    return Refuse(KernelErrorCode::kIpOptions, "IP_OPTIONS");
  }
  if (GetIntOr(fd, SOL_SOCKET, SO_DOMAIN, AF_INET) != AF_INET6) return {};
  for (const int name :
       {IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_RTHDR, IPV6_DSTOPTS}) {
    if (HasOption(fd, IPPROTO_IPV6, name)) {
      return Refuse(KernelErrorCode::kIpOptions, "IPv6 extension header");
    }
  }
  return {};
}

KernelError CheckRoute(int fd, const EligibilityContext& context,
                       EligibilityFacts* facts) {
  RouteQuery query;
  query.source = facts->tuple.local;
  query.destination = facts->tuple.remote;
  query.source_port = facts->tuple.local_port;
  query.destination_port = facts->tuple.remote_port;
  query.mark = static_cast<uint32_t>(GetIntOr(fd, SOL_SOCKET, SO_MARK, 0));
  if (query.source.IsV4()) {
    query.tos = static_cast<uint8_t>(GetIntOr(fd, IPPROTO_IP, IP_TOS, 0));
  }
  query.bound_interface = GetIntOr(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 0);
  const KernelError error = ReadRoute(*context.netlink, query, &facts->route);
  if (!error.ok()) return error;
  if (facts->route.is_local || facts->tuple.remote.IsLoopback()) {
    return Refuse(KernelErrorCode::kLocalPeer, "route");
  }
  if (facts->route.output_interface != context.host_interface_index) {
    return Refuse(KernelErrorCode::kOtherRoute, "route");
  }
  return {};
}

KernelError CheckPath(int fd, const EligibilityContext& context,
                      EligibilityFacts* facts) {
  KernelError error = CheckIpsec(*context.netlink, facts->tuple);
  if (!error.ok()) return error;
  error = ReadConntrack(*context.netlink, facts->tuple, &facts->conntrack);
  if (!error.ok()) return error;
  if (facts->conntrack.nat) return Refuse(KernelErrorCode::kNat, "conntrack");
  return CheckRoute(fd, context, facts);
}

}  // namespace

KernelError CheckIsTcp(int fd) {
  int type = 0;
  if (!GetInt(fd, SOL_SOCKET, SO_TYPE, "SO_TYPE", &type).ok()) {
    return SystemError(KernelErrorCode::kNotSocket, "SO_TYPE");
  }
  const int domain = GetIntOr(fd, SOL_SOCKET, SO_DOMAIN, -1);
  const int protocol = GetIntOr(fd, SOL_SOCKET, SO_PROTOCOL, -1);
  const bool internet = domain == AF_INET || domain == AF_INET6;
  if (internet && protocol == kIpProtoMptcp) {
    return Refuse(KernelErrorCode::kMptcp, "SO_PROTOCOL");
  }
  if (!internet || type != SOCK_STREAM || protocol != IPPROTO_TCP) {
    return Refuse(KernelErrorCode::kNotTcp, "SO_PROTOCOL");
  }
  return {};
}

KernelError CheckEligibility(int fd, const EligibilityContext& context,
                             EligibilityFacts* facts) {
  *facts = EligibilityFacts{};
  KernelError error = CheckIsTcp(fd);
  if (!error.ok()) return error;
  tcp_info info{};
  error = CheckState(fd, facts, &info);
  if (!error.ok()) return error;
  error = CheckNamespace(fd, context);
  if (!error.ok()) return error;
  error = CheckPortPermission(facts->tuple.local_port);
  if (!error.ok()) return error;
  error = CheckUpperLayers(fd, context, facts->tuple);
  if (!error.ok()) return error;
  error = CheckFilter(fd);
  if (!error.ok()) return error;
  error = CheckData(fd, info);
  if (!error.ok()) return error;
  error = CheckIpOptions(fd);
  if (!error.ok()) return error;
  return CheckPath(fd, context, facts);
}

}  // namespace chimney::kernel
