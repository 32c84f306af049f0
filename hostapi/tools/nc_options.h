// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc's command line.
#ifndef CHIMNEY_TOOLS_NC_OPTIONS_H_
#define CHIMNEY_TOOLS_NC_OPTIONS_H_

#include <cstdint>
#include <string>

namespace chimney::tools {

enum class OffloadMode : uint8_t {
  kIfPossible,  // not given: a refusal is a warning
  kStart,       // --offload=start: never succeeding is a failure
  kNever,       // --offload=never: the daemon is not even asked
};

struct NcOptions {
  std::string socket_path;  // "" = the library's default
  bool listen = false;
  std::string host;
  std::string port;
  OffloadMode offload = OffloadMode::kIfPossible;
  uint32_t cycle_ms = 0;  // 0 = no cycling
  std::string stats_path;
};

enum class ParseVerdict : uint8_t { kRun, kHelp, kError };

// On kError *error is one sentence for people.
ParseVerdict ParseNcOptions(int argc, char** argv, NcOptions* options,
                            std::string* error);

extern const char kNcUsage[];

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_NC_OPTIONS_H_
