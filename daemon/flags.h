// SPDX-License-Identifier: BSD-3-Clause
// The command line and flagfiles, as one proved Config.
#ifndef CHIMNEY_DAEMON_FLAGS_H_
#define CHIMNEY_DAEMON_FLAGS_H_

#include <string>

#include "daemon/config.h"

namespace chimney::daemon {

inline constexpr int kExitBadFlags = 2;

// Parses the command line and the flagfiles it names. Ends the process with
// kExitBadFlags on an unknown flag or one that is no number where it must be,
// and with 0 after --help and --version.
void ParseFlags(int argc, char** argv);

// Proves the flags as they stand. False with a sentence that names the flag;
// nothing on the machine has been touched by then.
bool ReadConfig(Config* config, std::string* error);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_FLAGS_H_
