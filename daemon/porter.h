// SPDX-License-Identifier: BSD-3-Clause
// The process between a client and the control core. Whatever arrives on a
// client's socket is received here, so that a descriptor whose release waits
// for its sender (a file of a file system that the sender serves itself, a
// socket that lingers) stops this process and no other. The control core gets
// the same messages, with nothing but internet sockets in them.
#ifndef CHIMNEY_DAEMON_PORTER_H_
#define CHIMNEY_DAEMON_PORTER_H_

#include <cstdint>

#include "daemon/unique_fd.h"

namespace chimney::daemon {

// Of the control core: "is all here that the client had sent until now?" The
// porter sends it back behind all that. No client can send one.
struct PorterSync {
  static constexpr uint32_t kMagic = 0x50535243;
  uint32_t magic = kMagic;
  uint32_t reserved = 0;
  uint64_t number = 0;
};
static_assert(sizeof(PorterSync) == 16);

// Carries messages between both sockets (SOCK_SEQPACKET) until one is closed.
void RunPorter(UniqueFd client, UniqueFd core);
// The same, as all that this process does until it ends: what is left goes with
// the process, for which no socket lingers.
[[noreturn]] void BePorter(UniqueFd client, UniqueFd core);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_PORTER_H_
