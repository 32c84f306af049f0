// SPDX-License-Identifier: BSD-3-Clause
// The single moves of TCP_REPAIR that the hand-over steps are made of. Internal
// to the room.
#ifndef CHIMNEY_KERNEL_REPAIR_MODE_H_
#define CHIMNEY_KERNEL_REPAIR_MODE_H_

#include "base/seq.h"
#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

// Values of TCP_REPAIR_QUEUE.
enum class RepairQueue : int { kNone = 0, kReceive = 1, kSend = 2 };

KernelError EnterRepair(int fd);
// Leaves without a window probe; the kernel clears SO_REUSEADDR on the way.
KernelError LeaveRepair(int fd);

KernelError SelectQueue(int fd, RepairQueue queue);
// End of the queue: RCV.NXT, or the sequence number after the last queued byte.
KernelError GetQueueSeq(int fd, RepairQueue queue, SeqNum* seq);

// A filter that drops every segment before the socket sees it: a classic one
// where BPF programs cannot be loaded. It is not locked, so that the owner of
// the socket is never stuck with it.
KernelError AttachDropFilter(int fd);
KernelError DetachFilter(int fd);

// Makes the frozen socket a connected one with these sequence numbers, empty
// queues and no timers, silently: SND.NXT = SND.UNA = snd_seq, RCV.NXT =
// rcv_seq. kTupleTaken, kNoRoute and kPortPermission leave it unconnected, in
// repair mode.
KernelError ReconnectInRepair(int fd, const SocketImage& image, SeqNum snd_seq,
                              SeqNum rcv_seq);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_REPAIR_MODE_H_
