// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: memory, devices, the log. One per process, started once.
//
// Several daemons live side by side and nothing stays behind, not even after a
// kill: no shared configuration, no hugepage files, no telemetry socket, and
// the run-time directory that EAL insists on is removed as soon as it is up.
#ifndef CHIMNEY_DPDKIO_EAL_H_
#define CHIMNEY_DPDKIO_EAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chimney::dpdkio {

// Receives EAL's and the drivers' lines. `level` is RTE_LOG_*: 4 = error,
// 5 = warning, larger = chatter. Called on any thread.
using LogSink = void (*)(uint32_t level, std::string_view line);

struct EalOptions {
  std::vector<std::string> devices;  // device arguments
  bool huge_pages = false;
  uint64_t memory_bytes = 0;  // to reserve when there are no hugepages
  uint32_t main_core = 0;     // the calling thread is pinned to it
  LogSink log = nullptr;
};

class Eal {
 public:
  // nullptr and a message if it does not come up.
  static std::unique_ptr<Eal> Start(const EalOptions& options,
                                    std::string* error);
  // On the thread that started it, when all ports are closed and all
  // registered threads are gone.
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

 private:
  explicit Eal(std::vector<std::string> arguments)
      : arguments_(std::move(arguments)) {}

  bool started_ = false;
  std::vector<std::string> arguments_;  // EAL keeps pointers into them
};

// The arguments that Start gives to EAL, argv[0] included.
std::vector<std::string> EalArguments(const EalOptions& options,
                                      std::string_view file_prefix);

// Makes the calling thread a DPDK thread (it gets a cache in every pool) for
// the life of this object.
class ThreadRegistration {
 public:
  ThreadRegistration();
  ~ThreadRegistration();
  ThreadRegistration(const ThreadRegistration&) = delete;
  ThreadRegistration& operator=(const ThreadRegistration&) = delete;
  bool ok() const { return ok_; }

 private:
  bool ok_;
};

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_EAL_H_
