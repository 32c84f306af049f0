// SPDX-License-Identifier: BSD-3-Clause
// What a hand-over must leave alone: the stream, the descriptor, the listener
// (design D1, D2).
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "kernel/repair_mode.h"
#include "kernel/socket_options.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

class Handover : public KernelLab {
 protected:
  void ExpectTraffic(const TcpPair& pair, uint32_t seed) {
    const std::vector<uint8_t> bytes = StreamBytes(seed, 0, 5000);
    ASSERT_EQ(SendAll(pair.host_fd, bytes), bytes.size());
    EXPECT_TRUE(ReadUntil(pair.peer_fd, bytes.size(), false, 3000).bytes ==
                bytes);
    ASSERT_EQ(SendAll(pair.peer_fd, bytes), bytes.size());
    EXPECT_TRUE(ReadUntil(pair.host_fd, bytes.size(), false, 3000).bytes ==
                bytes);
  }
  uint32_t UnsentBytes(int fd) {
    int unsent = -1;
    ioctl(fd, SIOCOUTQNSD, &unsent);
    return static_cast<uint32_t>(unsent);
  }
};

TEST_F(Handover, UnfreezeUndoesFreeze) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  const int on = 1;
  setsockopt(pair.host_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  for (uint32_t i = 0; i < 20; ++i) {
    SocketImage image;
    ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
    ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
    ExpectTraffic(pair, i);
  }
  EXPECT_EQ(GetIntOr(pair.host_fd, SOL_SOCKET, SO_REUSEADDR, -1), 1);
  for (const SeenSegment& seen : tap_->Take()) {
    EXPECT_FALSE(seen.segment.flags.rst());
  }
}

TEST_F(Handover, FreezeWithoutPrivilegeLeavesTheSocketRunning) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  const int offset = 3;
  setsockopt(pair.host_fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset));
  KernelError error;
  std::thread unprivileged([&] {
    // The raw call changes this thread alone.
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    SocketImage image;
    error = Freeze(pair.host_fd, {}, &image);
  });
  unprivileged.join();
  EXPECT_EQ(error.code, KernelErrorCode::kNoPermission);
  EXPECT_EQ(GetIntOr(pair.host_fd, SOL_SOCKET, SO_PEEK_OFF, -1), offset);
  ExpectTraffic(pair, 1);
}

TEST_F(Handover, PeekReceiveNextLeavesTheSocketRunning) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SeqNum before;
  ASSERT_TRUE(PeekReceiveNext(pair.host_fd, &before).ok());
  ASSERT_EQ(SendAll(pair.peer_fd, StreamBytes(1, 0, 700)), 700u);
  SleepMs(20);
  SeqNum after;
  ASSERT_TRUE(PeekReceiveNext(pair.host_fd, &after).ok());
  EXPECT_EQ(after.BytesFrom(before), 700u);
  EXPECT_EQ(ReadUntil(pair.host_fd, 700, false, 1000).bytes.size(), 700u);
  ExpectTraffic(pair, 2);
}

TEST_F(Handover, DataThatSlipsPastTheHoldIsSentAgain) {
  TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  const std::vector<uint8_t> slipped = StreamBytes(3, 0, 3000);
  ASSERT_EQ(SendAll(pair.peer_fd, slipped), slipped.size());
  SleepMs(20);
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  EXPECT_TRUE(ReadUntil(pair.host_fd, slipped.size(), false, 5000).bytes ==
              slipped);
  ExpectTraffic(pair, 4);
}

TEST_F(Handover, DescriptorEpollAndDuplicateSurvive) {
  TcpPair pair = MakeTcpPair(*lab_, {});
  const int duplicate = dup(pair.host_fd);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = 42;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.host_fd, &wanted), 0);
  SocketImage image;
  ASSERT_EQ(RoundTrip(duplicate, *tap_, &image), "");
  epoll_event event{};
  EXPECT_EQ(epoll_wait(epoll, &event, 1, 0), 0);
  ASSERT_EQ(SendAll(pair.peer_fd, {1, 2, 3}), 3u);
  ASSERT_EQ(epoll_wait(epoll, &event, 1, 2000), 1);
  EXPECT_EQ(event.data.u64, 42u);
  EXPECT_EQ(event.events, static_cast<uint32_t>(EPOLLIN));
  EXPECT_EQ(ReadUntil(duplicate, 3, false, 1000).bytes.size(), 3u);
  ExpectTraffic(pair, 5);
  close(duplicate);
  close(epoll);
}

