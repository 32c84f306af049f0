// SPDX-License-Identifier: BSD-3-Clause
// Whether this process may give a socket its port. A socket that was accepted
// loses its port when it becomes a placeholder and when it is restored, and
// whoever does that binds it again: for a low port that takes a capability,
// although the program that owns the socket never needed it.
#ifndef CHIMNEY_KERNEL_PORT_PERMISSION_H_
#define CHIMNEY_KERNEL_PORT_PERMISSION_H_

#include <cstdint>

#include "kernel/kernel_error.h"

namespace chimney::kernel {

// kPortPermission if bind() of `port` would be refused to the calling thread in
// its network namespace. Any thread.
KernelError CheckPortPermission(uint16_t port);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_PORT_PERMISSION_H_
