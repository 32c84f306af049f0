// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/doorbell.h"

#include <sys/socket.h>

namespace chimney::daemon {

bool OpenDoorbell(Doorbell* doorbell) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                 ends) != 0) {
    return false;
  }
  doorbell->daemon_end = UniqueFd(ends[0]);
  doorbell->client_end = UniqueFd(ends[1]);
  return shutdown(doorbell->daemon_end.get(), SHUT_RD) == 0;
}

}  // namespace chimney::daemon