// Why nobody may wait on the descriptor itself while a connection is away.
TEST_F(Handover, MakingThePlaceholderEndsBlockedCallsWithEpipe) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  fcntl(pair.host_fd, F_SETFL, 0);
  int error = 0;
  std::thread reader([&] {
    char byte = 0;
    if (recv(pair.host_fd, &byte, 1, 0) < 0) error = errno;
  });
  SleepMs(50);
  SocketImage image;
  EXPECT_EQ(TakeAway(pair.host_fd, &image), "");
  reader.join();
  EXPECT_EQ(error, EPIPE);
  // The disconnect's own error must not reach the program later.
  EXPECT_EQ(GetIntOr(pair.host_fd, SOL_SOCKET, SO_ERROR, -1), 0);
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  EXPECT_EQ(GetIntOr(pair.host_fd, SOL_SOCKET, SO_ERROR, -1), 0);
  ExpectTraffic(pair, 6);
}

TEST_F(Handover, ListenerOnTheSamePortSurvivesAndCanBeRestarted) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    int port = 0;
    int listener = Listen(family, Side::kHost, &port);
    ASSERT_GE(listener, 0);
    PairOptions options;
    options.family = family;
    TcpPair pair = MakeTcpPairWith(*lab_, listener, port, options);
    SocketImage image;
    ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
    {
      const TcpPair second = MakeTcpPairWith(*lab_, listener, port, options);
      ExpectTraffic(second, 7);
    }
    close(listener);
    listener = Listen(family, Side::kHost, &port);
    EXPECT_GE(listener, 0) << "while away: " << errno;
    ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
    close(listener);
    listener = Listen(family, Side::kHost, &port);
    EXPECT_GE(listener, 0) << "after the return: " << errno;
    ExpectTraffic(pair, 8);
    close(listener);
  }
}

TEST_F(Handover, BoundConnectedAndAcceptedSocketsGoRoundManyTimes) {
  for (const Family family : {Family::kV4, Family::kV6, Family::kV4Mapped}) {
    for (int kind = 0; kind < 3; ++kind) {
      PairOptions options;
      options.family = family;
      options.host_accepts = kind == 1;
      options.host_binds = kind == 2;
      const TcpPair pair = MakeTcpPair(*lab_, options);
      SocketImage image;
      for (uint32_t i = 0; i < 10; ++i) {
        ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
        ExpectTraffic(pair, i);
      }
    }
  }
}

TEST_F(Handover, TakenTupleFailsAndCanBeTriedAgain) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  // The gap of a hand-over, held open, and a thief that uses it.
  sockaddr unspecified{};
  ASSERT_EQ(connect(pair.host_fd, &unspecified, sizeof(unspecified)), 0);
  const int thief = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_TRUE(EnterRepair(thief).ok());
  ASSERT_TRUE(ReconnectInRepair(thief, image, SeqNum(1), SeqNum(1)).ok());
  EXPECT_EQ(MakePlaceholder(pair.host_fd, image).code,
            KernelErrorCode::kTupleTaken);
  EXPECT_EQ(Restore(pair.host_fd, &image).code, KernelErrorCode::kTupleTaken);
  close(thief);
  EXPECT_TRUE(MakePlaceholder(pair.host_fd, image).ok());
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  ExpectTraffic(pair, 9);
}

