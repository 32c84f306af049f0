// SPDX-License-Identifier: BSD-3-Clause
// Whether a socket is in a BPF sockmap or sockhash, whose programs would go on
// redirecting its data behind our back. Internal to the room.
#ifndef CHIMNEY_KERNEL_SOCKMAP_H_
#define CHIMNEY_KERNEL_SOCKMAP_H_

#include "kernel/kernel_error.h"

namespace chimney::kernel {

// kSockmap if any map of the system holds the socket. The kernel does not say
// it of a socket, so the maps are asked; with no such map loaded that costs a
// few system calls. Without the right to enumerate BPF maps (CAP_SYS_ADMIN)
// nothing is found.
KernelError CheckSockmap(int fd);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_SOCKMAP_H_
