// SPDX-License-Identifier: BSD-3-Clause
// Offload, second half: the socket becomes a placeholder of its 4-tuple.
#include "kernel/handover.h"
#include "kernel/repair_mode.h"
#include "kernel/socket_options.h"

namespace chimney::kernel {

KernelError MakePlaceholder(int fd, const SocketImage& image) {
  if (image.options.keepalive != 0) {
    // Keepalive probes are all that a connected socket with empty queues would
    // ever send, and unanswered ones would kill it.
    const KernelError silenced =
        SetInt(fd, SOL_SOCKET, SO_KEEPALIVE, 0, "SO_KEEPALIVE");
    if (!silenced.ok()) {
      return SystemError(KernelErrorCode::kNotDisconnected, "SO_KEEPALIVE");
    }
  }
  const tcp::TcpDelegatedState& state = image.snapshot.tcp.delegated;
  const KernelError error =
      ReconnectInRepair(fd, image, state.snd_max, state.rcv_nxt);
  if (error.code == KernelErrorCode::kNotDisconnected) {
    // Without being silent it runs on as it was.
    const KernelError ignored =
        SetInt(fd, SOL_SOCKET, SO_KEEPALIVE, image.options.keepalive != 0,
               "SO_KEEPALIVE");
    (void)ignored;
  }
  if (!error.ok()) return error;
  return SelectQueue(fd, RepairQueue::kNone);
}

}  // namespace chimney::kernel
