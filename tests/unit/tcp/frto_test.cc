// SPDX-License-Identifier: BSD-3-Clause
// F-RTO (RFC 5682): timeouts that were not losses.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Frto : public EngineTest,
             public ::testing::WithParamInterface<bool> {  // SACK
 protected:
  // Ten segments are in flight and a timeout has sent the first one again.
  void StartTimedOut(uint32_t more_segments) {
    state.constant.sack_enabled = GetParam();
    state.delegated.cwnd = 10 * kMss;
    params.tail_loss_probe = false;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send((10 + more_segments) * kMss);
    ASSERT_EQ(Pull().size(), 10u);
    while (tcb().trouble_counters().retransmit_timeouts == 0) FireNext();
    ASSERT_EQ(PullOne().seq, kOurs);
    ASSERT_EQ(tcb().snd.cwnd, kMss);
  }
  static uint32_t At(uint32_t segment) { return kOurs + segment * kMss; }
};

TEST_P(Frto, AcksOfTheFirstTransmissionsUndoTheTimeout_RFC5682_3) {
  StartTimedOut(20);
  Feed(Ack(At(1)));
  // Step 2b: two segments of new data instead of the second old one.
  const std::vector<WireSegment> fresh = Pull();
  ASSERT_EQ(fresh.size(), 2u);
  EXPECT_EQ(fresh[0].seq, At(10));
  EXPECT_EQ(fresh[1].seq, At(11));
  // Step 3c.
  Feed(Ack(At(2)));
  EXPECT_EQ(tcb().trouble_counters().spurious_timeouts, 1u);
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
  EXPECT_GE(tcb().snd.cwnd, 10 * kMss);
  EXPECT_EQ(Sending().flight.lost_bytes(), 0u);
  for (const WireSegment& segment : Pull()) EXPECT_GE(segment.seq, At(12));
  EXPECT_EQ(tcb().trouble_counters().segments_retransmitted, 1u);
}

TEST_P(Frto, ADuplicateAckInStep3MeansThatTheLossWasReal_RFC5682_3b) {
  StartTimedOut(20);
  Feed(Ack(At(1)));
  ASSERT_EQ(Pull().size(), 2u);
  WireSegment duplicate = Ack(At(1));
  if (GetParam()) duplicate = WithSack(duplicate, {{At(10), At(11)}});
  Feed(duplicate);
  EXPECT_EQ(tcb().trouble_counters().spurious_timeouts, 0u);
  EXPECT_LE(tcb().snd.cwnd, 3 * kMss);
  const std::vector<WireSegment> again = Pull();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].seq, At(1));
}

TEST_P(Frto, WithoutNewDataTheRepairGoesOn_RFC5682_2b) {
  StartTimedOut(0);
  Feed(Ack(At(1)));
  const std::vector<WireSegment> again = Pull();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].seq, At(1));
}

TEST_P(Frto, AnAckOfEverythingProvesNothing_RFC5682_2a) {
  StartTimedOut(20);
  Feed(Ack(At(10)));
  EXPECT_EQ(tcb().trouble_counters().spurious_timeouts, 0u);
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
  EXPECT_LE(tcb().snd.cwnd, 2 * kMss);
}

TEST_P(Frto, ASecondTimeoutIsBelieved) {
  StartTimedOut(20);
  while (tcb().trouble_counters().retransmit_timeouts == 1) FireNext();
  ASSERT_EQ(PullOne().seq, kOurs);
  EXPECT_EQ(Sending().recovery.frto, FrtoStep::kOff);
}

// Section 2.1 step 2b: new data that Nagle would hold back goes, or there is
// nothing to go by before the next timeout.
TEST_P(Frto, NewDataBehindASmallSegmentIsSent_RFC5682_2_1) {
  state.constant.sack_enabled = GetParam();
  state.delegated.cwnd = 20 * kMss;
  params.tail_loss_probe = false;
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(5 * kMss + 100);
  ASSERT_EQ(Pull().size(), 6u);
  Send(50);
  ASSERT_TRUE(Pull().empty());  // a small segment is in flight
  while (tcb().trouble_counters().retransmit_timeouts == 0) FireNext();
  ASSERT_EQ(PullOne().seq, kOurs);
  Feed(Ack(At(1)));
  EXPECT_EQ(PullOne().seq, At(5) + 100);
}

// What was lost at a timeout had left at many times. A late ACK of some of it
// is a sample of none of the later ones.
TEST_P(Frto, ALateAckDoesNotMakeThePathSeemShort_RFC8985_6_2) {
  state.constant.sack_enabled = GetParam();
  state.delegated.srtt = Duration::Millis(100);
  state.delegated.rttvar = Duration::Millis(10);
  state.delegated.cwnd = 60 * kMss;
  params.tail_loss_probe = false;
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(kMss);
  Pull();
  now = now + Duration::Millis(100);
  Feed(Ack(At(1)));
  ASSERT_EQ(tcb().rtt.min_rtt, Duration::Millis(100));
  Send(kMss);
  Pull();
  const Instant timeout = NextTimer(tcb());
  while (now + Duration::Millis(10) < timeout) {
    now = now + Duration::Millis(10);
    Send(kMss);
    Pull();
  }
  now = timeout;
  OnTimer(tcb(), now);
  Pull();
  ASSERT_EQ(tcb().trouble_counters().retransmit_timeouts, 1u);
  // The first four arrive all at once.
  now = now + Duration::Millis(2);
  Feed(Ack(At(5)));
  EXPECT_EQ(tcb().rtt.min_rtt, Duration::Millis(100));
}

INSTANTIATE_TEST_SUITE_P(Sack, Frto, ::testing::Bool());

}  // namespace
}  // namespace chimney::tcp
