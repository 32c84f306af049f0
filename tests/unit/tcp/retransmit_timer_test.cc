// SPDX-License-Identifier: BSD-3-Clause
// RFC 6298: round-trip samples, the timeout, back-off, giving up.
#include "tcp/rtt.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class RetransmitTimer : public EngineTest {
 protected:
  void StartQuiet(const Bytes& unacked = {}) {
    Start(unacked);
    FlushOwedAck(tcb());
    Pull();
  }
};

TEST_F(RetransmitTimer, WithoutASampleOneSecond_RFC6298_2_1) {
  StartQuiet();
  Send(10);
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(1));
}

TEST_F(RetransmitTimer, FirstAndSecondSample_R190) {
  params = ChimneyProfile();
  StartQuiet();
  Send(10);
  Pull();
  now = now + Duration::Millis(200);
  Feed(Ack(kOurs + 10));
  EXPECT_EQ(tcb().rtt.srtt, Duration::Millis(200));
  EXPECT_EQ(tcb().rtt.rttvar, Duration::Millis(100));
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Millis(600));
  Send(10);
  Pull();
  now = now + Duration::Millis(120);
  Feed(Ack(kOurs + 20));
  // rttvar with the old srtt: 3/4 * 100 + 1/4 * 80; srtt 7/8 * 200 + 1/8 * 120.
  EXPECT_EQ(tcb().rtt.rttvar, Duration::Millis(95));
  EXPECT_EQ(tcb().rtt.srtt, Duration::Millis(190));
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Millis(570));
}

TEST_F(RetransmitTimer, BoundsOfTheProfiles_R190) {
  params = ChimneyProfile();
  state.delegated.srtt = Duration::Micros(100);
  StartQuiet();
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Millis(300));
}

TEST_F(RetransmitTimer, LinuxAddsItsMinimumToSrtt) {
  state.delegated.srtt = Duration::Millis(50);
  state.delegated.rttvar = Duration::Millis(1);
  StartQuiet();
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Millis(250));
}

TEST_F(RetransmitTimer, ExpirySendsTheFirstSegmentAndDoublesTheTimeout) {
  StartQuiet();
  Send(3000);
  Pull();
  FireNext();
  const WireSegment again = PullOne();
  EXPECT_EQ(again.seq, kOurs);
  EXPECT_EQ(again.payload, Stream(1460));
  EXPECT_EQ(tcb().snd.cwnd, kMss);
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(2));
  FireNext();
  PullOne();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(4));
  // Slow start through the rest (RFC 5681 section 3.1).
  Feed(Ack(kOurs + 1460));
  EXPECT_EQ(Pull().size(), 2u);
  // "The current value of RTO", which no sample has set anew (RFC 6298 (5.3)).
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(4));
}

TEST_F(RetransmitTimer, SsthreshFallsOnceForOneSegment_R194) {
  params.congestion_control = CongestionControl::kNewReno;
  state.delegated.cwnd = 20 * kMss;
  StartQuiet();
  Send(10 * kMss);
  Pull();
  FireNext();
  Pull();
  EXPECT_EQ(tcb().snd.ssthresh, 10 * kMss);
  FireNext();
  EXPECT_EQ(tcb().snd.ssthresh, 10 * kMss);
}

TEST_F(RetransmitTimer, KarnTakesNoSampleFromWhatWasSentTwice) {
  StartQuiet();
  Send(10);
  Pull();
  FireNext();
  Pull();
  now = now + Duration::Millis(10);
  Feed(Ack(kOurs + 10));
  EXPECT_EQ(tcb().rtt.srtt, Duration());
}

TEST_F(RetransmitTimer, TheEchoMeasuresSegmentsThatTheHostSent_R199) {
  state.constant.timestamps_enabled = true;
  state.delegated.ts_time = 7000;
  state.delegated.ts_recent = 1;
  InFlight(100);
  StartQuiet(Stream(100));
  now = now + Duration::Millis(30);
  WireSegment ack = Ack(kOurs + 100);
  // The host sent it 20 ms before the hand-over.
  ack.timestamps = WireSegment::Timestamps{1, 6980};
  Feed(ack);
  EXPECT_EQ(tcb().rtt.srtt, Duration::Millis(50));
}

TEST_F(RetransmitTimer, AnEchoFromTheFutureIsIgnored) {
  state.constant.timestamps_enabled = true;
  state.delegated.ts_time = 7000;
  state.delegated.ts_recent = 1;
  InFlight(100);
  StartQuiet(Stream(100));
  WireSegment ack = Ack(kOurs + 100);
  ack.timestamps = WireSegment::Timestamps{1, 7001};
  Feed(ack);
  EXPECT_EQ(tcb().rtt.srtt, Duration());
}