TEST_F(Handover, UnsentBytesStayUnsent) {
  PairOptions options;
  options.peer_receive_buffer = 16384;
  const TcpPair pair = MakeTcpPair(*lab_, options);
  std::vector<uint8_t> bytes = StreamBytes(10, 0, 400000);
  bytes.resize(SendAll(pair.host_fd, bytes));
  SleepMs(300);
  const uint32_t unsent = UnsentBytes(pair.host_fd);
  ASSERT_GT(unsent, 0u) << "the peer's window took everything";
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  const tcp::TcpDelegatedState& state = image.snapshot.tcp.delegated;
  EXPECT_EQ(image.send_bytes.size() - state.snd_max.BytesFrom(state.snd_una),
            unsent);
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  EXPECT_EQ(UnsentBytes(pair.host_fd), unsent);
  EXPECT_TRUE(ReadUntil(pair.peer_fd, bytes.size(), false, 10000).bytes ==
              bytes);
}

TEST_F(Handover, PartlyAcknowledgedSegmentIsCutAtSndUna) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
  ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
  const SeqNum una = image.snapshot.tcp.delegated.snd_una;
  lab_->DropTowardsPeer(true);
  const std::vector<uint8_t> bytes = StreamBytes(11, 0, 100);
  ASSERT_EQ(SendAll(pair.host_fd, bytes), bytes.size());
  PeerSegment ack;
  ack.seq = image.snapshot.tcp.delegated.rcv_nxt;
  ack.ack = una + 30;
  ack.window_raw = 500;
  tap_->Inject(image, ack);
  SleepMs(30);
  ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
  EXPECT_EQ(image.snapshot.tcp.delegated.snd_una, una + 30);
  EXPECT_TRUE(image.send_bytes ==
              std::vector<uint8_t>(bytes.begin() + 30, bytes.end()));
  ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
  lab_->DropTowardsPeer(false);
}

TEST_F(Handover, OutOfOrderBytesAreNoticed) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
  EXPECT_FALSE(image.holds_out_of_order);
  ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
  PeerSegment ahead;
  ahead.seq = image.snapshot.tcp.delegated.rcv_nxt + 100;
  ahead.ack = image.snapshot.tcp.delegated.snd_una;
  ahead.window_raw = 500;
  tap_->Inject(image, ahead, StreamBytes(12, 0, 10));
  SleepMs(30);
  ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
  EXPECT_TRUE(image.holds_out_of_order);
  ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
}

TEST_F(Handover, FinOfThePeerIsNoOutOfOrderData) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  shutdown(pair.peer_fd, SHUT_WR);
  ASSERT_TRUE(AwaitState(pair.host_fd, kKernelCloseWait, 1000));
  SocketImage image;
  ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
  EXPECT_FALSE(image.holds_out_of_order);
  ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
}

TEST_F(Handover, ResetWhileAwayReachesTheProgram) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
  tap_->Inject(image, PlanReset(image));
  const ReadResult result = ReadUntil(pair.host_fd, 1, false, 2000);
  EXPECT_EQ(result.error, ECONNRESET);
}

TEST_F(Handover, ConnectionThatClosedWhileAwayEndsInTimeWait) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  // Somebody else exchanges the FINs.
  tcp::TcpDelegatedState& state = image.snapshot.tcp.delegated;
  tap_->SendFromHost(image, state.snd_max, packet::kTcpFin, {});
  ASSERT_TRUE(AwaitState(pair.peer_fd, kKernelCloseWait, 1000));
  shutdown(pair.peer_fd, SHUT_WR);
  SleepMs(20);
  state.snd_max += 1;
  state.snd_una = state.snd_nxt = state.snd_max;
  state.rcv_nxt += 1;
  state.state = tcp::ConnectionState::kTimeWait;
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  EXPECT_TRUE(AwaitState(pair.peer_fd, kKernelClose, 3000));
  EXPECT_TRUE(ReadUntil(pair.host_fd, 1, true, 1000).end_of_file);
  const std::string port =
      std::to_string(image.snapshot.tcp.constant.local_port);
  EXPECT_TRUE(
      lab_->Run(Side::kHost, "ss -tan state time-wait | grep :" + port));
}

TEST_F(Handover, ContradictoryImagesAreRefusedUntouched) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  SocketImage broken = image;
  broken.snapshot.tcp.delegated.snd_max += 5;  // five bytes that are nowhere
  EXPECT_EQ(Restore(pair.host_fd, &broken).code, KernelErrorCode::kBadImage);
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  ExpectTraffic(pair, 13);
}

}  // namespace
}  // namespace chimney::kernel
