// SPDX-License-Identifier: BSD-3-Clause
// Keepalive by the rule book's words: when, how often, how far (R198).
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class KeepaliveProbes : public EngineTest {
 protected:
  void StartAlive(uint8_t probes) {
    state.cached.keepalive_enabled = true;
    state.cached.ka_timeout = Duration::Seconds(60);
    state.cached.ka_interval = Duration::Seconds(5);
    state.cached.ka_probe_count = probes;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
};

TEST_F(KeepaliveProbes, NobodyIsAskedUnlessItIsEnabled_R198) {
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  EXPECT_FALSE(state.cached.keepalive_enabled);
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
  FireAfter(Duration::Seconds(100'000));
  EXPECT_TRUE(Pull().empty());
}

TEST_F(KeepaliveProbes, WhateverThePeerSendsPutsItOff_R198) {
  StartAlive(2);
  now = now + Duration::Seconds(59);
  Feed(Data(0, 10));
  FlushOwedAck(tcb());
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(60));
}

TEST_F(KeepaliveProbes, EachProbeIsAnIntervalAfterTheLast_R198) {
  StartAlive(5);
  const Instant begin = now;
  for (int i = 0; i < 5; ++i) {
    FireNext();
    EXPECT_EQ(now - begin, Duration::Seconds(60 + 5 * i));
    PullOne();
  }
  const Outcome last = FireNext();
  EXPECT_EQ(now - begin, Duration::Seconds(60 + 5 * 5));
  EXPECT_EQ(last.stop, StopReason::kKeepaliveTimeout);
  EXPECT_TRUE(Pull().empty());
}

TEST_F(KeepaliveProbes, TwoOfTheHostsProbesLeaveSevenOfNine_R198_R53) {
  state.delegated.keepalive = {true, Duration::Seconds(1), 2};
  StartAlive(9);
  int probes = 0;
  while (!Has(FireNext(), kEventStopped)) {
    PullOne();
    ++probes;
  }
  EXPECT_EQ(probes, 7);
}

TEST_F(KeepaliveProbes, TheUploadTellsCountAndDelta_R198_R101) {
  StartAlive(9);
  for (int i = 0; i < 3; ++i) {
    FireNext();
    PullOne();
  }
  now = now + Duration::Seconds(2);
  Exported out;
  Export(tcb(), now, &out);
  const TimerState shown = out.state.delegated.keepalive;
  EXPECT_TRUE(shown.running);
  EXPECT_EQ(shown.count, 3);
  EXPECT_EQ(shown.delta, Duration::Seconds(3));
}

TEST_F(KeepaliveProbes, AProbeIsAnOldNumberWithoutText_R198) {
  StartAlive(2);
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(60));
  FireNext();
  const WireSegment probe = PullOne();
  EXPECT_EQ(probe.seq, kOurs - 1);
  EXPECT_EQ(probe.ack, kTheirs);
  EXPECT_EQ(probe.flags, testing::kAck);
  EXPECT_TRUE(probe.payload.empty());
}

TEST_F(KeepaliveProbes, AnAnswerStartsTheIdleTimeOver_R198) {
  StartAlive(2);
  FireNext();
  PullOne();
  FireNext();
  PullOne();
  Feed(Ack(kOurs));
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(60));
  EXPECT_EQ(Query(tcb(), now).delegated.keepalive.count, 0);
}

}  // namespace
}  // namespace chimney::tcp
