// SPDX-License-Identifier: BSD-3-Clause
// The closed window by the rule book's numbers: rounds, their fields, giving
// up, and hand-overs in the middle (R195-R197).
#include <utility>

#include "tcp/rtt.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

constexpr Duration kRto = Duration::Millis(400);

class PersistRounds : public EngineTest {
 protected:
  // srtt + 4 * rttvar is 400 ms; the window is closed and 3,000 bytes wait.
  void StartClosed() {
    params = ChimneyProfile();
    state.delegated.srtt = Duration::Millis(200);
    state.delegated.rttvar = Duration::Millis(50);
    Start();
    FlushOwedAck(tcb());
    Pull();
    Feed(Ack(kOurs, 0));
    Send(3000);
    EXPECT_TRUE(Pull().empty());
    ASSERT_EQ(RetransmitTimeout(tcb()), kRto);
  }
  // The timer fires and one probe leaves, the first byte that waits.
  void Probe() {
    FireNext();
    const WireSegment probe = PullOne();
    EXPECT_EQ(probe.seq, kOurs);
    EXPECT_EQ(probe.payload, Stream(1));
  }
  void ExpectFields(int round, int count, Duration delta) {
    const TcpDelegatedState shown = Query(tcb(), now).delegated;
    EXPECT_EQ(shown.snd_wnd, 0u);
    EXPECT_EQ(shown.snd_wnd_probe_count, round);
    EXPECT_EQ(shown.retransmit.count, count);
    EXPECT_TRUE(shown.retransmit.running);
    EXPECT_EQ(shown.retransmit.delta, delta);
  }
  // Moves the connection to the host and back, some time of which is lost.
  void HandOver() {
    Exported out;
    Export(tcb(), now, &out);
    ASSERT_TRUE(Import(tcb(), now, out.state, out.send_data, out.receive_data));
    Check();
    FlushOwedAck(tcb());
    for (const WireSegment& segment : Pull()) {
      EXPECT_TRUE(segment.payload.empty());
    }
  }
};

TEST_F(PersistRounds, ASilentPeerIsProbedAfterOneOneTwoFourTimeouts_R195) {
  StartClosed();
  ExpectFields(0, 0, kRto);
  for (const int units : {1, 1, 2, 4, 8}) {
    EXPECT_EQ(UntilDeadline(), kRto * units);
    Probe();
  }
  ExpectFields(0, 5, kRto * 16);
}

TEST_F(PersistRounds, AnAnswerStartsTheNextRound_R195) {
  StartClosed();
  Probe();
  Probe();
  ExpectFields(0, 2, kRto * 2);
  Feed(Ack(kOurs, 0));
  // RTO << SndWndProbeCount, then RTO << Count from the start.
  ExpectFields(1, 0, kRto * 2);
  Probe();
  ExpectFields(1, 1, kRto);
  Probe();
  ExpectFields(1, 2, kRto * 2);
  Feed(Ack(kOurs, 0));
  ExpectFields(2, 0, kRto * 4);
}

TEST_F(PersistRounds, AnOpeningEndsTheModeWithAllItsFields_R195) {
  StartClosed();
  Probe();
  Feed(Ack(kOurs, 0));
  Probe();
  Feed(Ack(kOurs, 65535));
  EXPECT_EQ(Pull()[0].payload, Stream(kMss));
  const TcpDelegatedState shown = Query(tcb(), now).delegated;
  EXPECT_EQ(shown.snd_wnd_probe_count, 0);
  EXPECT_EQ(shown.retransmit.count, 0);
  EXPECT_EQ(shown.retransmit.delta, kRto);  // the retransmission timer now
}

TEST_F(PersistRounds, AHandOverInTheMiddleGoesOnWhereItWas_R195_R53) {
  StartClosed();
  Probe();
  Feed(Ack(kOurs, 0));
  now = now + Duration::Millis(300);
  HandOver();
  ExpectFields(1, 0, Duration::Millis(500));
  Probe();
  now = now + Duration::Millis(150);
  HandOver();
  ExpectFields(1, 1, Duration::Millis(250));
  Probe();
  ExpectFields(1, 2, kRto * 2);
  Feed(Ack(kOurs, 0));
  ExpectFields(2, 0, kRto * 4);
}

TEST_F(PersistRounds, IntervalsStopGrowingAtSixtySeconds_R190_R195) {
  StartClosed();
  for (int round = 0; round < 12; ++round) {
    EXPECT_LE(UntilDeadline(), Duration::Seconds(60));
    Probe();
    Feed(Ack(kOurs, 0));
  }
  ExpectFields(12, 0, Duration::Seconds(60));
}

TEST_F(PersistRounds, MoreUnansweredProbesThanTheLimitGiveUp_R196) {
  StartClosed();
  for (int i = 0; i <= params.max_retransmissions; ++i) Probe();
  const Outcome outcome = FireNext();
  EXPECT_EQ(outcome.stop, StopReason::kPersistTimeout);
  EXPECT_TRUE(Has(outcome, kEventStopped));
  EXPECT_TRUE(Pull().empty());
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
  // It is handed back as it is, data and all.
  EXPECT_EQ(tcb().state(), ConnectionState::kEstablished);
  EXPECT_EQ(tcb().unacked_send_bytes(), 3000u);
}

// RFC 9293 section 3.8.6.1: while the peer answers, the window may stay closed.
TEST_F(PersistRounds, AnsweredProbesNeverGiveUp_R196) {
  StartClosed();
  for (int i = 0; i < 100; ++i) {
    Probe();
    Feed(Ack(kOurs, 0));
  }
  EXPECT_EQ(tcb().state(), ConnectionState::kEstablished);
}

TEST_F(PersistRounds, AProbeIsOneNewByte_R197) {
  StartClosed();
  Probe();
  EXPECT_EQ(tcb().snd_max(), SeqNum(kOurs + 1));
  Feed(Ack(kOurs + 1, 0));  // The peer took it.
  FireNext();
  const WireSegment next = PullOne();
  EXPECT_EQ(next.seq, kOurs + 1);
  EXPECT_EQ(next.payload, Stream(1, 1));
}

TEST_F(PersistRounds, TheFirstProbeWaitsForTheTimeoutOfTheRoundTrip_R197) {
  state.delegated.srtt = Duration::Millis(20);
  state.delegated.rttvar = Duration::Millis(5);
  for (const auto& [profile, rto] :
       {std::pair{ChimneyProfile(), Duration::Millis(300)},
        std::pair{LinuxProfile(), Duration::Millis(220)}}) {
    params = profile;
    written_ = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Feed(Ack(kOurs, 0));
    Send(10);
    EXPECT_EQ(UntilDeadline(), rto);
    Close(true);
    Pull();
  }
}

}  // namespace
}  // namespace chimney::tcp
