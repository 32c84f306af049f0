// SPDX-License-Identifier: BSD-3-Clause
// How long the daemon waits for a client's part of the hello.
#ifndef CHIMNEY_DAEMON_HELLO_PATIENCE_H_
#define CHIMNEY_DAEMON_HELLO_PATIENCE_H_

#include "base/time.h"

namespace chimney::daemon {

inline constexpr Duration kHelloPatience = Duration::Seconds(10);

// What the daemon takes between is not held against the client: others may have
// their memory made before it. Control core only.
class HelloPatience {
 public:
  // Now it is the client's turn. When to look whether IsOver.
  Instant Restart(Instant now) { return ends_ = now + kHelloPatience; }
  // Now it is the daemon's turn.
  void Stop() { ends_ = Instant::Never(); }

  // Of the first turn, from the accept on, the timer that is set then is the
  // end.
  bool IsOver(Instant now) const { return now >= ends_; }

 private:
  Instant ends_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_HELLO_PATIENCE_H_
