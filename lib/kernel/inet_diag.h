// SPDX-License-Identifier: BSD-3-Clause
// What only sock_diag says of a socket. Internal to the room.
#ifndef CHIMNEY_KERNEL_INET_DIAG_H_
#define CHIMNEY_KERNEL_INET_DIAG_H_

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"

namespace chimney::kernel {

struct DiagInfo {
  bool has_md5_keys = false;
};

// Asks for the very socket (by its cookie) in the thread's namespace. A kernel
// without tcp_diag leaves `info` empty.
KernelError ReadDiag(NetlinkSockets& sockets, int fd, const FlowTuple& tuple,
                     DiagInfo* info);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_INET_DIAG_H_
