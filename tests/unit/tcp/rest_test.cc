// SPDX-License-Identifier: BSD-3-Clause
// A connection at rest keeps nothing that a rest does without, and what it gave
// back serves the next one as if it were new.
#include "tests/support/state_comparison.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Rest : public EngineTest {
 protected:
  void SetUp() override {
    state.constant.sack_enabled = true;
    state.delegated.cwnd = 10 * kMss;
    state.delegated.srtt = Duration::Millis(100);
    state.delegated.rttvar = Duration::Millis(1);
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  void Answered(uint32_t bytes) {
    Send(bytes);
    Pull();
    now = now + Duration::Millis(100);
    Feed(Ack(tcb().snd_max().value()));
    Pull();
  }
  // cwnd limits it, its first segment is lost, and the repair ends it.
  void Repaired() {
    Send(11 * kMss);
    ASSERT_EQ(Pull().size(), 10u);
    now = now + Duration::Millis(100);
    for (uint32_t i = 2; i <= 10; ++i) {
      Feed(WithSack(Ack(kOurs), {{kOurs + kMss, kOurs + i * kMss}}));
      Pull();
    }
    now = now + Duration::Millis(100);
    Feed(Ack(kOurs + 11 * kMss));
    Pull();
    ASSERT_EQ(tcb().snd_una(), tcb().snd_max());
  }
  void ExpectNothingKept() {
    EXPECT_EQ(tcb().outgoing, nullptr);
    EXPECT_EQ(tcb().reassembly, nullptr);
    EXPECT_TRUE(NextTimer(tcb()).IsNever());
  }
};

TEST_F(Rest, FromTheBeginning) {
  ExpectNothingKept();
  EXPECT_EQ(tcb().history, nullptr);
}

TEST_F(Rest, AfterARequestAndItsAnswer) {
  Answered(10);
  Feed(Data(0, 100));
  Read();
  FlushOwedAck(tcb());
  Pull();
  ExpectNothingKept();
  EXPECT_EQ(tcb().history, nullptr);
}

TEST_F(Rest, AfterAWindowUpdateAndAnOldAck) {
  Feed(Ack(kOurs, 100));
  Feed(Ack(kOurs - 1));
  Pull();
  ExpectNothingKept();
}

TEST_F(Rest, AfterAHoleWasFilled) {
  Feed(Data(100, 100));
  EXPECT_NE(tcb().reassembly, nullptr);
  Feed(Data(0, 100));
  Pull();
  Read();
  Pull();
  ExpectNothingKept();
}

// Both kinds of probe that hosts send (RFC 9293 section 3.8.4).
TEST_F(Rest, AfterKeepalivesOfThePeer) {
  for (const uint32_t garbage_bytes : {0u, 1u}) {
    WireSegment probe = Ack(kOurs);
    probe.seq = kTheirs - 1;
    probe.payload.resize(garbage_bytes);
    Feed(probe);
    EXPECT_EQ(Pull().size(), 1u);
    now = now + Duration::Seconds(75);
    ExpectNothingKept();
    EXPECT_EQ(tcb().history, nullptr);
  }
}

TEST_F(Rest, AfterARecovery) {
  Repaired();
  ExpectNothingKept();
}

// A worker asks for as many completed sends as there is room to tell of.
TEST_F(Rest, AfterTheLastCompletedSend) {
  Send(10);
  OutSegment segment;
  while (NextSegment(tcb(), now, &segment)) {
  }
  Feed(Ack(kOurs + 10));
  SendRecord* record = NextCompletedSend(tcb());
  ASSERT_NE(record, nullptr);
  host_->send_memory().Retire(record);
  ExpectNothingKept();
}

// RFC 7661: what cwnd held back before lets no window grow that a small request
// does not fill.
TEST_F(Rest, ASmallRequestAfterARecoveryGrowsNothing) {
  Repaired();
  const uint32_t cwnd = tcb().snd.cwnd;
  Answered(10);
  EXPECT_EQ(tcb().snd.cwnd, cwnd);
}

