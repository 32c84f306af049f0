// SPDX-License-Identifier: BSD-3-Clause
// The doorbell rings, and is nothing else (design D5).
#include "daemon/doorbell.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/session.h"

namespace chimney::daemon {
namespace {

int ErrorOfSending(int through, int descriptor) {
  char byte = 1;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(descriptor))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(descriptor));
  std::memcpy(CMSG_DATA(rights), &descriptor, sizeof(descriptor));
  return sendmsg(through, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

short Events(int fd) {
  pollfd looked_at{fd, POLLIN | POLLRDHUP, 0};
  return poll(&looked_at, 1, 0) < 0 ? POLLNVAL : looked_at.revents;
}

TEST(Doorbell, WakesTheClientAgainAndAgain) {
  Doorbell doorbell;
  ASSERT_TRUE(OpenDoorbell(&doorbell));
  const int client = doorbell.client_end.get();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Events(client), 0) << "neither rung nor hung up";
    RingDoorbell(doorbell.daemon_end.get());
    EXPECT_EQ(Events(client), POLLIN);
    char bytes[8];
    EXPECT_EQ(read(client, bytes, sizeof(bytes)), 1);
  }
}

// A process could leave its end of the session's socket there: that would never
// end, also when the process has.
TEST(Doorbell, NothingCanBeLeftInIt) {
  int session[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, session), 0);
  const UniqueFd daemon_socket(session[0]);
  UniqueFd client_socket(session[1]);
  Doorbell doorbell;
  ASSERT_TRUE(OpenDoorbell(&doorbell));
  EXPECT_EQ(ErrorOfSending(doorbell.client_end.get(), client_socket.get()),
            EPIPE);
  client_socket.Reset();
  EXPECT_NE(Events(daemon_socket.get()) & POLLRDHUP, 0);
}

TEST(Doorbell, GoneProcessIsRungInVain) {
  Doorbell doorbell;
  ASSERT_TRUE(OpenDoorbell(&doorbell));
  doorbell.client_end.Reset();
  RingDoorbell(doorbell.daemon_end.get());  // no SIGPIPE
}

}  // namespace
}  // namespace chimney::daemon
