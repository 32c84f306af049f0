// SPDX-License-Identifier: BSD-3-Clause
// The states print as RFC 9293 section 3.3.2 writes them.
#include "tcp/connection_state.h"

#include <gtest/gtest.h>

#include <utility>

namespace chimney::tcp {
namespace {

TEST(ConnectionStateNames, AreThoseOfTheRfc) {
  const std::pair<ConnectionState, const char*> kNames[] = {
      {ConnectionState::kClosed, "CLOSED"},
      {ConnectionState::kListen, "LISTEN"},
      {ConnectionState::kSynSent, "SYN-SENT"},
      {ConnectionState::kSynReceived, "SYN-RECEIVED"},
      {ConnectionState::kEstablished, "ESTABLISHED"},
      {ConnectionState::kFinWait1, "FIN-WAIT-1"},
      {ConnectionState::kFinWait2, "FIN-WAIT-2"},
      {ConnectionState::kCloseWait, "CLOSE-WAIT"},
      {ConnectionState::kClosing, "CLOSING"},
      {ConnectionState::kLastAck, "LAST-ACK"},
      {ConnectionState::kTimeWait, "TIME-WAIT"},
      {static_cast<ConnectionState>(11), "unknown"}};
  for (const auto& [state, name] : kNames) {
    EXPECT_STREQ(ConnectionStateName(state), name);
  }
}

}  // namespace
}  // namespace chimney::tcp
