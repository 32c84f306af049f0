// SPDX-License-Identifier: BSD-3-Clause
// The kernel's part of chimney-nc: one TCP connection, made or accepted.
#ifndef CHIMNEY_TOOLS_NC_SOCKET_H_
#define CHIMNEY_TOOLS_NC_SOCKET_H_

#include <string>

namespace chimney::tools {

// A connected socket, or -1 with a sentence for people in *error. Both block.
int ConnectTo(const std::string& host, const std::string& port,
              std::string* error);
int AcceptOne(const std::string& host, const std::string& port,
              std::string* error);

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_NC_SOCKET_H_
