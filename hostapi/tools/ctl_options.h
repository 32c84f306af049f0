// SPDX-License-Identifier: BSD-3-Clause
// chimneyctl's command line.
#ifndef CHIMNEY_TOOLS_CTL_OPTIONS_H_
#define CHIMNEY_TOOLS_CTL_OPTIONS_H_

#include <cstdint>
#include <string>

namespace chimney::tools {

enum class CtlCommand : uint8_t {
  kHelp,
  kStatus,
  kConnections,
  kStats,
  kUploadAll,
  kResume,
  kPause,
  kTerminate,
};

struct CtlOptions {
  std::string socket_path;  // "" = the library's default
  bool json = false;
  bool all = false;
  CtlCommand command = CtlCommand::kHelp;
  uint64_t id = 0;  // kTerminate
};

// False with one sentence for people in *error.
bool ParseCtlOptions(int argc, char** argv, CtlOptions* options,
                     std::string* error);

extern const char kCtlUsage[];

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_CTL_OPTIONS_H_
