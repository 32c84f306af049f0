// SPDX-License-Identifier: BSD-3-Clause
// Every line of design D16 is refused with its own reason, and the socket works
// on (issue: bad input).
#include "kernel/eligibility.h"

#include <bpf/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "kernel/handover.h"
#include "kernel/socket_options.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

using Code = KernelErrorCode;

class Eligibility : public KernelLab {
 protected:
  KernelError Check(int fd) {
    EligibilityContext context;
    context.netlink = sockets_.get();
    context.sockmaps = &sockmaps_;
    context.host_interface_index = lab_->host_interface();
    struct stat status {};
    stat("/proc/thread-self/ns/net", &status);
    context.namespace_inode = status.st_ino;
    return CheckEligibility(fd, context, &facts_);
  }
  void ExpectRefused(int fd, Code code) {
    const KernelError error = Check(fd);
    EXPECT_EQ(static_cast<int>(error.code), static_cast<int>(code))
        << error.ToString();
  }
  void ExpectTraffic(const TcpPair& pair) {
    const std::vector<uint8_t> bytes = StreamBytes(1, 0, 1000);
    SendAll(pair.host_fd, bytes);
    EXPECT_TRUE(ReadUntil(pair.peer_fd, bytes.size(), false, 3000).bytes ==
                bytes);
  }
  EligibilityFacts facts_;
};

TEST_F(Eligibility, OrdinaryConnectionsAreEligible) {
  for (const Family family : {Family::kV4, Family::kV6, Family::kV4Mapped}) {
    PairOptions options;
    options.family = family;
    const TcpPair pair = MakeTcpPair(*lab_, options);
    const KernelError error = Check(pair.host_fd);
    ASSERT_TRUE(error.ok()) << error.ToString();
    EXPECT_EQ(facts_.tuple.local.IsV6(), family == Family::kV6);
    EXPECT_EQ(facts_.route.output_interface, lab_->host_interface());
    EXPECT_FALSE(facts_.route.has_gateway);
    EXPECT_TRUE(facts_.route.next_hop == facts_.tuple.remote);
    EXPECT_EQ(facts_.path_mtu_bytes, 1500u);
    EXPECT_FALSE(facts_.conntrack.tracked);
    ExpectTraffic(pair);
  }
}

TEST_F(Eligibility, NotSocketNotTcpNotConnected) {
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  ExpectRefused(pipe_fds[0], Code::kNotSocket);
  ExpectRefused(-1, Code::kNotSocket);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  const int udp = socket(AF_INET, SOCK_DGRAM, 0);
  ExpectRefused(udp, Code::kNotTcp);
  close(udp);
  const int unix_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ExpectRefused(unix_fd, Code::kNotTcp);
  close(unix_fd);
  const int fresh = socket(AF_INET, SOCK_STREAM, 0);
  ExpectRefused(fresh, Code::kNotConnected);
  close(fresh);
  int port = 0;
  const int listener = Listen(Family::kV4, Side::kHost, &port);
  ExpectRefused(listener, Code::kNotConnected);
  close(listener);
}

TEST_F(Eligibility, AlreadyOffloaded) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  ExpectRefused(pair.host_fd, Code::kAlreadyOffloaded);
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  EXPECT_TRUE(Check(pair.host_fd).ok());
}

// Of this thread, for as long as the object lives.
class WithoutPrivilegedPorts {
 public:
  WithoutPrivilegedPorts() {
    syscall(SYS_capget, &header_, data_);
    const __user_cap_data_struct before = data_[0];
    data_[0].effective &= ~(1u << CAP_NET_BIND_SERVICE);
    syscall(SYS_capset, &header_, data_);
    data_[0] = before;
  }
  ~WithoutPrivilegedPorts() { syscall(SYS_capset, &header_, data_); }

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data_[_LINUX_CAPABILITY_U32S_3] = {};
};

// What was accepted is bound anew when it comes back: without the permission
// it must not go away.
TEST_F(Eligibility, PrivilegedPortWithoutPermission) {
  int port = 80;
  const int listener = Listen(Family::kV4, Side::kHost, &port);
  ASSERT_GE(listener, 0);
  const TcpPair pair = MakeTcpPairWith(*lab_, listener, port, {});
  close(listener);
  SocketImage image;
  {
    const WithoutPrivilegedPorts unprivileged;
    ExpectRefused(pair.host_fd, Code::kPortPermission);
  }
  ASSERT_TRUE(Check(pair.host_fd).ok());
  ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
  ExpectTraffic(pair);
}

