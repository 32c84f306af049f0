// SPDX-License-Identifier: BSD-3-Clause
// Fast retransmit and recovery without SACK (RFC 6582) and by the bytes that
// SACK reports (RFC 6675), limited transmit, byte counting, tail loss probes.
#include "tcp/rtt.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class LossRecovery : public EngineTest {
 protected:
  // `segments` full segments in flight, more data waiting.
  void StartSending(uint32_t segments, bool sack) {
    state.constant.sack_enabled = sack;
    state.delegated.cwnd = segments * kMss;
    params.cwnd_validation = false;
    params.congestion_control = CongestionControl::kNewReno;
    params.rack = false;
    params.f_rto = false;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send(200 * kMss);
    EXPECT_EQ(Pull().size(), segments);
  }
  static uint32_t At(uint32_t segment) { return kOurs + segment * kMss; }
  Outcome FeedSack(uint32_t ack_segment, uint32_t from, uint32_t to) {
    return Feed(WithSack(Ack(At(ack_segment)), {{At(from), At(to)}}));
  }
};

TEST_F(LossRecovery, ThreeDuplicateAcksResendTheFirstSegment_R192) {
  StartSending(10, false);
  EXPECT_EQ(Feed(Ack(kOurs)).reason, SegmentReason::kAckDuplicate);
  EXPECT_EQ(PullOne().seq, At(10));  // Limited transmit (RFC 3042).
  Feed(Ack(kOurs));
  EXPECT_EQ(PullOne().seq, At(11));
  Feed(Ack(kOurs));
  const WireSegment again = PullOne();
  EXPECT_EQ(again.seq, kOurs);
  EXPECT_EQ(again.payload.size(), kMss);
  EXPECT_EQ(tcb().snd.ssthresh, 5 * kMss);
  EXPECT_EQ(tcb().snd.cwnd, 8 * kMss);  // RFC 6582: ssthresh + 3 * SMSS.
}

TEST_F(LossRecovery, NewRenoRepairsOneHolePerPartialAck_R194) {
  StartSending(10, false);
  for (int i = 0; i < 3; ++i) Feed(Ack(kOurs));
  Pull();
  // Segment 3 is lost as well: everything before it is acknowledged.
  Feed(Ack(At(3)));
  const std::vector<WireSegment> segments = Pull();
  ASSERT_FALSE(segments.empty());
  EXPECT_EQ(segments[0].seq, At(3));
  Feed(Ack(tcb().snd_max().value()));
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
  EXPECT_LE(tcb().snd.cwnd, 5 * kMss);
  EXPECT_EQ(tcb().trouble_counters().retransmit_timeouts, 0u);
}

TEST_F(LossRecovery, DuplicatesWithDataOrAnotherWindowDoNotCount_RFC5681) {
  StartSending(10, false);
  Feed(Ack(kOurs, 65535));
  EXPECT_EQ(Feed(Ack(kOurs, 60000)).reason, SegmentReason::kAckWindowUpdate);
  EXPECT_EQ(Feed(Data(0, 10)).reason, SegmentReason::kDataInOrder);
  EXPECT_EQ(Sending().recovery.dup_ack_count, 1);
}

TEST_F(LossRecovery, TheCountCrossesAHandOver_R192) {
  InFlight(5 * kMss);
  state.delegated.dup_ack_count = 2;
  Start(Stream(5 * kMss));
  Feed(Ack(kOurs));
  EXPECT_EQ(Pull()[0].seq, kOurs);
}

TEST_F(LossRecovery, SackRepairsSeveralHolesInOneRoundTrip_RFC6675) {
  StartSending(20, true);
  // Segments 0, 5 and 6 are lost.
  FeedSack(0, 1, 2);
  FeedSack(0, 1, 3);
  Pull();
  FeedSack(0, 1, 5);
  EXPECT_EQ(Pull()[0].seq, At(0));
  for (uint32_t end = 8; end <= 20; ++end) {
    Feed(WithSack(Ack(kOurs), {{At(7), At(end)}, {At(1), At(5)}}));
  }
  std::vector<uint32_t> resent;
  for (const WireSegment& segment : Pull()) {
    if (segment.seq < At(20)) resent.push_back(segment.seq);
  }
  EXPECT_EQ(resent, (std::vector<uint32_t>{At(5), At(6)}));
  Feed(Ack(tcb().snd_max().value()));
  EXPECT_EQ(tcb().snd.cwnd, 10 * kMss);
  EXPECT_EQ(tcb().trouble_counters().fast_retransmits, 1u);
}

