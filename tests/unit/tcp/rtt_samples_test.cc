// SPDX-License-Identifier: BSD-3-Clause
// The numbers of the retransmission timeout (R190, RFC 6298 section 2).
#include <algorithm>
#include <cmath>

#include "tcp/rtt.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

// One segment and its ACK, `round_trip` later.
class RttSamples : public EngineTest {
 protected:
  void StartQuiet() {
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  void Sample(Duration round_trip) {
    Send(10);
    Pull();
    now = now + round_trip;
    Feed(Ack(tcb().snd_max().value()));
  }
};

TEST_F(RttSamples, NoneCountsForMoreThanThirtySeconds_R190) {
  params = ChimneyProfile();
  params.rto_initial = Duration::Seconds(60);  // no retransmission before
  StartQuiet();
  Sample(Duration::Seconds(45));
  EXPECT_EQ(tcb().rtt.srtt, Duration::Seconds(30));
  EXPECT_EQ(tcb().rtt.rttvar, Duration::Seconds(15));
  Sample(Duration::Seconds(55));
  EXPECT_EQ(tcb().rtt.srtt, Duration::Seconds(30));
  EXPECT_EQ(tcb().rtt.rttvar, Duration::Micros(11'250'000));
}

TEST_F(RttSamples, TheFloorIs300Milliseconds_R190) {
  params = ChimneyProfile();
  StartQuiet();
  for (int i = 0; i < 30; ++i) Sample(Duration::Micros(100));
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Millis(300));
  Send(10);
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Millis(300));
  FireNext();
  EXPECT_EQ(PullOne().payload.size(), 10u);
}

TEST_F(RttSamples, TheCeilingIs60Seconds_R190) {
  params = ChimneyProfile();
  params.rto_initial = Duration::Seconds(60);
  StartQuiet();
  Sample(Duration::Seconds(30));  // 30 s + 4 * 15 s
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Seconds(60));
  Send(10);
  Pull();
  for (int i = 0; i < 4; ++i) {  // Back-off goes no further.
    EXPECT_EQ(UntilDeadline(), Duration::Seconds(60));
    FireNext();
    Pull();
  }
}

TEST_F(RttSamples, LinuxKeepsWithin200MillisecondsAnd120Seconds_R190) {
  StartQuiet();
  for (int i = 0; i < 40; ++i) Sample(Duration::Micros(100));
  // The minimum is added to srtt, not put below the sum.
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Micros(200'100));
  state.delegated.srtt = Duration::Seconds(30);
  state.delegated.rttvar = Duration::Seconds(30);
  Discard(tcb());
  StartQuiet();
  EXPECT_EQ(RetransmitTimeout(tcb()), Duration::Seconds(120));
}

// Both estimates converge on a path that does not vary.
TEST_F(RttSamples, FollowTheFormulaSampleBySample_R190) {
  params = ChimneyProfile();
  StartQuiet();
  double srtt = 0;
  double rttvar = 0;
  for (const int ms : {100, 180, 60, 240, 100, 100, 400, 90}) {
    Sample(Duration::Millis(ms));
    const double m = ms * 1e6;
    rttvar = srtt == 0 ? m / 2 : 0.75 * rttvar + 0.25 * std::abs(srtt - m);
    srtt = srtt == 0 ? m : 0.875 * srtt + 0.125 * m;
    EXPECT_NEAR(static_cast<double>(tcb().rtt.srtt.nanos()), srtt, 100);
    EXPECT_NEAR(static_cast<double>(tcb().rtt.rttvar.nanos()), rttvar, 100);
    const double rto = std::clamp(srtt + 4 * rttvar, 300e6, 60e9);
    EXPECT_NEAR(static_cast<double>(RetransmitTimeout(tcb()).nanos()), rto,
                500);
    const TcpDelegatedState shown = Query(tcb(), now).delegated;
    EXPECT_EQ(shown.srtt, tcb().rtt.srtt);
    EXPECT_EQ(shown.rttvar, tcb().rtt.rttvar);
  }
}

// Without timestamps no new segment is timed while lost ones go again. The one
// that was sent once and is reported ends the back-off all the same: that is
// all that Karn asks for (RFC 6298 sections 3 and 5).
TEST_F(RttSamples, WhatWasSentOnceEndsABackOff) {
  params = ChimneyProfile();
  params.quick_ack_segments = 0;
  state.constant.timestamps_enabled = false;
  state.constant.sack_enabled = true;
  state.delegated.srtt = Duration::Millis(50);
  state.delegated.rttvar = Duration::Millis(1);
  state.delegated.cwnd = 4 * kMss;
  StartQuiet();
  Send(4 * kMss);
  ASSERT_EQ(Pull().size(), 4u);
  FireNext();
  Pull();
  ASSERT_EQ(tcb().timers.backoff, 1u);
  // The third one of the first flight comes late; it was not sent again yet.
  const uint32_t third = kOurs + 2 * kMss;
  Feed(WithSack(Ack(kOurs), {{third, third + kMss}}));
  EXPECT_EQ(tcb().timers.backoff, 0u);
  EXPECT_GT(tcb().rtt.srtt, Duration::Millis(50));
}

}  // namespace
}  // namespace chimney::tcp