TEST_F(Eligibility, Mptcp) {
  constexpr int kMptcp = 262;
  const int fd = socket(AF_INET, SOCK_STREAM, kMptcp);
  if (fd < 0) GTEST_SKIP() << "this kernel has no MPTCP";
  ExpectRefused(fd, Code::kMptcp);
  close(fd);
}

TEST_F(Eligibility, UpperLayerProtocol) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  if (setsockopt(pair.host_fd, IPPROTO_TCP, TCP_ULP, "tls", 3) != 0) {
    GTEST_SKIP() << "this kernel has no kTLS";
  }
  ExpectRefused(pair.host_fd, Code::kUpperLayerProtocol);
}

TEST_F(Eligibility, Md5Key) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  tcp_md5sig key{};
  SocketAddress local{};
  SocketAddress peer{};
  ASSERT_TRUE(GetAddresses(pair.host_fd, &local, &peer).ok());
  std::memcpy(&key.tcpm_addr, &peer.v4, sizeof(peer.v4));
  key.tcpm_keylen = 4;
  std::memcpy(key.tcpm_key, "abcd", 4);
  if (setsockopt(pair.host_fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)) !=
      0) {
    GTEST_SKIP() << "this kernel has no TCP-MD5";
  }
  ExpectRefused(pair.host_fd, Code::kMd5OrAo);
}

TEST_F(Eligibility, SockmapOfEveryKind) {
  for (const bpf_map_type type :
       {BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH}) {
    for (const uint32_t value_bytes : {4u, 8u}) {
      const TcpPair inside = MakeTcpPair(*lab_, {});
      const TcpPair outside = MakeTcpPair(*lab_, {});
      const int map =
          bpf_map_create(type, "chimneytest", 4, value_bytes, 8, nullptr);
      ASSERT_GE(map, 0);
      const uint32_t key = 3;
      const uint64_t value = static_cast<uint64_t>(inside.host_fd);
      ASSERT_EQ(bpf_map_update_elem(map, &key, &value, BPF_ANY), 0);
      ExpectRefused(inside.host_fd, Code::kSockmap);
      EXPECT_TRUE(Check(outside.host_fd).ok());
      close(map);
    }
  }
}

TEST_F(Eligibility, FiltersOfEveryKind) {
  sock_filter accept_all = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
  const sock_fprog program = {1, &accept_all};
  const TcpPair classic = MakeTcpPair(*lab_, {});
  ASSERT_EQ(setsockopt(classic.host_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
                       sizeof(program)),
            0);
  ExpectRefused(classic.host_fd, Code::kSocketFilter);

  const TcpPair locked = MakeTcpPair(*lab_, {});
  const int on = 1;
  ASSERT_EQ(
      setsockopt(locked.host_fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)),
      0);
  ExpectRefused(locked.host_fd, Code::kSocketFilter);

  const bpf_insn accept_insns[] = {
      {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0x7fffffff},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  const int filter = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "chimneytest",
                                   "BSD", accept_insns, 2, nullptr);
  ASSERT_GE(filter, 0);
  const TcpPair extended = MakeTcpPair(*lab_, {});
  ASSERT_EQ(setsockopt(extended.host_fd, SOL_SOCKET, SO_ATTACH_BPF, &filter,
                       sizeof(filter)),
            0);
  ExpectRefused(extended.host_fd, Code::kSocketFilter);
  close(filter);
}

TEST_F(Eligibility, UrgentDataPending) {
  for (const int in_line : {0, 1}) {
    const TcpPair pair = MakeTcpPair(*lab_, {});
    setsockopt(pair.host_fd, SOL_SOCKET, SO_OOBINLINE, &in_line,
               sizeof(in_line));
    ASSERT_EQ(send(pair.peer_fd, "abc!", 4, MSG_OOB), 4);
    SleepMs(20);
    ExpectRefused(pair.host_fd, Code::kUrgentData);
    char bytes[8];
    if (in_line == 0) {
      ASSERT_EQ(recv(pair.host_fd, bytes, 1, MSG_OOB), 1);
    }
    ReadUntil(pair.host_fd, in_line == 0 ? 3 : 4, false, 1000);
    EXPECT_TRUE(Check(pair.host_fd).ok());
  }
}

TEST_F(Eligibility, ZeroCopySendInFlight) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  const int on = 1;
  ASSERT_EQ(setsockopt(pair.host_fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)),
            0);
  EXPECT_TRUE(Check(pair.host_fd).ok());
  lab_->DropTowardsPeer(true);
  const std::vector<uint8_t> bytes(5000);
  ASSERT_EQ(send(pair.host_fd, bytes.data(), bytes.size(), MSG_ZEROCOPY), 5000);
  ExpectRefused(pair.host_fd, Code::kZeroCopySend);
  lab_->DropTowardsPeer(false);
}

