// SPDX-License-Identifier: BSD-3-Clause
// Every socket option is after a hand-over as it was before, but for the list
// in kernel/handover.h (issue: a snapshot of every getsockopt).
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kernel/socket_options.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

using OptionId = std::pair<int, int>;  // level, name
using Snapshot = std::map<OptionId, std::vector<uint8_t>>;

// What a hand-over may change (kernel/handover.h), and what changes by itself
// as time passes.
const std::set<OptionId>& MayDiffer() {
  static const std::set<OptionId> list = {
      {IPPROTO_TCP, TCP_INFO},
      {IPPROTO_TCP, TCP_CC_INFO},
      {IPPROTO_TCP, TCP_TIMESTAMP},
      {IPPROTO_TCP, TCP_SAVED_SYN},
      {SOL_SOCKET, SO_MEMINFO},
      {SOL_SOCKET, SO_INCOMING_CPU},
      {SOL_SOCKET, SO_INCOMING_NAPI_ID},
      // Told only while the socket has a route in its cache.
      {IPPROTO_IP, IP_MTU},
      {IPPROTO_IPV6, IPV6_MTU},
      {IPPROTO_IPV6, IPV6_PATHMTU},
      // A hand-over binds the socket to its address.
      {IPPROTO_IPV6, IPV6_V6ONLY},
  };
  return list;
}

Snapshot TakeSnapshot(int fd) {
  Snapshot snapshot;
  for (const int level :
       {SOL_SOCKET, static_cast<int>(IPPROTO_TCP), static_cast<int>(IPPROTO_IP),
        static_cast<int>(IPPROTO_IPV6)}) {
    for (int name = 1; name <= 90; ++name) {
      // These open descriptors or take in/out structures.
      if (level == SOL_SOCKET && (name == SO_PEERSEC || name == 77)) continue;
      if (level == IPPROTO_TCP && name == TCP_ZEROCOPY_RECEIVE) continue;
      std::vector<uint8_t> value(512);
      socklen_t length = static_cast<socklen_t>(value.size());
      if (getsockopt(fd, level, name, value.data(), &length) != 0) continue;
      value.resize(length);
      snapshot[{level, name}] = value;
    }
  }
  return snapshot;
}

void ExpectSame(const Snapshot& before, const Snapshot& after) {
  for (const auto& [id, value] : before) {
    if (MayDiffer().count(id) != 0) continue;
    const auto found = after.find(id);
    const std::string name = "level " + std::to_string(id.first) + " option " +
                             std::to_string(id.second);
    ASSERT_NE(found, after.end()) << name;
    EXPECT_EQ(found->second, value) << name;
  }
  for (const auto& [id, value] : after) {
    if (MayDiffer().count(id) != 0) continue;
    EXPECT_EQ(before.count(id), 1u) << id.first << "/" << id.second;
  }
}

void Set(int fd, int level, int name, int value) {
  EXPECT_EQ(setsockopt(fd, level, name, &value, sizeof(value)), 0)
      << level << "/" << name;
}

// Everything that a program may have changed, to values that are no default.
void SetEverything(int fd, bool v6) {
  Set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  Set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  Set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  Set(fd, SOL_SOCKET, SO_PRIORITY, 5);
  Set(fd, SOL_SOCKET, SO_MARK, 77);
  Set(fd, SOL_SOCKET, SO_RCVLOWAT, 3);
  Set(fd, SOL_SOCKET, SO_SNDBUF, 300000);
  Set(fd, SOL_SOCKET, SO_RCVBUF, 200000);
  Set(fd, SOL_SOCKET, SO_PEEK_OFF, 2);
  Set(fd, SOL_SOCKET, SO_MAX_PACING_RATE, 1 << 30);
  Set(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
  Set(fd, SOL_SOCKET, SO_BUSY_POLL, 1);
  const linger patient = {1, 7};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &patient, sizeof(patient));
  const timeval timeout = {5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  Set(fd, IPPROTO_TCP, TCP_CORK, 1);
  Set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 111);
  Set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 22);
  Set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
  Set(fd, IPPROTO_TCP, TCP_LINGER2, 9);
  Set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 12345);
  Set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5000);
  Set(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
  Set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 50000);
  Set(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1);
  Set(fd, IPPROTO_TCP, TCP_INQ, 1);
  EXPECT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), 0);
  if (v6) {
    Set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x28);
    Set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33);
  } else {
    Set(fd, IPPROTO_IP, IP_TOS, 0x28);
    Set(fd, IPPROTO_IP, IP_TTL, 33);
  }
}

class Options : public KernelLab, public testing::WithParamInterface<Family> {};

