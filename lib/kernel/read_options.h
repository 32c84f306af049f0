// SPDX-License-Identifier: BSD-3-Clause
// The part of a freeze that reads settings: it needs no repair mode. Internal
// to the room.
#ifndef CHIMNEY_KERNEL_READ_OPTIONS_H_
#define CHIMNEY_KERNEL_READ_OPTIONS_H_

#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

// Fills the image's addresses, options, the cached variables but for
// initial_rcv_wnd, and the path's addresses.
// One setting it does change: SO_PEEK_OFF, which would shift what the freeze
// peeks at.
KernelError ReadOptions(int fd, SocketImage* image);
KernelError PutPeekOffsetBack(int fd, const SavedSocketOptions& options);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_READ_OPTIONS_H_