TEST_F(Eligibility, EcnNegotiated) {
  ASSERT_TRUE(lab_->Run(Side::kHost, "sysctl -w net.ipv4.tcp_ecn=1"));
  ASSERT_TRUE(lab_->Run(Side::kPeer, "sysctl -w net.ipv4.tcp_ecn=1"));
  const TcpPair pair = MakeTcpPair(*lab_, {});
  ExpectRefused(pair.host_fd, Code::kEcn);
  ExpectTraffic(pair);
}

TEST_F(Eligibility, IpOptionsAndExtensionHeaders) {
  const TcpPair v4 = MakeTcpPair(*lab_, {});
  const uint8_t nops[4] = {1, 1, 1, 0};
  ASSERT_EQ(setsockopt(v4.host_fd, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops)),
            0);
  ExpectRefused(v4.host_fd, Code::kIpOptions);

  PairOptions options;
  options.family = Family::kV6;
  const TcpPair v6 = MakeTcpPair(*lab_, options);
  const uint8_t padding[8] = {0, 0, 1, 4, 0, 0, 0, 0};
  ASSERT_EQ(setsockopt(v6.host_fd, IPPROTO_IPV6, IPV6_DSTOPTS, padding,
                       sizeof(padding)),
            0);
  ExpectRefused(v6.host_fd, Code::kIpOptions);
}

TEST_F(Eligibility, IpsecPolicy) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  const std::string add = "ip xfrm policy add src 10.99.0.1/32 dst ";
  if (!lab_->Run(Side::kHost, add + "10.99.0.77/32 dir out tmpl proto esp "
                                    "mode transport")) {
    GTEST_SKIP() << "this kernel has no IPsec";
  }
  EXPECT_TRUE(Check(pair.host_fd).ok()) << "a policy for somebody else";
  ASSERT_TRUE(lab_->Run(Side::kHost, add + "10.99.0.0/24 dir out"));
  EXPECT_TRUE(Check(pair.host_fd).ok()) << "a policy to leave alone";
  ASSERT_TRUE(lab_->Run(Side::kHost, add + "10.99.0.2/32 dir out tmpl proto "
                                           "esp mode transport level use"));
  ExpectRefused(pair.host_fd, Code::kIpsec);
}

TEST_F(Eligibility, NatOnThisHost) {
  ASSERT_TRUE(lab_->Run(
      Side::kHost,
      "nft add table ip nat && nft add chain ip nat out '{ type nat hook "
      "output priority -100; }' && nft add rule ip nat out tcp dport 1-65535 "
      "dnat to 10.99.0.2:5555"));
  lab_->Enter(Side::kPeer);
  int port = 5555;
  const int listener = Listen(Family::kV4, Side::kPeer, &port);
  ASSERT_GE(listener, 0);
  lab_->Enter(Side::kHost);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in elsewhere{};
  elsewhere.sin_family = AF_INET;
  elsewhere.sin_port = htons(80);
  elsewhere.sin_addr.s_addr = htonl(0x0a630063);  // 10.99.0.99
  ASSERT_EQ(
      connect(fd, reinterpret_cast<sockaddr*>(&elsewhere), sizeof(elsewhere)),
      0);
  ExpectRefused(fd, Code::kNat);
  close(fd);
  close(listener);
}

TEST_F(Eligibility, OtherNamespace) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  ExpectRefused(pair.peer_fd, Code::kOtherNamespace);
}

TEST_F(Eligibility, OtherRouteAndLocalPeer) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  ASSERT_TRUE(lab_->Run(
      Side::kHost,
      "ip link add other0 type veth peer name other1 && ip link set other0 "
      "up && ip route add 10.99.0.2/32 dev other0"));
  ExpectRefused(pair.host_fd, Code::kOtherRoute);
  ASSERT_TRUE(lab_->Run(Side::kHost, "ip route del 10.99.0.2/32"));
  EXPECT_TRUE(Check(pair.host_fd).ok());
  ASSERT_TRUE(lab_->Run(Side::kHost, "ip route add unreachable 10.99.0.2/32"));
  ExpectRefused(pair.host_fd, Code::kNoRoute);

  int port = 0;
  const int listener = Listen(Family::kV4, Side::kHost, &port);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(static_cast<uint16_t>(port));
  own.sin_addr.s_addr = htonl(0x0a630001);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
  ExpectRefused(fd, Code::kLocalPeer);
  close(fd);
  close(listener);
}

}  // namespace
}  // namespace chimney::kernel
