// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cstdlib>

#include "abi/layout.h"
#include "daemon/cpu_list.h"
#include "daemon/limit_flags.h"
#include "daemon/parameter_flags.h"
#include "dpdkio/device_args.h"

DEFINE_string(wire_port, "",
              "device arguments of the port towards the network, as EAL takes "
              "them after --vdev= or -a");
DEFINE_string(host_port, "",
              "device arguments of the port towards the kernel's host "
              "interface");
DEFINE_string(host_interface, "chim0",
              "the kernel interface behind the host port, whose connections "
              "can be offloaded");
DEFINE_string(worker_cores, "0",
              "CPUs of the worker cores, one worker each, as in 2,4-6");
DEFINE_int32(control_core, -1,
             "CPU of the control core; -1 = one without a worker if there is "
             "one");
DEFINE_string(idle, "adaptive",
              "what a worker core does without work: poll = spins on; adaptive "
              "= spins 200 us, then sleeps up to 50 us at a time");
DEFINE_string(huge, "auto", "hugepages: on, off, auto (where enough are free)");
DEFINE_string(socket, "/run/chimneyd/chimneyd.sock",
              "path of the socket on which sessions are accepted");
DEFINE_string(socket_mode, "0666",
              "file mode of the socket, octal: who may open sessions");
DEFINE_bool(allow_raw, false,
            "accept connections without a kernel socket from every uid, not "
            "only from the daemon's own");
DEFINE_string(rx_mode, "copy",
              "how received data reaches sessions: copy = once into their "
              "memory; lend = the port's own pages");
DEFINE_string(profile, "linux",
              "TCP parameters: linux = as the kernel; chimney = the rule "
              "book's. Each has a flag of its own as well");

// Of gflags, declared nowhere: what it calls to end the process.
namespace GFLAGS_NAMESPACE {
extern void (*gflags_exitfunc)(int);
}

