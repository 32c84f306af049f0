// SPDX-License-Identifier: BSD-3-Clause
// Connection tracking over a hand-over (design D15).
#include "kernel/conntrack.h"

#include <string>
#include <vector>

#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

class Conntrack : public KernelLab {
 protected:
  void SetUp() override {
    KernelLab::SetUp();
    if (lab_ == nullptr) return;
    const char* const rules =
        "nft add table inet guard && "
        "nft add chain inet guard in '{ type filter hook input priority 0; }' "
        "&& nft add rule inet guard in ct state invalid drop && "
        "nft add chain inet guard out '{ type filter hook output priority 0; }'"
        " && nft add rule inet guard out ct state invalid drop";
    ASSERT_TRUE(lab_->Run(Side::kHost, rules));
  }
  FlowTuple TupleOf(const TcpPair& pair) {
    SocketImage image;
    EXPECT_TRUE(Freeze(pair.host_fd, {}, &image).ok());
    EXPECT_TRUE(Unfreeze(pair.host_fd, image).ok());
    return image.snapshot.Tuple();
  }
  // The peer sends `bytes` and somebody else than the host's kernel, which sees
  // none of it, receives and acknowledges them.
  void MoveOn(const TcpPair& pair, SocketImage* image,
              const std::vector<uint8_t>& bytes) {
    ASSERT_TRUE(lab_->Run(
        Side::kHost,
        "nft add table netdev blind && nft add chain netdev blind in '{ type "
        "filter hook ingress device host0 priority 0; }' && nft add rule "
        "netdev blind in meta l4proto tcp drop"));
    ASSERT_EQ(SendAll(pair.peer_fd, bytes), bytes.size());
    SleepMs(20);
    tcp::TcpDelegatedState& state = image->snapshot.tcp.delegated;
    state.rcv_nxt += static_cast<uint32_t>(bytes.size());
    state.rcv_wnd -= static_cast<uint32_t>(bytes.size());
    image->receive_bytes = bytes;
    tap_->SendFromHost(*image, state.snd_max, {}, {});
    SleepMs(20);
    ASSERT_TRUE(lab_->Run(Side::kHost, "nft delete table netdev blind"));
  }
  // Whether the connection still works after it moved while it was away.
  bool SurvivesMove(const TcpPair& pair) {
    SocketImage image;
    EXPECT_EQ(TakeAway(pair.host_fd, &image), "");
    // No more than the first congestion window: all of it is sent.
    const std::vector<uint8_t> moved = StreamBytes(1, 0, 10000);
    MoveOn(pair, &image, moved);
    EXPECT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
    EXPECT_TRUE(ReadUntil(pair.host_fd, moved.size(), false, 1000).bytes ==
                moved);
    const std::vector<uint8_t> answer = StreamBytes(2, 0, 1000);
    SendAll(pair.host_fd, answer);
    return ReadUntil(pair.peer_fd, answer.size(), false, 1500).bytes == answer;
  }
};

TEST_F(Conntrack, TrackedFlowIsReadBothWaysAndBothFamilies) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    for (const bool accepts : {false, true}) {
      PairOptions options;
      options.family = family;
      options.host_accepts = accepts;
      const TcpPair pair = MakeTcpPair(*lab_, options);
      ConntrackInfo info;
      const KernelError error = ReadConntrack(*sockets_, TupleOf(pair), &info);
      ASSERT_TRUE(error.ok()) << error.ToString();
      EXPECT_TRUE(info.tracked);
      EXPECT_FALSE(info.nat);
      EXPECT_FALSE(info.liberal_both_ways);
      EXPECT_GT(info.timeout_seconds, 0u);
    }
  }
}

TEST_F(Conntrack, PrepareMakesLiberalAndSetsTheTimeout) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  const FlowTuple tuple = TupleOf(pair);
  const KernelError error = PrepareConntrack(*sockets_, tuple, 7777);
  ASSERT_TRUE(error.ok()) << error.ToString();
  ConntrackInfo info;
  ASSERT_TRUE(ReadConntrack(*sockets_, tuple, &info).ok());
  EXPECT_TRUE(info.liberal_both_ways);
  EXPECT_LE(info.timeout_seconds, 7777u);
  EXPECT_GT(info.timeout_seconds, 7000u);
}

TEST_F(Conntrack, UntrackedFlowIsLeftAlone) {
  FlowTuple nobody;
  nobody.local = IpAddress::FromV4(0x0a630001);
  nobody.remote = IpAddress::FromV4(0x0a630002);
  nobody.local_port = 1;
  nobody.remote_port = 2;
  EXPECT_TRUE(PrepareConntrack(*sockets_, nobody, 100).ok());
  ConntrackInfo info;
  ASSERT_TRUE(ReadConntrack(*sockets_, nobody, &info).ok());
  EXPECT_FALSE(info.tracked);
}

TEST_F(Conntrack, FlowThatMovedIsInvalidUnlessPrepared) {
  const TcpPair left_alone = MakeTcpPair(*lab_, {});
  EXPECT_FALSE(SurvivesMove(left_alone));
  const TcpPair prepared = MakeTcpPair(*lab_, {});
  ASSERT_TRUE(PrepareConntrack(*sockets_, TupleOf(prepared), 3600).ok());
  EXPECT_TRUE(SurvivesMove(prepared));
}

}  // namespace
}  // namespace chimney::kernel
