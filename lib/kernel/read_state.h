// SPDX-License-Identifier: BSD-3-Clause
// The part of a freeze that reads the delegated state and the queues of a
// socket in repair mode. Internal to the room.
#ifndef CHIMNEY_KERNEL_READ_STATE_H_
#define CHIMNEY_KERNEL_READ_STATE_H_

#include <cstdint>

#include "kernel/handover.h"
#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

// Needs what ReadOptions filled. kChanged if the sequence numbers moved while
// they were read, kWrongState for a state that cannot be offloaded.
KernelError ReadState(int fd, const HostLimits& limits, SocketImage* image);

// Sequence numbers as the kernel counts them: write_seq is the end of what was
// queued, a queued FIN included.
struct KernelSendQueue {
  SeqNum write_seq;
  uint32_t unacked_bytes = 0;  // SIOCOUTQ: write_seq - SND.UNA
  uint32_t unsent_bytes = 0;   // SIOCOUTQNSD: write_seq - SND.NXT
};

// The state in RFC 9293's sense and the send sequence numbers: the kernel is in
// FIN_WAIT1, CLOSING or LAST_ACK from shutdown() on, the RFC from the moment
// the FIN is sent. `kernel_state` is tcp_info's. False for a state that cannot
// be offloaded. Pure.
bool InterpretSendQueue(uint8_t kernel_state, const KernelSendQueue& queue,
                        tcp::TcpDelegatedState* delegated,
                        uint32_t* queued_data_bytes);

// The largest receive window that the socket's buffer, or the size up to which
// the kernel may grow it, could hold. Pure.
uint32_t ReceiveWindowBound(const SavedSocketOptions& options,
                            const HostLimits& limits, uint8_t rcv_wind_scale);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_READ_STATE_H_