// Nor while a completed send waits to be asked for, which keeps its memory.
TEST_F(Rest, ASmallRequestBeforeItsCompletionsGrowsNothing) {
  Send(11 * kMss);
  OutSegment segment;
  while (NextSegment(tcb(), now, &segment)) {
  }
  now = now + Duration::Millis(100);
  for (uint32_t i = 2; i <= 10; ++i) {
    Feed(WithSack(Ack(kOurs), {{kOurs + kMss, kOurs + i * kMss}}));
    while (NextSegment(tcb(), now, &segment)) {
    }
  }
  now = now + Duration::Millis(100);
  Feed(Ack(kOurs + 11 * kMss));
  EXPECT_FALSE(Sending().cwnd_limited);
  const uint32_t cwnd = tcb().snd.cwnd;
  Send(10);
  while (NextSegment(tcb(), now, &segment)) {
  }
  Feed(Ack(kOurs + 11 * kMss + 10));
  EXPECT_EQ(tcb().snd.cwnd, cwnd);
}

// RFC 8985 section 7.4: whether a probe that was sent twice arrived twice shows
// in what the peer says later. It says nothing.
TEST_F(Rest, AMinuteOfItGivesUpATailProbe) {
  state.delegated.srtt = Duration::Millis(20);
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(2 * kMss);
  ASSERT_EQ(Pull().size(), 2u);
  FireNext();
  ASSERT_EQ(Pull().size(), 1u);
  ASSERT_EQ(tcb().trouble_counters().tail_probes, 1u);
  Feed(Ack(kOurs + 2 * kMss));
  Pull();
  EXPECT_TRUE(Sending().recovery.probe_outstanding);
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
  now = NextDeadline(tcb());
  OnTimer(tcb(), now);
  ExpectNothingKept();
  EXPECT_EQ(tcb().history, nullptr);
}

TEST_F(Rest, WhatIsOnItsWayKeepsThePast) {
  Repaired();
  Send(10);
  Pull();
  while (UntilDeadline() <= Duration::Seconds(60)) {
    FireNext();
    Pull();
  }
  EXPECT_EQ(NextDeadline(tcb()), NextTimer(tcb()));
}

TEST_F(Rest, AMinuteOfItForgetsThePath) {
  Repaired();
  EXPECT_EQ(tcb().trouble_counters().fast_retransmits, 1u);
  const Instant rested_since = tcb().snd.last_sent_at;
  const TcpState before = Query(tcb(), now);
  EXPECT_EQ(NextDeadline(tcb()), rested_since + Duration::Seconds(60));
  now = NextDeadline(tcb()) - Duration::Nanos(1);
  OnTimer(tcb(), now);
  EXPECT_NE(tcb().history, nullptr);
  now = now + Duration::Nanos(1);
  EXPECT_EQ(OnTimer(tcb(), now).events, 0u);
  EXPECT_EQ(tcb().history, nullptr);
  EXPECT_TRUE(NextDeadline(tcb()).IsNever());
  // What crosses a hand-over is no part of it.
  const TcpState after = Query(tcb(), now);
  EXPECT_EQ(before.delegated.cwnd, after.delegated.cwnd);
  EXPECT_EQ(before.delegated.ssthresh, after.delegated.ssthresh);
  EXPECT_EQ(before.delegated.srtt, after.delegated.srtt);
  Answered(10);
  EXPECT_EQ(tcb().outgoing, nullptr);
}

// RFC 5961 section 10: nobody is answered more often for it.
TEST_F(Rest, ALimitOfChallengesIsNotForgottenBeforeItIsOver) {
  now = now + Duration::Seconds(3600);
  WireSegment reset = Ack(kOurs);
  reset.seq += 10;
  reset.flags = testing::kRst;
  Feed(reset);
  EXPECT_EQ(Pull().size(), 1u);
  OnTimer(tcb(), now);
  Feed(reset);
  EXPECT_EQ(Pull().size(), 0u);
  WireSegment syn = Ack(kOurs);
  syn.seq += 10;
  syn.flags = testing::kSyn;
  for (const size_t answers : {1u, 0u}) {
    Feed(syn);
    EXPECT_EQ(Pull().size(), answers);
    OnTimer(tcb(), now);
  }
}