TEST_F(RetransmitTimer, GivesUpAfterTheCount_R191) {
  params.max_retransmissions = 3;
  StartQuiet();
  Send(10);
  Pull();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Has(FireNext(), kEventStopped));
    EXPECT_EQ(Pull().size(), 1u);
  }
  EXPECT_EQ(FireNext().stop, StopReason::kRetransmitTimeout);
  EXPECT_TRUE(Pull().empty());
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
  const TcpState shown = Query(tcb(), now);
  EXPECT_EQ(shown.delegated.state, ConnectionState::kEstablished);
  EXPECT_EQ(shown.delegated.retransmit.count, 3);
  EXPECT_TRUE(shown.delegated.retransmit.running);
  EXPECT_EQ(shown.delegated.retransmit.delta, Duration());
}

TEST_F(RetransmitTimer, MaxRtOverridesTheCount_R75) {
  params.max_retransmissions = 1;
  state.cached.max_rt = Duration::Seconds(5);
  StartQuiet();
  Send(10);
  Pull();
  // Timeouts after 1, 3, 7 and 15 s: 0, 2 and 6 s of retransmitting.
  EXPECT_FALSE(Has(FireNext(), kEventStopped));
  EXPECT_FALSE(Has(FireNext(), kEventStopped));
  EXPECT_EQ(Query(tcb(), now).delegated.total_rt, Duration::Seconds(2));
  EXPECT_EQ(FireNext().stop, StopReason::kRetransmitTimeout);
}

TEST_F(RetransmitTimer, TheTimeoutIsBounded) {
  params.rto_max = Duration::Seconds(3);
  StartQuiet();
  Send(10);
  Pull();
  FireNext();
  FireNext();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(3));
}

TEST_F(RetransmitTimer, ResumesFromTheHost_R53) {
  InFlight(100);
  state.delegated.retransmit = {true, Duration::Millis(700), 2};
  StartQuiet(Stream(100));
  EXPECT_EQ(UntilDeadline(), Duration::Millis(700));
  FireNext();
  PullOne();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(8));
}

TEST_F(RetransmitTimer, ADueTimerFiresAtOnce_R101) {
  InFlight(100);
  state.delegated.retransmit = {true, Duration(), 0};
  Start(Stream(100));
  EXPECT_EQ(UntilDeadline(), Duration());
}

TEST_F(RetransmitTimer, TimestampClockGoesOnWhereTheHostsStood_R102) {
  state.constant.timestamps_enabled = true;
  state.delegated.ts_time = 0xFFFFFFFE;
  Start();
  now = now + Duration::Millis(5);
  Send(1);
  EXPECT_EQ(PullOne().timestamps->value, 3u);
  EXPECT_EQ(Query(tcb(), now).delegated.ts_time, 3u);
}

TEST_F(RetransmitTimer, MicrosecondClock) {
  state.constant.timestamps_enabled = true;
  state.constant.timestamp_unit = TimestampUnit::kMicrosecond;
  state.delegated.ts_time = 100;
  Start();
  now = now + Duration::Millis(5);
  Send(1);
  EXPECT_EQ(PullOne().timestamps->value, 5100u);
}

// RFC 6298 section 5 and Karn: what was sent again gives no sample, and until
// there is one the timeout stays backed off. Without that a path whose round
// trip became longer than the timeout would never be learned.
TEST_F(RetransmitTimer, TheBackOffStaysUntilASampleIsTaken_RFC6298_5) {
  state.delegated.srtt = Duration::Millis(50);
  state.delegated.rttvar = Duration::Millis(1);
  params.tail_loss_probe = false;
  StartQuiet();
  constexpr Duration kNewRoundTrip = Duration::Seconds(1);
  uint32_t acked = kOurs;
  for (int i = 0; i < 20; ++i) {
    Send(100);
    Pull();
    const Instant arrival = now + kNewRoundTrip;
    while (NextTimer(tcb()) < arrival) {
      FireNext();
      Pull();
    }
    now = arrival;
    acked += 100;
    Feed(Ack(acked));
  }
  // 250 and 500 ms run out, the third one is a second long.
  EXPECT_LE(tcb().trouble_counters().segments_retransmitted, 3u);
  EXPECT_GT(tcb().rtt.srtt, Duration::Millis(500));
  EXPECT_GT(RetransmitTimeout(tcb()), kNewRoundTrip);
}

}  // namespace
}  // namespace chimney::tcp
