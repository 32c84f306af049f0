// SPDX-License-Identifier: BSD-3-Clause
// The descriptor by which the daemon wakes a session's process.
#ifndef CHIMNEY_DAEMON_DOORBELL_H_
#define CHIMNEY_DAEMON_DOORBELL_H_

#include "daemon/unique_fd.h"

namespace chimney::daemon {

struct Doorbell {
  UniqueFd daemon_end;  // for RingDoorbell
  UniqueFd client_end;
};

// Rings one way only: what is sent into the client's end is refused (EPIPE).
// The daemon never reads, so that a descriptor left there would live as long as
// the session; and the session's own socket, left there, would hide that its
// process is gone. False: no descriptors are left.
bool OpenDoorbell(Doorbell* doorbell);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_DOORBELL_H_
