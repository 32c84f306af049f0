// SPDX-License-Identifier: BSD-3-Clause
// RACK (RFC 8985): losses seen by time.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

constexpr Duration kRoundTrip = Duration::Millis(100);

class Rack : public EngineTest {
 protected:
  // A round trip of 100 ms is known; then `segments` leave, 1 ms apart.
  void StartSending(uint32_t segments) {
    state.constant.sack_enabled = true;
    state.delegated.cwnd = 30 * kMss;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send(kMss);
    Pull();
    now = now + kRoundTrip;
    Feed(Ack(kOurs + kMss));
    EXPECT_EQ(tcb().rtt.min_rtt, kRoundTrip);
    for (uint32_t i = 0; i < segments; ++i) {
      Send(kMss);
      EXPECT_EQ(PullOne().seq, At(i));
      now = now + Duration::Millis(1);
    }
    // The first one is acknowledged a round trip after it left.
    now = now + kRoundTrip - Duration::Millis(segments);
  }
  static uint32_t At(uint32_t segment) { return kOurs + (segment + 1) * kMss; }
  Outcome FeedSack(uint32_t ack_segment, uint32_t from, uint32_t to) {
    return Feed(WithSack(Ack(At(ack_segment)), {{At(from), At(to)}}));
  }
};

TEST_F(Rack, ASegmentMayBeLateByAQuarterOfTheRoundTrip_RFC8985_6_2) {
  StartSending(5);
  now = now + Duration::Millis(1);  // when the second one's report is due
  FeedSack(0, 1, 2);
  EXPECT_TRUE(Pull().empty());
  // Sent 1 ms before the one that was delivered after 100 ms.
  EXPECT_EQ(UntilDeadline(), kRoundTrip / 4 - Duration::Millis(1));
  FireNext();
  EXPECT_EQ(PullOne().seq, At(0));
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kFastRecovery);
}

TEST_F(Rack, NoSegmentMayBeLaterThanARoundTrip_RFC8985_6_2) {
  StartSending(5);
  tcb().snd.reordering = {.seen = true, .reo_wnd_mult = 20};
  now = now + Duration::Millis(1);
  FeedSack(0, 1, 2);
  EXPECT_EQ(UntilDeadline(), tcb().rtt.srtt - Duration::Millis(1));
}

TEST_F(Rack, ALossSeenByTheTimerReleasesOneSegmentAndNoBurst) {
  StartSending(20);
  Send(100 * kMss);
  Pull();
  FeedSack(0, 1, 2);
  Pull();
  FireNext();
  EXPECT_EQ(PullOne().seq, At(0));
}

TEST_F(Rack, ALateSegmentThatArrivesInTimeCostsNothing) {
  StartSending(5);
  FeedSack(0, 1, 2);
  now = now + Duration::Millis(10);
  Feed(Ack(At(2)));
  EXPECT_TRUE(tcb().snd.reordering.seen);
  EXPECT_EQ(Sending().flight.lost_bytes(), 0u);
  EXPECT_EQ(tcb().trouble_counters().segments_retransmitted, 0u);
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
}

TEST_F(Rack, ThreeReportsWithoutReorderingAreALossAtOnce_RFC8985_6_2) {
  StartSending(5);
  now = now + Duration::Millis(3);
  FeedSack(0, 1, 4);
  EXPECT_EQ(PullOne().seq, At(0));
}

TEST_F(Rack, AfterReorderingThreeReportsAreNoProof) {
  StartSending(8);
  FeedSack(0, 1, 2);
  now = now + Duration::Millis(5);
  Feed(Ack(At(2)));
  FeedSack(2, 3, 6);
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
  while (tcb().trouble_counters().segments_retransmitted == 0 &&
         tcb().trouble_counters().retransmit_timeouts == 0) {
    FireNext();
    Pull();
  }
  EXPECT_EQ(tcb().trouble_counters().retransmit_timeouts, 0u);
}

TEST_F(Rack, ALostRetransmissionIsSentOnceMoreWithoutATimeout) {
  StartSending(5);
  now = now + Duration::Millis(3);
  FeedSack(0, 1, 4);
  EXPECT_EQ(PullOne().seq, At(0));
  // New data leaves behind it and is reported a round trip later.
  now = now + Duration::Millis(2);
  Send(kMss);
  FeedSack(0, 1, 5);
  ASSERT_EQ(PullOne().seq, At(5));
  now = now + kRoundTrip;
  FeedSack(0, 1, 6);
  EXPECT_EQ(PullOne().seq, At(0));
  EXPECT_EQ(tcb().trouble_counters().segments_retransmitted, 2u);
  EXPECT_EQ(tcb().trouble_counters().retransmit_timeouts, 0u);
}

