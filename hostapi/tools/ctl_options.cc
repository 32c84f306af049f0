// SPDX-License-Identifier: BSD-3-Clause
// chimneyctl's command line.
#include "hostapi/tools/ctl_options.h"

#include <getopt.h>

#include <charconv>
#include <string_view>

#include "chimney/chimney.h"

namespace chimney::tools {

const char kCtlUsage[] =
    "usage: chimneyctl [--socket PATH] [--json] COMMAND\n"
    "\n"
    "  status         the daemon, its ports, sessions and hand-overs\n"
    "  connections    the connections that are offloaded\n"
    "  stats          counters of every worker (--all: also those that are 0)\n"
    "  upload-all     give every connection back to the kernel and pause\n"
    "  pause          offload nothing new\n"
    "  resume         offload again\n"
    "  terminate ID   give one connection back; ID as in connections\n"
    "\n"
    "  --socket PATH  chimneyd's socket (default " CHIMNEY_DEFAULT_SOCKET
    ")\n"
    "  --json         the answer as JSON\n"
    "  -h, --help     this text\n"
    "\n"
    "Exit status: 0 done, 1 the daemon could not or would not, 2 bad usage,\n"
    "3 no daemon.\n";

namespace {

enum LongOption { kSocket = 256, kJson, kAll };

constexpr option kLongOptions[] = {
    {"socket", required_argument, nullptr, kSocket},
    {"json", no_argument, nullptr, kJson},
    {"all", no_argument, nullptr, kAll},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
};

struct CommandName {
  std::string_view name;
  CtlCommand command;
};
constexpr CommandName kCommands[] = {
    {"status", CtlCommand::kStatus},
    {"connections", CtlCommand::kConnections},
    {"stats", CtlCommand::kStats},
    {"upload-all", CtlCommand::kUploadAll},
    {"resume", CtlCommand::kResume},
    {"pause", CtlCommand::kPause},
    {"terminate", CtlCommand::kTerminate},
    {"help", CtlCommand::kHelp},
};

bool ParseCommand(std::string_view name, CtlOptions* options,
                  std::string* error) {
  for (const CommandName& known : kCommands) {
    if (known.name != name) continue;
    options->command = known.command;
    return true;
  }
  *error = "unknown command '" + std::string(name) + "'";
  return false;
}

bool ParseId(std::string_view text, uint64_t* id, std::string* error) {
  const auto [rest, problem] =
      std::from_chars(text.data(), text.data() + text.size(), *id);
  if (problem == std::errc() && rest == text.data() + text.size()) return true;
  *error = "'" + std::string(text) + "' is no connection id";
  return false;
}

}  // namespace

bool ParseCtlOptions(int argc, char** argv, CtlOptions* options,
                     std::string* error) {
  optind = 0;
  opterr = 0;
  for (;;) {
    const int letter = getopt_long(argc, argv, ":h", kLongOptions, nullptr);
    if (letter == -1) break;
    switch (letter) {
      case 'h':
        options->command = CtlCommand::kHelp;
        return true;
      case kSocket:
        options->socket_path = optarg;
        break;
      case kJson:
        options->json = true;
        break;
      case kAll:
        options->all = true;
        break;
      case ':':
        *error = std::string(argv[optind - 1]) + " needs a value";
        return false;
      default:
        *error = "unknown option " + std::string(argv[optind - 1]);
        return false;
    }
  }
  if (optind == argc) {
    *error = "a command is needed";
    return false;
  }
  if (!ParseCommand(argv[optind], options, error)) return false;
  const int wanted = options->command == CtlCommand::kTerminate ? 2 : 1;
  if (argc - optind < wanted) {
    *error = "terminate needs the id of a connection";
    return false;
  }
  if (argc - optind > wanted) {
    *error = "'" + std::string(argv[optind + wanted]) + "' is too much";
    return false;
  }
  return wanted == 1 || ParseId(argv[optind + 1], &options->id, error);
}

}  // namespace chimney::tools