TEST_F(LossRecovery, SackedBytesAloneShowALoss_RFC6675_IsLost) {
  StartSending(10, true);
  FeedSack(0, 1, 5);
  EXPECT_EQ(Pull()[0].seq, kOurs);
}

TEST_F(LossRecovery, AcksWithoutNewsFromSackAreNoDuplicates_RFC6675) {
  StartSending(10, true);
  FeedSack(0, 1, 2);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(FeedSack(0, 1, 2).reason, SegmentReason::kAckUnchanged);
  }
  EXPECT_EQ(Sending().recovery.dup_ack_count, 1);
}

TEST_F(LossRecovery, ForgedSackBlocksAreIgnored) {
  StartSending(10, true);
  Feed(WithSack(Ack(kOurs), {{At(11), At(12)}, {At(3), At(2)}}));
  Feed(WithSack(Ack(kOurs), {{At(2), At(2)}, {kOurs - 5, kOurs + 1}}));
  EXPECT_LE(Sending().flight.sacked_bytes(), 1u);
}

TEST_F(LossRecovery, ATimeoutSparesWhatThePeerHolds_RFC6675_5_1) {
  StartSending(4, true);
  FeedSack(0, 2, 3);
  Pull();
  while (tcb().trouble_counters().retransmit_timeouts == 0) FireNext();
  EXPECT_EQ(PullOne().seq, kOurs);
  // A new report spares what the peer holds.
  Feed(WithSack(Ack(At(1)), {{At(2), At(3)}}));
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].seq, At(1));
  EXPECT_EQ(segments[1].seq, At(3));
}

TEST_F(LossRecovery, ASecondTimeoutSparesNothing_RFC2018_8) {
  StartSending(4, true);
  FeedSack(0, 2, 3);
  for (uint32_t timeouts = 1; timeouts <= 2; ++timeouts) {
    Pull();
    EXPECT_EQ(Sending().flight.sacked_bytes(), kMss);
    while (tcb().trouble_counters().retransmit_timeouts < timeouts) FireNext();
  }
  EXPECT_EQ(Sending().flight.sacked_bytes(), 0u);
}

// The third duplicate sends again as a rule; here it does not.
TEST_F(LossRecovery, DuplicatesReleaseTwoSegmentsAndNoMore_RFC3042) {
  params.duplicate_ack_threshold = 5;
  StartSending(10, false);
  for (const size_t released : {1, 1, 0, 0}) {
    Feed(Ack(kOurs));
    EXPECT_EQ(Pull().size(), released);
  }
  Feed(Ack(kOurs));
  EXPECT_EQ(PullOne().seq, kOurs);
}

TEST_F(LossRecovery, EchoesOfAResendStartNoRecovery_RFC6582_4) {
  StartSending(10, false);
  FireNext();
  Pull();
  Feed(Ack(At(1)));
  Pull();
  for (int i = 0; i < 4; ++i) Feed(Ack(At(1)));
  EXPECT_EQ(tcb().trouble_counters().fast_retransmits, 0u);
}

TEST_F(LossRecovery, SlowStartCountsBytesUpToL_R193) {
  params = ChimneyProfile();
  StartSending(10, false);
  Feed(Ack(At(2)));
  EXPECT_EQ(tcb().snd.cwnd, 12 * kMss);
  Feed(Ack(At(10)));
  EXPECT_EQ(tcb().snd.cwnd, 16 * kMss);  // L = 4.
}

TEST_F(LossRecovery, CongestionAvoidanceBeginsAtEquality_R193) {
  params = ChimneyProfile();
  state.delegated.ssthresh = 10 * kMss;
  StartSending(10, false);
  Feed(Ack(At(8)));
  // MSS * min(L * MSS, acked) / cwnd.
  EXPECT_EQ(tcb().snd.cwnd, 10 * kMss + kMss * (4 * kMss) / (10 * kMss));
}

TEST_F(LossRecovery, CwndDoesNotGrowWhileTheApplicationIsTheLimit_RFC7661) {
  state.delegated.cwnd = 10 * kMss;
  Start();
  Send(kMss);
  Pull();
  Feed(Ack(At(1)));
  EXPECT_EQ(tcb().snd.cwnd, 10 * kMss);
}

class TailLoss : public LossRecovery {
 protected:
  void StartTail(uint32_t segments) {
    state.constant.sack_enabled = true;
    state.delegated.srtt = Duration::Millis(20);
    state.delegated.rttvar = Duration::Millis(1);
    state.delegated.cwnd = 20 * kMss;
    params.congestion_control = CongestionControl::kNewReno;
    Start();
    tcb().rtt.min_rtt = Duration::Millis(20);
    tcb().rtt.min_rtt_at = now;
    FlushOwedAck(tcb());
    Pull();
    Send(segments * kMss);
    Pull();
  }
};

