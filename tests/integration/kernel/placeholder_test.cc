// SPDX-License-Identifier: BSD-3-Clause
// A placeholder reserves its 4-tuple and says nothing, whatever happens (design
// D1).
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/socket_options.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

using Placeholder = KernelLab;

TEST_F(Placeholder, SaysNothingEvenWithKeepaliveAndData) {
  PairOptions options;
  options.peer_receive_buffer = 16384;
  TcpPair pair = MakeTcpPair(*lab_, options);
  const int on = 1;
  setsockopt(pair.host_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(pair.host_fd, IPPROTO_TCP, TCP_KEEPIDLE, &on, sizeof(on));
  setsockopt(pair.host_fd, IPPROTO_TCP, TCP_KEEPINTVL, &on, sizeof(on));
  // More than the window: a frozen socket would go on probing.
  SendAll(pair.host_fd, StreamBytes(1, 0, 300000));
  SleepMs(200);
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  tap_->Take();
  ASSERT_EQ(SendAll(pair.peer_fd, StreamBytes(2, 0, 100)), 100u);
  SleepMs(2200);
  EXPECT_EQ(tap_->Take().size(), 0u);
  EXPECT_EQ(KernelStateOf(pair.host_fd), kKernelEstablished);
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  EXPECT_EQ(GetIntOr(pair.host_fd, SOL_SOCKET, SO_KEEPALIVE, -1), 1);
  EXPECT_EQ(ReadUntil(pair.host_fd, 100, false, 5000).bytes.size(), 100u);
}

TEST_F(Placeholder, MakingItSaysNothing) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SleepMs(50);
  tap_->Take();
  SocketImage image;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
    ASSERT_TRUE(Restore(pair.host_fd, &image).ok());
    EXPECT_EQ(tap_->Take().size(), 0u);
    KernelError leftover;
    ASSERT_TRUE(Thaw(pair.host_fd, image, &leftover).ok());
  }
  SleepMs(20);
  EXPECT_EQ(tap_->Take().size(), 0u);
}

TEST_F(Placeholder, ClosesSilently) {
  TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  tap_->Take();
  close(pair.host_fd);
  pair.host_fd = -1;
  SleepMs(100);
  EXPECT_EQ(tap_->Take().size(), 0u);
  EXPECT_EQ(KernelStateOf(pair.peer_fd), kKernelEstablished);
}

TEST_F(Placeholder, ReservesItsTuple) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  const int rival = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(rival, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const SocketAddress& local = image.local_address;
  const SocketAddress& peer = image.peer_address;
  if (bind(rival, &local.generic, AddressLength(local)) == 0) {
    EXPECT_NE(connect(rival, &peer.generic, AddressLength(peer)), 0);
  }
  close(rival);
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
}

}  // namespace
}  // namespace chimney::kernel
