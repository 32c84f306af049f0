// SPDX-License-Identifier: BSD-3-Clause
// Path MTU (R70, R123, RFC 1191).
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

using PathMtu = EngineTest;

TEST_F(PathMtu, BoundsTheSegmentTogetherWithThePeersMss) {
  Start();
  EXPECT_EQ(tcb().snd_mss(), 1460u);
  OnUpdate(tcb(), now, state.cached, 9000);
  EXPECT_EQ(tcb().snd_mss(), 1460u);
  OnUpdate(tcb(), now, state.cached, 1300);
  EXPECT_EQ(tcb().snd_mss(), 1260u);
}

TEST_F(PathMtu, ADecreaseSendsWhatIsInFlightAgainInSmallerSegments) {
  state.delegated.cwnd = 20 * kMss;
  Start();
  Send(2920);
  EXPECT_EQ(Pull().size(), 2u);
  const uint32_t cwnd = tcb().snd.cwnd;
  EXPECT_TRUE(Has(OnUpdate(tcb(), now, state.cached, 1040), kEventOutput));
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].seq, kOurs);
  EXPECT_EQ(segments[0].payload, Stream(1000));
  EXPECT_EQ(segments[2].payload, Stream(920, 2000));
  EXPECT_EQ(tcb().snd.cwnd, cwnd);  // No sign of congestion.
}

TEST_F(PathMtu, WhatFitsIsNotSentAgain) {
  Start();
  Send(500);
  Pull();
  OnUpdate(tcb(), now, state.cached, 1040);
  EXPECT_TRUE(Pull().empty());
}

// ssthresh is of the small segments; the window is to hold a large one.
TEST_F(PathMtu, AnIncreaseDuringARecoveryLeavesCwndASegment) {
  params = ChimneyProfile();
  state.delegated.cwnd = 4 * 548;
  Start();
  OnUpdate(tcb(), now, state.cached, 588);
  Send(4 * 548);
  EXPECT_EQ(Pull().size(), 4u);
  for (int i = 0; i < 3; ++i) Feed(Ack(kOurs));
  EXPECT_EQ(PullOne().seq, kOurs);
  EXPECT_EQ(tcb().snd.ssthresh, 2u * 548);
  OnUpdate(tcb(), now, state.cached, 1500);
  Feed(Ack(kOurs + 4 * 548));
  EXPECT_EQ(tcb().snd.cwnd, kMss);
}

TEST_F(PathMtu, AnAbsurdValueLeavesRoomForPayload) {
  state.constant.remote_mss = 0;
  state.constant.timestamps_enabled = true;
  state.constant.sack_enabled = true;
  Start();
  OnUpdate(tcb(), now, state.cached, 0);
  for (uint32_t i = 1; i < 5; ++i) Feed(Data(i * 100, 10));
  Send(100);
  for (const WireSegment& segment : Pull()) {
    EXPECT_LE(segment.payload.size() + segment.TcpHeaderBytes() - 20, 48u);
    EXPECT_GE(segment.payload.size(), 8u);
  }
}

// RFC 6582 section 3.2 step 3: what duplicates added goes with the recovery.
TEST_F(PathMtu, ASmallerPathEndsARecoveryWithoutItsInflation_RFC6582) {
  params = ChimneyProfile();
  state.delegated.cwnd = 40 * kMss;
  Start();
  Send(40 * kMss);
  EXPECT_EQ(Pull().size(), 40u);
  for (int i = 0; i < 38; ++i) {
    Feed(Ack(kOurs));
    Pull();
  }
  EXPECT_EQ(tcb().snd.ssthresh, 20u * kMss);
  OnUpdate(tcb(), now, state.cached, 1040);
  EXPECT_LE(tcb().snd.cwnd, 20u * kMss);
  Pull();
  Feed(Ack(kOurs + 40 * kMss));
  EXPECT_LE(tcb().snd.cwnd, 21u * kMss);
}

}  // namespace
}  // namespace chimney::tcp
