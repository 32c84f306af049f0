// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc's command line.
#include "hostapi/tools/nc_options.h"

#include <getopt.h>

#include <charconv>
#include <cstring>

#include "chimney/chimney.h"

namespace chimney::tools {

const char kNcUsage[] =
    "usage: chimney-nc [--socket PATH] [-l] HOST PORT\n"
    "                  [--offload=start|never] [--cycle MS] [--stats FILE]\n"
    "\n"
    "Connects to HOST PORT (with -l: accepts one connection there), has\n"
    "chimneyd take it over, copies standard input to it and it to standard\n"
    "output, and half-closes it at the end of input. Ends when both "
    "directions\n"
    "have. IPv4 and IPv6; needs no privilege.\n"
    "\n"
    "  --socket PATH    chimneyd's socket (default " CHIMNEY_DEFAULT_SOCKET
    ")\n"
    "  -l, --listen     accept instead of connecting\n"
    "  --offload=start  offload at the start; if that never succeeds the\n"
    "                   stream goes on in the kernel and the exit status is "
    "3.\n"
    "                   Not given: the same, but only a warning\n"
    "  --offload=never  plain netcat: chimneyd is not asked\n"
    "  --cycle MS       every MS milliseconds give the connection back to the\n"
    "                   kernel, use it there for half of that time, and\n"
    "                   offload it again\n"
    "  --stats FILE     write JSON at the end: bytes, hand-overs, their times\n"
    "  -h, --help       this text\n"
    "\n"
    "Exit status: 0 both directions ended cleanly, 1 they did not, 2 bad "
    "usage,\n"
    "3 see --offload=start.\n";

namespace {

constexpr uint32_t kMaxCycleMs = 3600 * 1000;

enum LongOption { kSocket = 256, kOffload, kCycle, kStats };

constexpr option kLongOptions[] = {
    {"socket", required_argument, nullptr, kSocket},
    {"listen", no_argument, nullptr, 'l'},
    {"offload", required_argument, nullptr, kOffload},
    {"cycle", required_argument, nullptr, kCycle},
    {"stats", required_argument, nullptr, kStats},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
};

bool ParseOffload(const char* text, OffloadMode* mode, std::string* error) {
  if (std::strcmp(text, "start") == 0) {
    *mode = OffloadMode::kStart;
  } else if (std::strcmp(text, "never") == 0) {
    *mode = OffloadMode::kNever;
  } else {
    *error = "--offload is start or never, not '" + std::string(text) + "'";
    return false;
  }
  return true;
}

bool ParseCycle(const char* text, uint32_t* cycle_ms, std::string* error) {
  const char* end = text + std::strlen(text);
  const auto [rest, problem] = std::from_chars(text, end, *cycle_ms);
  if (problem != std::errc() || rest != end || *cycle_ms == 0 ||
      *cycle_ms > kMaxCycleMs) {
    *error = "--cycle takes milliseconds from 1 to 3600000, not '" +
             std::string(text) + "'";
    return false;
  }
  return true;
}

// The resolver takes a number that is too large modulo 65536.
bool IsPort(const std::string& text) {
  const char* end = text.data() + text.size();
  uint64_t number = 0;
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  if (failed == std::errc::result_out_of_range) return false;
  if (failed != std::errc() || stop != end) return !text.empty();  // a name
  return number >= 1 && number <= 65535;
}

}  // namespace

ParseVerdict ParseNcOptions(int argc, char** argv, NcOptions* options,
                            std::string* error) {
  optind = 0;  // also lets tests parse more than once
  opterr = 0;
  for (;;) {
    const int letter = getopt_long(argc, argv, ":lh", kLongOptions, nullptr);
    if (letter == -1) break;
    bool good = true;
    switch (letter) {
      case 'h':
        return ParseVerdict::kHelp;
      case 'l':
        options->listen = true;
        break;
      case kSocket:
        options->socket_path = optarg;
        break;
      case kOffload:
        good = ParseOffload(optarg, &options->offload, error);
        break;
      case kCycle:
        good = ParseCycle(optarg, &options->cycle_ms, error);
        break;
      case kStats:
        options->stats_path = optarg;
        break;
      case ':':
        *error = std::string(argv[optind - 1]) + " needs a value";
        return ParseVerdict::kError;
      default:
        *error = "unknown option " + std::string(argv[optind - 1]);
        return ParseVerdict::kError;
    }
    if (!good) return ParseVerdict::kError;
  }
  if (argc - optind != 2) {
    *error = "HOST and PORT are needed, and nothing else";
    return ParseVerdict::kError;
  }
  options->host = argv[optind];
  options->port = argv[optind + 1];
  if (!IsPort(options->port)) {
    *error = "PORT is a number from 1 to 65535 or the name of a service, not " +
             options->port;
    return ParseVerdict::kError;
  }
  if (options->cycle_ms != 0 && options->offload == OffloadMode::kNever) {
    *error = "--cycle and --offload=never contradict each other";
    return ParseVerdict::kError;
  }
  return ParseVerdict::kRun;
}

}  // namespace chimney::tools
