// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>

#include "daemon/control_core.h"

namespace chimney::daemon {

namespace {

constexpr int kStopSignals[] = {SIGTERM, SIGINT, SIGHUP};

// A signal handler has no argument of its own.
std::atomic<ControlCore*> stopped_core{nullptr};
static_assert(std::atomic<ControlCore*>::is_always_lock_free);

void OnStopSignal(int /*signal*/) {
  ControlCore* core = stopped_core.load();
  if (core != nullptr) core->RequestStop();
}

sigset_t StopSignalSet() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kStopSignals) sigaddset(&set, signal);
  return set;
}

}  // namespace

void HoldStopSignals() {
  const sigset_t set = StopSignalSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

StopSignals::StopSignals(ControlCore* core) {
  stopped_core.store(core);
  struct sigaction action {};
  action.sa_handler = OnStopSignal;
  sigemptyset(&action.sa_mask);
  for (const int signal : kStopSignals) sigaction(signal, &action, nullptr);
  const sigset_t set = StopSignalSet();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

StopSignals::~StopSignals() {
  const sigset_t set = StopSignalSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  stopped_core.store(nullptr);
}

}  // namespace chimney::daemon