// What a connection with losses gave back is used by one that has seen nothing,
// and that one does as the one that got new parts.
TEST_F(Rest, WhatWasGivenBackServesTheNextAsNew) {
  Repaired();
  Feed(Data(100, 100));
  Feed(Data(0, 100));
  Read();
  Pull();
  ExpectNothingKept();
  host_->Discard();
  testing::TestTcb fresh(params, memory);
  ASSERT_TRUE(host_->Import(now, state));
  ASSERT_TRUE(fresh.Import(now, state));
  const auto expect_alike = [&](int step) {
    EXPECT_EQ(host_->Pull(now).size(), fresh.Pull(now).size()) << step;
    EXPECT_EQ(
        testing::Difference(Query(host_->tcb(), now), Query(fresh.tcb(), now)),
        "")
        << step;
    EXPECT_EQ(NextDeadline(host_->tcb()), NextDeadline(fresh.tcb())) << step;
  };
  for (testing::TestTcb* one : {host_.get(), &fresh}) {
    OnSend(one->tcb(), now, one->send_memory().Make(Stream(5000), 0, true));
  }
  expect_alike(1);
  for (int step = 2; step < 8; ++step) {
    now = now + Duration::Millis(10);
    const WireSegment report = WithSack(
        Ack(kOurs), {{kOurs + kMss, kOurs + kMss + 100u * uint32_t(step)}});
    for (testing::TestTcb* one : {host_.get(), &fresh}) one->Feed(now, report);
    expect_alike(step);
  }
  now = now + Duration::Seconds(1);
  for (testing::TestTcb* one : {host_.get(), &fresh}) OnTimer(one->tcb(), now);
  expect_alike(8);
}

// A count and a time of the giver's that mean something only while bytes are
// on their way.
TEST_F(Rest, AfterAnImportWithNothingInFlight_R192) {
  state.delegated.dup_ack_count = 2;
  state.delegated.total_rt = Duration::Millis(700);
  Start();
  FlushOwedAck(tcb());
  Pull();
  ExpectNothingKept();
}

TEST_F(Rest, DuplicatesOfTheGiverStartNoRecoveryOfWhatIsNew_R192) {
  params = ChimneyProfile();
  state.constant.sack_enabled = false;
  state.delegated.dup_ack_count = 2;
  state.delegated.ssthresh = 1u << 30;
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(5 * kMss);
  Pull();
  Feed(Ack(kOurs));
  EXPECT_EQ(tcb().snd.ssthresh, 1u << 30);
}

TEST_F(Rest, TimeOfTheGiverEndsNothingThatIsNew_R75) {
  state.delegated.total_rt = Duration::Seconds(10);
  state.cached.max_rt = Duration::Seconds(5);
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(10);
  Pull();
  EXPECT_FALSE(Has(FireNext(), kEventStopped));
  EXPECT_EQ(Pull().size(), 1u);
}

TEST_F(Rest, WhatIsStoppedOrClosedForgetsNothingByItself) {
  for (const bool stops : {true, false}) {
    Start();
    FlushOwedAck(tcb());
    Pull();
    Repaired();
    ASSERT_NE(tcb().history, nullptr);
    ASSERT_FALSE(NextDeadline(tcb()).IsNever());
    WireSegment last = Ack(tcb().snd_max().value());
    last.flags = stops ? testing::kUrg | testing::kAck : testing::kRst;
    last.payload = Bytes(stops ? 1 : 0);
    Feed(last);
    EXPECT_TRUE(NextDeadline(tcb()).IsNever()) << stops;
  }
}

}  // namespace
}  // namespace chimney::tcp
