// SPDX-License-Identifier: BSD-3-Clause
// A TCP socket whose last close waits: unsent data, a peer that reads nothing,
// SO_LINGER.
#ifndef CHIMNEY_TESTS_UNIT_DAEMON_LINGERING_SOCKET_H_
#define CHIMNEY_TESTS_UNIT_DAEMON_LINGERING_SOCKET_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <utility>
#include <vector>

#include "daemon/unique_fd.h"

namespace chimney::daemon {

inline constexpr std::chrono::seconds kLinger{20};

class LingeringSocket {
 public:
  LingeringSocket() {
    const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const int small = 4096;
    setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    EXPECT_EQ(bind(listener.get(), generic, length), 0);
    EXPECT_EQ(listen(listener.get(), 1), 0);
    EXPECT_EQ(getsockname(listener.get(), generic, &length), 0);
    ours_ = UniqueFd(socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect(ours_.get(), generic, length), 0);
    peer_ = UniqueFd(accept(listener.get(), nullptr, nullptr));
    const std::vector<char> bytes(65536);
    while (send(ours_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
    const linger option{1, static_cast<int>(kLinger.count())};
    setsockopt(ours_.get(), SOL_SOCKET, SO_LINGER, &option, sizeof(option));
  }

  UniqueFd TakeOurs() { return std::move(ours_); }

 private:
  UniqueFd ours_;
  UniqueFd peer_;  // reads nothing
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_TESTS_UNIT_DAEMON_LINGERING_SOCKET_H_
