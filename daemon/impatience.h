// SPDX-License-Identifier: BSD-3-Clause
// A bound for what the kernel makes a thread wait for when the last reference
// to somebody else's socket goes: SO_LINGER counts for whoever closes it last,
// O_NONBLOCK or not. That may be a close, and also the loss of descriptors that
// are still in a unix socket. The wait ends with a signal; the socket then
// closes on its own, as that of a process that was killed.
#ifndef CHIMNEY_DAEMON_IMPATIENCE_H_
#define CHIMNEY_DAEMON_IMPATIENCE_H_

namespace chimney::daemon {

// While one lives, a wait of this thread that a signal can end ends within
// milliseconds, with EINTR. At most one at a time in a thread; nothing in its
// scope may take EINTR for a failure.
class Impatience {
 public:
  Impatience();
  ~Impatience();
  Impatience(const Impatience&) = delete;
  Impatience& operator=(const Impatience&) = delete;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_IMPATIENCE_H_
