// SPDX-License-Identifier: BSD-3-Clause
// One kernel TCP connection taken out of its socket: all that is needed to run
// it elsewhere and to put it back (design D1-D3).
#ifndef CHIMNEY_KERNEL_SOCKET_IMAGE_H_
#define CHIMNEY_KERNEL_SOCKET_IMAGE_H_

#include <cstdint>
#include <vector>

#include "base/inet_address.h"
#include "offload/state.h"

namespace chimney::kernel {

// Socket settings that leaving repair mode or a placeholder would lose, as they
// were before the first step.
struct SavedSocketOptions {
  int reuse_address = 0;
  int send_buffer_bytes = 0;  // as getsockopt reports it (doubled)
  int receive_buffer_bytes = 0;
  int buffer_lock_bits = 0;  // SO_BUF_LOCK
  bool was_reusable_read = false;
};

struct SocketImage {
  // neighbor is filled by the caller (learned from the fence), the rest here.
  offload::ConnectionSnapshot snapshot;
  // Queue contents. send_bytes starts at snd_una; the first
  // (snd_nxt - snd_una), a FIN aside, have been sent.
  std::vector<uint8_t> send_bytes;
  std::vector<uint8_t> receive_bytes;  // end at rcv_nxt, a FIN aside
  SavedSocketOptions options;
  bool bound_once = false;  // the port is bound already: restore skips bind
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_SOCKET_IMAGE_H_
