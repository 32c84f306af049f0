// SPDX-License-Identifier: BSD-3-Clause
// Whether a socket's connection may be offloaded, before anything is touched
// (design D16). Each reason to refuse has its own error, so that a person knows
// what to change.
#ifndef CHIMNEY_KERNEL_ELIGIBILITY_H_
#define CHIMNEY_KERNEL_ELIGIBILITY_H_

#include <sys/types.h>

#include <cstdint>

#include "base/inet_address.h"
#include "kernel/conntrack.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"
#include "kernel/route.h"
#include "kernel/sockmap.h"

namespace chimney::kernel {

// Where the daemon stands.
struct EligibilityContext {
  // Both outlive the check.
  NetlinkSockets* netlink = nullptr;
  SockmapSearch* sockmaps = nullptr;
  int host_interface_index = 0;
  // st_ino of /proc/self/ns/net of the daemon.
  ino_t namespace_inode = 0;
};

// What the checks found out on the way. Valid when the result is kOk; `tuple`
// also for every refusal that comes after kNotConnected.
struct EligibilityFacts {
  FlowTuple tuple;
  RouteInfo route;
  ConntrackInfo conntrack;
  uint32_t path_mtu_bytes = 0;      // of the connection now
  bool sack_enabled = false;        // the fence's answer then names its byte
  bool timestamps_enabled = false;  // it then also tells TS.Recent
};

// The first of these checks alone: kOk for an internet TCP socket. Asks nobody
// who could keep it waiting, whatever the descriptor is.
KernelError CheckIsTcp(int fd);

// Only looks: the socket, its peer and its owner notice nothing. Answers kOk or
// the first reason against; a socket of another namespace is told first, the
// path (IPsec, NAT, route) last. Not detectable,
// and therefore not refused: urgent data that was sent and is not acknowledged
// yet (it crosses as ordinary data).
KernelError CheckEligibility(int fd, const EligibilityContext& context,
                             EligibilityFacts* facts);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_ELIGIBILITY_H_
