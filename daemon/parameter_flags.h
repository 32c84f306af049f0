// SPDX-License-Identifier: BSD-3-Clause
// The TCP parameters: a profile, and a flag for each value that overrides it.
#ifndef CHIMNEY_DAEMON_PARAMETER_FLAGS_H_
#define CHIMNEY_DAEMON_PARAMETER_FLAGS_H_

#include <string>

#include "daemon/config.h"
#include "tcp/parameters.h"

namespace chimney::daemon {

// False with a message that names the flag if a value is out of its range.
bool ReadParameterFlags(Profile profile, tcp::Parameters* parameters,
                        std::string* error);

// One "name = value" line each.
std::string ParametersText(const tcp::Parameters& parameters);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_PARAMETER_FLAGS_H_