TEST_F(Rack, AnAckThatComesTooSoonIsTheFirstTransmissions_RFC8985_6_2) {
  StartSending(5);
  now = now + Duration::Millis(3);
  FeedSack(0, 1, 4);
  EXPECT_EQ(PullOne().seq, At(0));
  now = now + Duration::Millis(1);
  const Instant before = Sending().recovery.rack.xmit_ts;
  Feed(Ack(At(4)));
  EXPECT_EQ(Sending().recovery.rack.xmit_ts, before);
}

TEST_F(Rack, ADuplicateReportWidensTheWindow_RFC8985_6_2) {
  StartSending(8);
  FeedSack(0, 1, 2);
  now = now + Duration::Millis(5);
  Feed(Ack(At(2)));  // reordering
  EXPECT_EQ(tcb().snd.reordering.reo_wnd_mult, 1);
  Feed(WithSack(Ack(At(3)), {{At(0), At(1)}}));
  EXPECT_EQ(tcb().snd.reordering.reo_wnd_mult, 2);
  EXPECT_EQ(tcb().snd.reordering.reo_wnd_persist, 16);
  // Once a round trip; above the ACK the second block shows what it is.
  Feed(WithSack(Ack(At(3)), {{At(5), At(6)}, {At(5), At(7)}}));
  EXPECT_EQ(tcb().snd.reordering.reo_wnd_mult, 2);
  Feed(WithSack(Ack(At(4)), {{At(1), At(2)}}));
  EXPECT_EQ(tcb().snd.reordering.reo_wnd_mult, 2);
}

TEST_F(Rack, ADuplicateAboveTheAckIsSeenInTheSecondBlock_RFC2883_4) {
  StartSending(8);
  Feed(WithSack(Ack(At(0)), {{At(5), At(6)}, {At(5), At(7)}}));
  EXPECT_EQ(tcb().snd.reordering.reo_wnd_mult, 2);
}

// No round trip was measured here yet: the giver's average has to do.
TEST_F(Rack, AfterAHandOverASegmentMayBeLateAsWell) {
  state.constant.sack_enabled = true;
  state.delegated.srtt = Duration::Millis(20);
  InFlight(5 * kMss);
  Start(Stream(5 * kMss));
  FlushOwedAck(tcb());
  Pull();
  now = now + Duration::Millis(1);
  Feed(WithSack(Ack(kOurs), {{kOurs + kMss, kOurs + 2 * kMss}}));
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(UntilDeadline(), Duration::Millis(5));
  FireNext();
  EXPECT_EQ(PullOne().seq, kOurs);
}

// The clock of the timestamps ticks every millisecond; on a path below that
// what was sent since must not make the resent segment's echo look older.
TEST_F(Rack, AnEchoOfTheResendOnAShortPathCounts_RFC8985_6_2) {
  constexpr Duration kShort = Duration::Micros(500);
  constexpr uint32_t kSegment = kMss - 12;
  const auto at = [](uint32_t i) { return kOurs + i * kSegment; };
  state.constant.sack_enabled = true;
  state.constant.timestamps_enabled = true;
  state.delegated.ts_time = 100000;
  state.delegated.ts_recent = 5;
  state.delegated.cwnd = 40 * kMss;
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  const auto feed = [&](WireSegment segment, uint32_t echo) {
    segment.timestamps->echo = echo;
    Feed(segment);
  };
  Send(kSegment);
  const uint32_t first_value = PullOne().timestamps->value;
  now = now + kShort;
  feed(Ack(at(1)), first_value);
  Send(20 * kSegment);
  ASSERT_EQ(Pull().size(), 20u);
  now = now + kShort;
  feed(WithSack(Ack(at(1)), {{at(2), at(6)}}), first_value);
  const std::vector<WireSegment> again = Pull();
  ASSERT_FALSE(again.empty());
  ASSERT_EQ(again[0].seq, at(1));
  const Instant resent_at = now;
  now = now + Duration::Millis(1);
  Send(kSegment);
  ASSERT_FALSE(Pull().empty());
  now = now + Duration::Micros(100);
  feed(Ack(at(12)), again[0].timestamps->value);
  EXPECT_EQ(Sending().recovery.rack.xmit_ts, resent_at);
}

// Section 7.3: the probe is the last segment, of however many records.
TEST_F(Rack, TheTailProbeOfSmallRecordsEndsWithTheFlight_RFC8985_7_3) {
  state.constant.sack_enabled = true;
  state.cached.nagle_enabled = false;
  state.delegated.srtt = Duration::Millis(20);
  state.delegated.rttvar = Duration::Millis(1);
  state.delegated.cwnd = 40 * kMss;
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  for (int i = 0; i < 30; ++i) {
    Send(100);
    Pull();
  }
  FireNext();
  const WireSegment probe = PullOne();
  EXPECT_EQ(tcb().trouble_counters().tail_probes, 1u);
  EXPECT_FALSE(probe.payload.empty());
  EXPECT_EQ(probe.seq + probe.payload.size(), tcb().snd_max().value());
}

}  // namespace
}  // namespace chimney::tcp
