// SPDX-License-Identifier: BSD-3-Clause
// The FIN_WAIT_2 timer (R177).
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

constexpr Duration kTwoMinutes = Duration::Seconds(120);

class FinWait2 : public EngineTest {
 protected:
  void SetUp() override {
    params = ChimneyProfile();
    params.quick_ack_segments = 0;
  }
  // We close first; the peer acknowledges and says no more.
  void ReachIt() {
    Start();
    FlushOwedAck(tcb());
    Pull();
    Close();
    Pull();
    Feed(Ack(kOurs + 1));
    ASSERT_EQ(tcb().state(), ConnectionState::kFinWait2);
  }
  void Resume(const TimerState& timer) {
    state.delegated.state = ConnectionState::kFinWait2;
    state.delegated.retransmit = timer;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  void ExpectTheEnd() {
    const Outcome outcome = FireNext();
    EXPECT_TRUE(Has(outcome, kEventStopped));
    EXPECT_EQ(outcome.stop, StopReason::kFinWait2Timeout);
    EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
    EXPECT_TRUE(Pull().empty());  // R162: no RST
    EXPECT_TRUE(NextTimer(tcb()).IsNever());
  }
};

TEST_F(FinWait2, ASilentPeerHas120Seconds_R177) {
  ReachIt();
  EXPECT_EQ(UntilDeadline(), kTwoMinutes);
  ExpectTheEnd();
}

TEST_F(FinWait2, NothingHappensBeforeTheLastNanosecond_R177) {
  ReachIt();
  const Outcome early = FireAfter(kTwoMinutes - Duration::Nanos(1));
  EXPECT_EQ(early.events, 0u);
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait2);
  ExpectTheEnd();
}

TEST_F(FinWait2, TricklingDataRestartIt_R177) {
  ReachIt();
  for (uint32_t i = 0; i < 10; ++i) {
    now = now + Duration::Seconds(100);
    EXPECT_EQ(Feed(Data(i, 1)).reason, SegmentReason::kDataInOrder);
    FlushOwedAck(tcb());
    Pull();
    EXPECT_EQ(UntilDeadline(), kTwoMinutes);
  }
  ExpectTheEnd();
}

TEST_F(FinWait2, ABareAckRestartsItToo_R177) {
  ReachIt();
  now = now + Duration::Seconds(119);
  Feed(Ack(kOurs + 1));
  EXPECT_EQ(UntilDeadline(), kTwoMinutes);
}

TEST_F(FinWait2, WhatIsNotAcceptableDoesNotRestartIt_R177) {
  ReachIt();
  now = now + Duration::Seconds(100);
  WireSegment old = Ack(kOurs + 1);
  old.seq -= 1;
  EXPECT_EQ(Feed(old).reason, SegmentReason::kOldDuplicate);
  WireSegment unsent = Data(0, 1);
  unsent.ack = kOurs + 2;
  EXPECT_EQ(Feed(unsent).reason, SegmentReason::kAckOfUnsentData);
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(20));
}

TEST_F(FinWait2, TheHostsDeltaComesFirstThen120Seconds_R177_R53) {
  Resume({true, Duration::Seconds(7), 0});
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(7));
  now = now + Duration::Seconds(6);
  Feed(Ack(kOurs));
  EXPECT_EQ(UntilDeadline(), kTwoMinutes);
  ExpectTheEnd();
}

TEST_F(FinWait2, TheHostsDeltaRunsOut_R177_R53) {
  Resume({true, Duration::Seconds(7), 0});
  now = now + Duration::Seconds(6);
  const TimerState shown = Query(tcb(), now).delegated.retransmit;
  EXPECT_TRUE(shown.running);
  EXPECT_EQ(shown.delta, Duration::Seconds(1));  // R101
  ExpectTheEnd();
}

TEST_F(FinWait2, WithoutADeltaItStartsAt120Seconds_R177) {
  Resume({});
  EXPECT_EQ(UntilDeadline(), kTwoMinutes);
}

TEST_F(FinWait2, ADueTimerEndsItAtOnce_R177_R101) {
  Resume({true, Duration(), 0});
  EXPECT_EQ(UntilDeadline(), Duration());
  ExpectTheEnd();
}

TEST_F(FinWait2, ThePeersFinEndsTheWait_R176) {
  ReachIt();
  WireSegment fin = Ack(kOurs + 1);
  fin.flags |= testing::kFin;
  EXPECT_TRUE(Has(Feed(fin), kEventTimeWait));
  PullOne();
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

}  // namespace
}  // namespace chimney::tcp
