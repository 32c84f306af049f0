// SPDX-License-Identifier: BSD-3-Clause
// Forged RST and SYN: what they get, and how the connection then makes sure
// that its peer is alive (R157-R160).
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kWindow = 10000;
constexpr Duration kFiveMinutes = Duration::Seconds(300);

class BlindAttack : public EngineTest {
 protected:
  void StartQuiet() {
    params.quick_ack_segments = 0;
    state.delegated.rcv_wnd = kWindow;
    state.cached.initial_rcv_wnd = kWindow;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  WireSegment At(uint32_t offset, uint8_t flags) {
    WireSegment segment = Ack(kOurs);
    segment.seq = tcb().rcv_nxt().value() + offset;
    segment.flags = flags;
    return segment;
  }
  SegmentReason Rst(uint32_t offset) {
    return Feed(At(offset, testing::kRst)).reason;
  }
  SegmentReason Syn(uint32_t offset) {
    return Feed(At(offset, testing::kSyn)).reason;
  }
  // Fires the keepalive timer until the connection is given up; how many
  // probes left before that.
  int ProbesUntilGivenUp(Duration interval) {
    int probes = 0;
    while (!Has(FireNext(), kEventStopped)) {
      EXPECT_EQ(PullOne().seq, kOurs - 1);
      ++probes;
      EXPECT_EQ(UntilDeadline(), interval);
    }
    return probes;
  }
};

TEST_F(BlindAttack, ASynInTimeWaitIsTheHosts_R157) {
  state.delegated.state = ConnectionState::kFinWait2;
  StartQuiet();
  Feed(At(0, testing::kFin | testing::kAck));
  Pull();
  ASSERT_EQ(tcb().state(), ConnectionState::kTimeWait);
  EXPECT_EQ(Syn(0), SegmentReason::kStateTimeWait);
  EXPECT_EQ(Syn(100000), SegmentReason::kStateTimeWait);
  EXPECT_EQ(FateOf(SegmentReason::kStateTimeWait), SegmentFate::kForHost);
  EXPECT_EQ(tcb().state(), ConnectionState::kTimeWait);
  EXPECT_TRUE(Pull().empty());
}

TEST_F(BlindAttack, WhatComesAfterTheResetIsTheHosts_R161) {
  StartQuiet();
  Rst(0);
  EXPECT_EQ(Feed(Data(0, 10)).reason, SegmentReason::kStateClosed);
  EXPECT_EQ(FateOf(SegmentReason::kStateClosed), SegmentFate::kForHost);
  EXPECT_TRUE(Pull().empty());
}

TEST_F(BlindAttack, OneChallengeAPeriodThoughTheKeepaliveFails_R158) {
  params = ChimneyProfile();
  state.cached.ka_probe_count = 1;
  StartQuiet();
  EXPECT_EQ(Rst(1), SegmentReason::kRstChallenged);
  EXPECT_EQ(PullOne().ack, kTheirs);
  now = now + Duration::Seconds(299);
  EXPECT_EQ(Rst(1), SegmentReason::kRstThrottled);
  EXPECT_EQ(Rst(kWindow - 1), SegmentReason::kRstThrottled);
  EXPECT_TRUE(Pull().empty());
  FireNext();
  PullOne();
  EXPECT_EQ(FireNext().stop, StopReason::kKeepaliveTimeout);
}

TEST_F(BlindAttack, SynsInTheWindowAreChallengedEveryThreeSeconds_R159) {
  params = ChimneyProfile();
  StartQuiet();
  EXPECT_EQ(Syn(1), SegmentReason::kSynChallenged);
  EXPECT_EQ(PullOne().ack, kTheirs);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Syn(1), SegmentReason::kSynThrottled);
    EXPECT_EQ(Syn(kWindow - 1), SegmentReason::kSynThrottled);
  }
  now = now + Duration::Seconds(3) - Duration::Nanos(1);
  EXPECT_EQ(Syn(1), SegmentReason::kSynThrottled);
  EXPECT_TRUE(Pull().empty());
  now = now + Duration::Nanos(1);
  EXPECT_EQ(Syn(1), SegmentReason::kSynChallenged);
  EXPECT_EQ(PullOne().ack, kTheirs);
}

