// SPDX-License-Identifier: BSD-3-Clause
// The whole daemon: what is made in which order, and taken apart in the mirror
// image of it.
#ifndef CHIMNEY_DAEMON_DAEMON_H_
#define CHIMNEY_DAEMON_DAEMON_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemon/config.h"
#include "daemon/control_core.h"
#include "daemon/gatehouse.h"
#include "daemon/port_pair.h"
#include "daemon/worker_core.h"
#include "daemon/worker_link.h"

namespace chimney::daemon {

// Lives on one thread, which becomes the control core.
class Daemon {
 public:
  // Both outlive it.
  Daemon(const Config& config, Gatehouse& gatehouse)
      : config_(config), gatehouse_(gatehouse) {}
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Brings everything up: traffic passes and the socket accepts. False, with a
  // sentence for people, leaves nothing behind once this is destroyed.
  bool Start(std::string* error);
  // Serves until a signal; the process's exit code.
  int Run();

 private:
  bool StartWorkers(std::string* error);
  WorkerCoreOptions OptionsOf(uint32_t worker) const;
  void StopWorkers();

  const Config& config_;
  Gatehouse& gatehouse_;
  std::unique_ptr<PortPair> ports_;
  std::vector<std::unique_ptr<WorkerLink>> links_;
  std::vector<std::unique_ptr<WorkerCore>> cores_;
  std::unique_ptr<ControlCore> control_;
  // Run `cores_`; use the lanes of `control_`: end before both.
  std::vector<std::thread> threads_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_DAEMON_H_
