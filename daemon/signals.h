// SPDX-License-Identifier: BSD-3-Clause
// SIGTERM, SIGINT and SIGHUP ask the control core to drain (R105); a second
// one asks it to hurry.
#ifndef CHIMNEY_DAEMON_SIGNALS_H_
#define CHIMNEY_DAEMON_SIGNALS_H_

namespace chimney::daemon {

class ControlCore;

// Before any thread exists: the signals wait, here and in every thread made
// from now on. SIGPIPE is ignored.
void HoldStopSignals();

// Delivers the signals to `core`, those that have waited first, for the life of
// this object. One at a time, on the thread that runs the control core.
class StopSignals {
 public:
  explicit StopSignals(ControlCore* core);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_SIGNALS_H_