TEST_F(BlindAttack, SynsOutsideTheWindowAreChallengedEachTime_R159) {
  params = ChimneyProfile();
  StartQuiet();
  for (int i = 0; i < 20; ++i) {
    for (const uint32_t offset : {0xFFFFFFFFu, kWindow, 1u << 30}) {
      EXPECT_EQ(Syn(offset), SegmentReason::kSynChallenged);
      EXPECT_EQ(PullOne().ack, kTheirs);
    }
  }
  // They leave the keepalive timer alone (R160).
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

TEST_F(BlindAttack, AnIdleConnectionAsksAfterFiveMinutesTenTimes_R160) {
  state.cached.ka_interval = Duration();
  state.cached.ka_probe_count = 0;
  for (const bool by_syn : {false, true}) {
    StartQuiet();
    by_syn ? Syn(1) : Rst(1);
    PullOne();
    EXPECT_EQ(UntilDeadline(), kFiveMinutes);
    EXPECT_EQ(ProbesUntilGivenUp(Duration::Seconds(1)), 10);
    EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
    Discard(tcb());
  }
}

TEST_F(BlindAttack, ALaterKeepaliveIsBroughtIn_R160) {
  state.cached.keepalive_enabled = true;
  state.cached.ka_timeout = Duration::Seconds(7200);
  StartQuiet();
  Rst(1);
  PullOne();
  EXPECT_EQ(UntilDeadline(), kFiveMinutes);
}

TEST_F(BlindAttack, AnEarlierKeepaliveIsLeftAlone_R160) {
  state.cached.keepalive_enabled = true;
  state.cached.ka_timeout = Duration::Seconds(299);
  StartQuiet();
  Rst(1);
  PullOne();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(299));
}

TEST_F(BlindAttack, AnAnswerResumesTheNormalKeepalive_R160) {
  state.cached.keepalive_enabled = true;
  state.cached.ka_timeout = Duration::Seconds(7200);
  StartQuiet();
  Syn(1);
  FireNext();
  Pull();
  Feed(Ack(kOurs));
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(7200));
  EXPECT_EQ(Query(tcb(), now).delegated.keepalive.count, 0);
}

TEST_F(BlindAttack, AnUnacceptableSegmentIsNoAnswer_R160) {
  StartQuiet();
  Rst(1);
  PullOne();
  now = now + Duration::Seconds(100);
  Feed(At(kWindow + 1, testing::kAck));
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(200));
}

TEST_F(BlindAttack, AnotherAttackDoesNotPutTheProbesOff_R160) {
  StartQuiet();
  Rst(1);
  now = now + Duration::Seconds(100);
  Rst(1);
  Syn(1);
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(200));
}

TEST_F(BlindAttack, TheCountOfTheHostCounts_R160) {
  state.cached.ka_interval = Duration::Seconds(2);
  state.cached.ka_probe_count = 5;
  state.delegated.keepalive = {true, Duration::Seconds(60), 3};
  StartQuiet();
  Rst(1);
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(60));
  EXPECT_EQ(ProbesUntilGivenUp(Duration::Seconds(2)), 2);
}

TEST_F(BlindAttack, AnUploadTellsHowFarItCame_R160) {
  state.cached.ka_interval = Duration::Seconds(10);
  StartQuiet();
  Rst(1);
  Pull();
  now = now + Duration::Seconds(60);
  TimerState shown = Query(tcb(), now).delegated.keepalive;
  EXPECT_TRUE(shown.running);
  EXPECT_EQ(shown.delta, Duration::Seconds(240));
  EXPECT_EQ(shown.count, 0);
  FireNext();
  Pull();
  FireNext();
  Pull();
  now = now + Duration::Seconds(4);
  Exported out;
  Export(tcb(), now, &out);
  shown = out.state.delegated.keepalive;
  EXPECT_TRUE(shown.running);
  EXPECT_EQ(shown.delta, Duration::Seconds(6));
  EXPECT_EQ(shown.count, 2);
}

TEST_F(BlindAttack, DataWithAnAckThatCannotBeIsChallengedNowAndThen_RFC5961_7) {
  StartQuiet();
  size_t answers = 0;
  const auto forge = [&](uint32_t ack) {
    WireSegment forged = Data(0, 1);
    forged.ack = ack;
    Feed(forged);
    answers += Pull().size();
  };
  for (uint32_t i = 0; i < 1000; ++i) forge(kOurs + 1 + i);
  for (uint32_t i = 0; i < 1000; ++i) forge(kOurs - 0x40000000 + i);
  EXPECT_EQ(answers, 1u);
  now = now + params.challenge_ack_interval;
  forge(kOurs + 0x40000000);
  EXPECT_EQ(answers, 2u);
}

TEST_F(BlindAttack, WhatIsDroppedForItsAckIsReportedToNobody_RFC2883) {
  state.constant.sack_enabled = true;
  StartQuiet();
  Feed(Data(0, 100));
  FlushOwedAck(tcb());
  Pull();
  WireSegment forged = Data(0, 200);
  forged.flags = 0;
  EXPECT_EQ(Feed(forged).reason, SegmentReason::kAckFlagMissing);
  EXPECT_EQ(tcb().reassembly, nullptr);
  Feed(Data(100, 100));
  FlushOwedAck(tcb());
  EXPECT_TRUE(PullOne().sack.empty());
}

}  // namespace
}  // namespace chimney::tcp
