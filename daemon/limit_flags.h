// SPDX-License-Identifier: BSD-3-Clause
// Sizes and times of the daemon, each with its range.
#ifndef CHIMNEY_DAEMON_LIMIT_FLAGS_H_
#define CHIMNEY_DAEMON_LIMIT_FLAGS_H_

#include <string>

#include "daemon/config.h"

namespace chimney::daemon {

// False with a message that names the flag.
bool ReadLimitFlags(Config* config, std::string* error);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_LIMIT_FLAGS_H_