TEST_P(Options, AreTheSameAfterHandOvers) {
  for (const bool untouched : {true, false}) {
    for (const bool host_accepts : {true, false}) {
      PairOptions options;
      options.family = GetParam();
      options.host_accepts = host_accepts;
      const TcpPair pair = MakeTcpPair(*lab_, options);
      if (!untouched) SetEverything(pair.host_fd, GetParam() == Family::kV6);
      const Snapshot before = TakeSnapshot(pair.host_fd);
      SocketImage image;
      for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
      }
      ExpectSame(before, TakeSnapshot(pair.host_fd));
    }
  }
}

TEST_P(Options, CachedStateIsRead) {
  PairOptions options;
  options.family = GetParam();
  const TcpPair pair = MakeTcpPair(*lab_, options);
  SetEverything(pair.host_fd, GetParam() == Family::kV6);
  SocketImage image;
  ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
  ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
  const tcp::TcpCachedState& cached = image.snapshot.tcp.cached;
  EXPECT_TRUE(cached.keepalive_enabled);
  EXPECT_FALSE(cached.nagle_enabled);
  EXPECT_EQ(cached.ka_timeout, Duration::Seconds(111));
  EXPECT_EQ(cached.ka_interval, Duration::Seconds(22));
  EXPECT_EQ(cached.ka_probe_count, 4);
  EXPECT_EQ(cached.max_rt, Duration::Millis(12345));
  EXPECT_EQ(cached.tos_or_traffic_class, 0x28);
  EXPECT_EQ(cached.ttl_or_hop_limit, 33);
  // SO_PRIORITY: setting TOS afterwards changes it (0x28 maps to 2) on IPv4.
  EXPECT_EQ(cached.user_priority, GetParam() == Family::kV6 ? 5 : 2);
  EXPECT_EQ(GetIntOr(pair.host_fd, SOL_SOCKET, SO_PEEK_OFF, -5), 2);
}

TEST_P(Options, HeadersOfTheSizeThatTheSocketUses) {
  PairOptions options;
  options.family = GetParam();
  const TcpPair pair = MakeTcpPair(*lab_, options);
  SocketImage image;
  ASSERT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
  ASSERT_TRUE(Unfreeze(pair.host_fd, image).ok());
  const tcp::TcpConstState& constant = image.snapshot.tcp.constant;
  // RFC 9293 section 3.7.1: without options.
  EXPECT_EQ(constant.remote_mss, GetParam() == Family::kV6 ? 1440 : 1460);
  EXPECT_TRUE(constant.sack_enabled);
  EXPECT_TRUE(constant.timestamps_enabled);
  EXPECT_TRUE(constant.window_scaling_enabled);
  EXPECT_EQ(image.snapshot.path.path_mtu_bytes, 1500u);
}

// A fill of the queues makes Restore raise the buffers.
TEST_P(Options, BufferSizesAndLocksSurviveFullQueues) {
  PairOptions options;
  options.family = GetParam();
  options.peer_receive_buffer = 8192;
  const TcpPair pair = MakeTcpPair(*lab_, options);
  Set(pair.host_fd, SOL_SOCKET, SO_SNDBUF, 300000);
  Set(pair.host_fd, SOL_SOCKET, SO_RCVBUF, 60000);
  const std::vector<uint8_t> out =
      StreamBytes(1, 0, SendAll(pair.host_fd, StreamBytes(1, 0, 1 << 20)));
  const std::vector<uint8_t> in =
      StreamBytes(2, 0, SendAll(pair.peer_fd, StreamBytes(2, 0, 1 << 20)));
  SleepMs(300);
  const Snapshot before = TakeSnapshot(pair.host_fd);
  SocketImage image;
  lab_->DropFromPeer(true);  // it asks for a window now and then
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
  }
  lab_->DropFromPeer(false);
  ExpectSame(before, TakeSnapshot(pair.host_fd));
  EXPECT_TRUE(ReadUntil(pair.peer_fd, out.size(), false, 8000).bytes == out);
  EXPECT_TRUE(ReadUntil(pair.host_fd, in.size(), false, 8000).bytes == in);
}

TEST_P(Options, ShutDownReceiveHalfStaysShut) {
  PairOptions options;
  options.family = GetParam();
  const TcpPair pair = MakeTcpPair(*lab_, options);
  shutdown(pair.host_fd, SHUT_RD);
  SocketImage image;
  ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
  char byte = 0;
  EXPECT_EQ(recv(pair.host_fd, &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_EQ(KernelStateOf(pair.host_fd), kKernelEstablished);
}

std::string FamilyName(const testing::TestParamInfo<Family>& tested) {
  switch (tested.param) {
    case Family::kV4:
      return "V4";
    case Family::kV6:
      return "V6";
    case Family::kV4Mapped:
      return "V4Mapped";
  }
  return "Unknown";
}

INSTANTIATE_TEST_SUITE_P(Families, Options,
                         testing::Values(Family::kV4, Family::kV6,
                                         Family::kV4Mapped),
                         FamilyName);

}  // namespace
}  // namespace chimney::kernel
