// SPDX-License-Identifier: BSD-3-Clause
// Names of the connection states as RFC 9293 prints them.
#include "tcp/connection_state.h"

namespace chimney::tcp {

const char* ConnectionStateName(ConnectionState state) {
  switch (state) {
    case ConnectionState::kClosed:
      return "CLOSED";
    case ConnectionState::kListen:
      return "LISTEN";
    case ConnectionState::kSynSent:
      return "SYN-SENT";
    case ConnectionState::kSynReceived:
      return "SYN-RECEIVED";
    case ConnectionState::kEstablished:
      return "ESTABLISHED";
    case ConnectionState::kFinWait1:
      return "FIN-WAIT-1";
    case ConnectionState::kFinWait2:
      return "FIN-WAIT-2";
    case ConnectionState::kCloseWait:
      return "CLOSE-WAIT";
    case ConnectionState::kClosing:
      return "CLOSING";
    case ConnectionState::kLastAck:
      return "LAST-ACK";
    case ConnectionState::kTimeWait:
      return "TIME-WAIT";
  }
  return "unknown";
}

}  // namespace chimney::tcp
