// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "dpdkio/device_args.h"
#include "dpdkio/eal_log.h"

namespace chimney::dpdkio {

namespace {

constexpr uint64_t kMebibyte = 1u << 20;

// EAL creates <directory>/dpdk/<prefix> whether it needs it or not. Gives it a
// place of its own while it starts and takes that away afterwards.
class PrivateRuntimeDirectory {
 public:
  explicit PrivateRuntimeDirectory(std::string_view prefix) : prefix_(prefix) {
    const char* given = getenv(kVariable);
    if (given != nullptr) given_ = given;
    for (const char* pattern :
         {"/run/chimneyd-XXXXXX", "/tmp/chimneyd-XXXXXX"}) {
      path_ = pattern;
      if (mkdtemp(path_.data()) != nullptr) {
        setenv(kVariable, path_.c_str(), 1);
        return;
      }
    }
    path_.clear();
  }
  ~PrivateRuntimeDirectory() {
    if (path_.empty()) return;
    rmdir((path_ + "/dpdk/" + prefix_).c_str());
    rmdir((path_ + "/dpdk").c_str());
    rmdir(path_.c_str());
    if (given_) {
      setenv(kVariable, given_->c_str(), 1);
    } else {
      unsetenv(kVariable);
    }
  }
  PrivateRuntimeDirectory(const PrivateRuntimeDirectory&) = delete;
  PrivateRuntimeDirectory& operator=(const PrivateRuntimeDirectory&) = delete;

 private:
  static constexpr const char* kVariable = "RUNTIME_DIRECTORY";
  std::string prefix_;
  std::string path_;
  std::optional<std::string> given_;
};

}  // namespace

std::vector<std::string> EalArguments(const EalOptions& options,
                                      std::string_view file_prefix) {
  std::vector<std::string> arguments = {
      "chimneyd",
      // One lcore, for the control core; workers register themselves.
      "--lcores=0@" + std::to_string(options.main_core),
      "--no-telemetry",
      "--file-prefix=" + std::string(file_prefix),
  };
  if (options.huge_pages) {
    arguments.emplace_back("--in-memory");
  } else {
    const uint64_t mebibytes = std::max<uint64_t>(
        1, (options.memory_bytes + kMebibyte - 1) / kMebibyte);
    arguments.emplace_back("--no-huge");
    arguments.emplace_back("--no-shconf");
    arguments.emplace_back("-m" + std::to_string(mebibytes));
  }
  bool uses_bus = false;
  for (const std::string& device : options.devices) {
    if (IsVirtualDevice(device)) {
      arguments.push_back("--vdev=" + device);
    } else {
      arguments.push_back("-a" + device);
      uses_bus = true;
    }
  }
  if (!uses_bus) arguments.emplace_back("--no-pci");
  return arguments;
}

std::unique_ptr<Eal> Eal::Start(const EalOptions& options, std::string* error) {
  RouteEalLog(options.log);
  const std::string prefix = "chimneyd-" + std::to_string(getpid());
  std::unique_ptr<Eal> eal(new Eal(EalArguments(options, prefix)));
  // EAL reorders the array; it is not needed afterwards.
  std::vector<char*> argv;
  for (std::string& argument : eal->arguments_) argv.push_back(argument.data());
  argv.push_back(nullptr);

  const PrivateRuntimeDirectory runtime_directory(prefix);
  if (rte_eal_init(static_cast<int>(argv.size() - 1), argv.data()) < 0) {
    *error = std::string("DPDK did not start: ") + rte_strerror(rte_errno) +
             "; arguments were";
    for (const std::string& argument : eal->arguments_) {
      *error += " " + argument;
    }
    return nullptr;
  }
  eal->started_ = true;
  return eal;
}

Eal::~Eal() {
  if (started_) rte_eal_cleanup();
}

ThreadRegistration::ThreadRegistration() : ok_(rte_thread_register() == 0) {}

ThreadRegistration::~ThreadRegistration() {
  if (ok_) rte_thread_unregister();
}

}  // namespace chimney::dpdkio
