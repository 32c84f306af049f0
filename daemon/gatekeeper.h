// SPDX-License-Identifier: BSD-3-Clause
// What runs in the gatehouse's process, and how it talks to the daemon.
#ifndef CHIMNEY_DAEMON_GATEKEEPER_H_
#define CHIMNEY_DAEMON_GATEKEEPER_H_

#include <sys/types.h>

#include <cstdint>

#include "daemon/unique_fd.h"

namespace chimney::daemon {

struct GateMessage {
  enum class Kind : uint32_t {
    kListen,   // to the gatekeeper, with the listening socket
    kArrived,  // from it, with the socket of the client's porter
  };
  Kind kind = Kind::kArrived;
  uid_t uid = 0;
  pid_t pid = 0;
};

bool SendGateMessage(int channel, const GateMessage& message, int descriptor);

enum class GateReceived : uint8_t { kMessage, kNothing, kGone };
GateReceived ReceiveGateMessage(int channel, int flags, GateMessage* message,
                                UniqueFd* descriptor);

// Lets clients in until the daemon's end of `channel` is closed.
void RunGatekeeper(UniqueFd channel, uint32_t porters_per_user,
                   uint32_t porters);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_GATEKEEPER_H_