namespace chimney::daemon {

namespace {

template <typename T>
struct Choice {
  const char* name;
  T value;
};

template <typename T, size_t kCount>
bool Choose(const char* flag, const std::string& given,
            const Choice<T> (&choices)[kCount], T* value, std::string* error) {
  std::string names;
  for (const Choice<T>& choice : choices) {
    if (given == choice.name) {
      *value = choice.value;
      return true;
    }
    names += std::string(names.empty() ? "" : ", ") + choice.name;
  }
  *error = std::string("--") + flag + ": '" + given + "' is none of " + names;
  return false;
}

bool ReadChoices(Config* config, std::string* error) {
  static constexpr Choice<IdleMode> kIdle[] = {
      {"poll", IdleMode::kPoll}, {"adaptive", IdleMode::kAdaptive}};
  static constexpr Choice<HugeMode> kHuge[] = {{"on", HugeMode::kOn},
                                               {"off", HugeMode::kOff},
                                               {"auto", HugeMode::kAuto}};
  static constexpr Choice<ReceiveMode> kReceive[] = {
      {"copy", ReceiveMode::kCopy}, {"lend", ReceiveMode::kLend}};
  static constexpr Choice<Profile> kProfile[] = {
      {"linux", Profile::kLinux}, {"chimney", Profile::kChimney}};
  if (!Choose("idle", FLAGS_idle, kIdle, &config->idle, error) ||
      !Choose("huge", FLAGS_huge, kHuge, &config->huge, error) ||
      !Choose("rx_mode", FLAGS_rx_mode, kReceive, &config->rx_mode, error) ||
      !Choose("profile", FLAGS_profile, kProfile, &config->profile, error)) {
    return false;
  }
  if (config->rx_mode == ReceiveMode::kLend) {
    *error =
        "--rx_mode: lend needs ports with pinned receive memory; this version "
        "only has copy";
    return false;
  }
  return true;
}

bool ReadPorts(Config* config, std::string* error) {
  config->wire_port = FLAGS_wire_port;
  config->host_port = FLAGS_host_port;
  for (const auto& [flag, device] :
       {std::pair("wire_port", &config->wire_port),
        std::pair("host_port", &config->host_port)}) {
    const std::string wrong = dpdkio::CheckDeviceArgs(*device);
    if (!wrong.empty()) {
      *error = std::string("--") + flag + ": " + wrong +
               "; give a device as in net_af_packet0,iface=eth0 or "
               "0000:03:00.0";
      return false;
    }
  }
  if (dpdkio::DeviceName(config->wire_port) ==
      dpdkio::DeviceName(config->host_port)) {
    *error =
        "--host_port: is the same device as --wire_port; give its name "
        "another number, as in net_af_packet0 and net_af_packet1";
    return false;
  }
  config->host_interface = FLAGS_host_interface;
  if (FLAGS_host_interface.empty() || FLAGS_host_interface.size() > 15) {
    *error = "--host_interface: '" + FLAGS_host_interface +
             "' is no name of an interface";
    return false;
  }
  return true;
}

bool ReadCores(Config* config, std::string* error) {
  const std::vector<uint32_t> allowed = AllowedCpus();
  const auto is_allowed = [&](uint32_t cpu) {
    return std::find(allowed.begin(), allowed.end(), cpu) != allowed.end();
  };
  std::vector<uint32_t>& workers = config->worker_cores;
  if (!ParseCpuList(FLAGS_worker_cores, &workers)) {
    *error = "--worker_cores: '" + FLAGS_worker_cores +
             "' is no list of CPUs as in 2,4-6";
    return false;
  }
  for (const uint32_t cpu : workers) {
    if (is_allowed(cpu)) continue;
    *error = "--worker_cores: CPU " + std::to_string(cpu) +
             " is not there or not allowed; allowed are " +
             CpuListText(allowed);
    return false;
  }
  // Nothing distributes the frames of one queue, or finds the queue of a
  // connection, yet: a second worker would lose segments to the first.
  if (workers.size() > 1) {
    *error = "--worker_cores: this version runs one worker, " +
             std::to_string(workers.size()) + " CPUs were given";
    return false;
  }
  if (FLAGS_control_core == -1) {
    config->control_core = workers.front();
    for (const uint32_t cpu : allowed) {
      if (std::find(workers.begin(), workers.end(), cpu) != workers.end()) {
        continue;
      }
      config->control_core = cpu;
      break;
    }
    return true;
  }
  if (FLAGS_control_core < 0 ||
      !is_allowed(static_cast<uint32_t>(FLAGS_control_core))) {
    *error = "--control_core: CPU " + std::to_string(FLAGS_control_core) +
             " is not there or not allowed; allowed are " +
             CpuListText(allowed);
    return false;
  }
  config->control_core = static_cast<uint32_t>(FLAGS_control_core);
  return true;
}

bool ReadSocket(Config* config, std::string* error) {
  constexpr size_t kLongestPath = 107;  // sun_path less its end
  config->socket_path = FLAGS_socket;
  if (FLAGS_socket.empty() || FLAGS_socket.size() > kLongestPath) {
    *error = "--socket: a path of 1 to " + std::to_string(kLongestPath) +
             " bytes is needed";
    return false;
  }
  char* end = nullptr;
  const unsigned long mode = std::strtoul(FLAGS_socket_mode.c_str(), &end, 8);
  if (FLAGS_socket_mode.empty() || *end != '\0' || mode > 0777) {
    *error = "--socket_mode: '" + FLAGS_socket_mode +
             "' is no octal file mode as in 0660";
    return false;
  }
  config->socket_mode = static_cast<uint32_t>(mode);
  config->allow_raw = FLAGS_allow_raw;
  return true;
}

void ExitForFlags(int) { std::exit(kExitBadFlags); }
void ExitAfterHelp(int) { std::exit(0); }

}  // namespace

void ParseFlags(int argc, char** argv) {
  gflags::SetUsageMessage(
      "takes established TCP connections off the kernel and gives them "
      "back.\n  chimneyd --wire_port=DEVICE --host_port=DEVICE [FLAG...]\n"
      "  Flags can stand in a file named by --flagfile.");
  gflags::SetVersionString(CHIMNEY_VERSION);
  GFLAGS_NAMESPACE::gflags_exitfunc = ExitForFlags;
  gflags::ParseCommandLineNonHelpFlags(&argc, &argv, true);
  GFLAGS_NAMESPACE::gflags_exitfunc = ExitAfterHelp;
  gflags::HandleCommandLineHelpFlags();
  if (argc > 1) {
    fprintf(stderr, "chimneyd: '%s' is no flag\n", argv[1]);
    std::exit(kExitBadFlags);
  }
}

bool ReadConfig(Config* config, std::string* error) {
  return ReadPorts(config, error) && ReadCores(config, error) &&
         ReadChoices(config, error) && ReadSocket(config, error) &&
         ReadLimitFlags(config, error) &&
         ReadParameterFlags(config->profile, &config->parameters, error);
}

}  // namespace chimney::daemon
