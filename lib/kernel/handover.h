// SPDX-License-Identifier: BSD-3-Clause
// The steps that move a connection between its kernel socket and whoever runs
// it, through TCP_REPAIR (design D1-D3). Each is a handful of system calls on
// the caller's duplicate of the socket; none blocks. Needs CAP_NET_ADMIN in the
// socket's user namespace. Thread rule: one thread per socket at a time.
//
// Offload: PeekReceiveNext -> (hold, fence) -> Freeze -> MakePlaceholder.
// Upload:  Restore -> (open host->wire) -> Thaw.
// Every step that fails leaves the socket as the step before left it, so that
// Unfreeze (before the placeholder) or a repeated Restore (after it) works.
#ifndef CHIMNEY_KERNEL_HANDOVER_H_
#define CHIMNEY_KERNEL_HANDOVER_H_

#include <cstdint>

#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

// RCV.NXT of a running socket, for the fence's sequence number.
KernelError PeekReceiveNext(int fd, SeqNum* rcv_nxt);

// Attaches the drop-all filter, enters repair mode, reads everything, reads the
// sequence numbers again; fails with kChanged if they moved in between (the
// caller may try again after Unfreeze).
KernelError Freeze(int fd, SocketImage* image);

// Undoes Freeze: the socket runs on as if nothing had happened.
KernelError Unfreeze(int fd, const SocketImage& image);

// Turns a frozen socket into a silent placeholder that reserves its 4-tuple.
// Fails with kTupleTaken when another socket slipped in; the socket is then
// unconnected and MakePlaceholder may be repeated.
KernelError MakePlaceholder(int fd, SocketImage* image);

// Puts `image` (final state, send_bytes, receive_bytes) into a placeholder;
// still frozen and filtered afterwards. kTupleTaken as above.
KernelError Restore(int fd, const SocketImage& image);

// Leaves repair mode without a probe, removes the filter, puts every option
// back: the kernel runs the connection from here on.
KernelError Thaw(int fd, const SocketImage& image);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_HANDOVER_H_