TEST_F(TailLoss, TheLastSegmentIsProbedAfterTwoRoundTrips_RFC8985_7) {
  StartTail(3);
  EXPECT_EQ(UntilDeadline(), Duration::Millis(40));
  FireNext();
  EXPECT_EQ(PullOne().seq, At(2));
  EXPECT_EQ(UntilDeadline(), RetransmitTimeout(tcb()));
  Feed(Ack(At(3)));
  EXPECT_EQ(tcb().trouble_counters().retransmit_timeouts, 0u);
}

TEST_F(TailLoss, ThePeersAckOfTheProbeShowsEarlierLosses) {
  StartTail(5);
  FireNext();
  Pull();
  now = now + Duration::Millis(70);
  FeedSack(2, 4, 5);
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].seq, At(2));
  EXPECT_EQ(segments[1].seq, At(3));
  Feed(Ack(At(5)));
  EXPECT_EQ(tcb().trouble_counters().retransmit_timeouts, 0u);
}

TEST_F(TailLoss, ARepairedLossStillHalvesTheWindow_RFC8985_7_4) {
  StartTail(3);
  FireNext();
  Pull();
  Feed(Ack(At(3)));
  Send(kMss);
  Pull();
  Feed(Ack(At(4)));
  EXPECT_EQ(tcb().snd.cwnd, 10 * kMss);
}

// The kernel's least timeout: timers are no finer.
TEST_F(TailLoss, AProbeWaitsTwoMillisecondsAtLeast) {
  state.constant.sack_enabled = true;
  state.delegated.srtt = Duration::Micros(100);
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(2 * kMss);
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Millis(2));
}

TEST_F(TailLoss, ADuplicateReportClearsTheSuspicion_RFC2883) {
  StartTail(3);
  FireNext();
  Pull();
  Feed(Ack(At(3)));
  FeedSack(3, 2, 3);
  Send(kMss);
  Pull();
  Feed(Ack(At(4)));
  EXPECT_EQ(tcb().snd.cwnd, 20 * kMss);
}

// However small they are: RFC 6675 section 5 step (1).
TEST_F(LossRecovery, ThreeDuplicatesForSmallSegmentsResend_R192_WithSack) {
  params = ChimneyProfile();
  params.quick_ack_segments = 0;
  state.constant.sack_enabled = true;
  state.cached.nagle_enabled = false;
  state.delegated.cwnd = 20 * kMss;
  Start();
  FlushOwedAck(tcb());
  Pull();
  for (int i = 0; i < 10; ++i) {
    Send(100);
    Pull();
  }
  for (uint32_t end = 200; end <= 300; end += 100) {
    Feed(WithSack(Ack(kOurs), {{kOurs + 100, kOurs + end}}));
    EXPECT_TRUE(Pull().empty());
  }
  Feed(WithSack(Ack(kOurs), {{kOurs + 100, kOurs + 400}}));
  const WireSegment again = PullOne();
  EXPECT_EQ(again.seq, kOurs);
  EXPECT_EQ(again.payload.size(), 100u);
}

// RFC 6675 section 4, NextSeg() rule 3: too little lies above the second hole
// to call it lost, but there is nothing else to send.
// What Nagle holds back is nothing else.
TEST_F(LossRecovery, AHoleWithTwoSegmentsAboveIsFilled_RFC6675_4) {
  params = ChimneyProfile();
  params.quick_ack_segments = 0;
  state.constant.sack_enabled = true;
  state.delegated.cwnd = 20 * kMss;
  for (const uint32_t held : {0u, 50u}) {
    SCOPED_TRACE(held);
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send(10 * kMss);
    ASSERT_EQ(Pull().size(), 10u);
    if (held != 0) Send(held);
    ASSERT_EQ(Pull().size(), 0u);
    // The first one and the eighth were lost.
    for (uint32_t to = 2; to <= 7; ++to) FeedSack(0, 1, to);
    for (uint32_t to = 9; to <= 10; ++to) {
      Feed(WithSack(Ack(kOurs), {{At(8), At(to)}, {At(1), At(7)}}));
    }
    std::vector<WireSegment> sent = Pull();
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(sent[0].seq, kOurs);
    FeedSack(7, 8, 10);
    for (const WireSegment& segment : Pull()) sent.push_back(segment);
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[1].seq, At(7));
    TearDown();
  }
}

}  // namespace
}  // namespace chimney::tcp
