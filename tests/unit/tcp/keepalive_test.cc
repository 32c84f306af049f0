// SPDX-License-Identifier: BSD-3-Clause
// Keepalive (R73, R74, R198).
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Keepalive : public EngineTest {
 protected:
  void StartAlive() {
    state.cached.keepalive_enabled = true;
    state.cached.ka_timeout = Duration::Seconds(60);
    state.cached.ka_interval = Duration::Seconds(5);
    state.cached.ka_probe_count = 2;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
};

TEST_F(Keepalive, ProbesBelowSndUnaAfterTheIdleTime_R198) {
  StartAlive();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(60));
  FireNext();
  const WireSegment probe = PullOne();
  EXPECT_EQ(probe.seq, kOurs - 1);
  EXPECT_TRUE(probe.payload.empty());
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(5));
  const TimerState shown = Query(tcb(), now).delegated.keepalive;
  EXPECT_EQ(shown.count, 1);
  EXPECT_EQ(shown.delta, Duration::Seconds(5));
}

TEST_F(Keepalive, AnAnswerStartsOver_R198) {
  StartAlive();
  FireNext();
  Pull();
  Feed(Ack(kOurs));
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(60));
}

TEST_F(Keepalive, ExhaustionClosesAndAsksForTheUpload_R198) {
  StartAlive();
  FireNext();
  PullOne();
  FireNext();
  PullOne();
  EXPECT_EQ(FireNext().stop, StopReason::kKeepaliveTimeout);
  EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
}

TEST_F(Keepalive, DataInFlightAskInstead) {
  StartAlive();
  Send(10);
  Pull();
  tcb().outgoing->timers.retransmit = now + Duration::Seconds(1000);
  FireNext();
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(5));
}

TEST_F(Keepalive, ResumesFromTheHost_R53_R198) {
  state.delegated.keepalive = {true, Duration::Seconds(3), 1};
  StartAlive();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(3));
  FireNext();
  EXPECT_EQ(Query(tcb(), now).delegated.keepalive.count, 2);
}

TEST_F(Keepalive, UpdateSwitchesItOffAndOn_R73) {
  StartAlive();
  TcpCachedState cached = tcb().cached;
  cached.keepalive_enabled = false;
  OnUpdate(tcb(), now, cached, 1500);
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
  EXPECT_FALSE(Query(tcb(), now).delegated.keepalive.running);
  cached.keepalive_enabled = true;
  cached.ka_timeout = Duration::Seconds(7);
  OnUpdate(tcb(), now, cached, 1500);
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(7));
}

TEST_F(Keepalive, AnIdleTimeThatAHostClaimsIsBounded) {
  state.cached.keepalive_enabled = true;
  state.cached.ka_timeout = Duration::Nanos(INT64_MAX);
  Start();
  EXPECT_GT(tcb().timers.keepalive, now);
}

}  // namespace
}  // namespace chimney::tcp
