// SPDX-License-Identifier: BSD-3-Clause
// What crosses the kernel's part of a connection's life beside the kernel.
// Pure. Internal to the room.
#ifndef CHIMNEY_KERNEL_CARRIED_STATE_H_
#define CHIMNEY_KERNEL_CARRIED_STATE_H_

#include "base/time.h"
#include "kernel/socket_image.h"
#include "offload/state.h"

namespace chimney::kernel {

// At an upload.
CarriedState Carry(const tcp::TcpDelegatedState& uploaded, Instant now);

// At the next offload: fills in what the kernel could not learn meanwhile and
// lets the retransmission timer go on if nothing was acknowledged.
// `delegated` is what the kernel said.
void ApplyCarried(const CarriedState& carried, Instant now,
                  tcp::TcpDelegatedState* delegated);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_CARRIED_STATE_H_
