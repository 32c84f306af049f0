// SPDX-License-Identifier: BSD-3-Clause
// The closed send window (R195-R197).
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Persist : public EngineTest {
 protected:
  // The peer closes its window, then 3,000 bytes are written.
  void StartClosed() {
    Start();
    FlushOwedAck(tcb());
    Pull();
    Feed(Ack(kOurs, 0));
    Send(3000);
    EXPECT_TRUE(Pull().empty());
  }
};

TEST_F(Persist, AProbeOfOneNewByteAfterTheTimeout_R195_R197) {
  StartClosed();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(1));
  FireNext();
  const WireSegment probe = PullOne();
  EXPECT_EQ(probe.seq, kOurs);
  EXPECT_EQ(probe.payload, Stream(1));
  EXPECT_EQ(tcb().snd_max(), SeqNum(kOurs + 1));
}

TEST_F(Persist, UnansweredProbesBackOffThenGiveUp_R195_R196) {
  params.max_retransmissions = 2;
  StartClosed();
  FireNext();
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(1));
  FireNext();
  PullOne();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(2));
  FireNext();
  PullOne();
  EXPECT_EQ(FireNext().stop, StopReason::kPersistTimeout);
}

TEST_F(Persist, AnsweredProbesStartTheNextRound_R195) {
  StartClosed();
  for (int round = 1; round <= 3; ++round) {
    FireNext();
    PullOne();
    Feed(Ack(kOurs, 0));
    EXPECT_EQ(UntilDeadline(), Duration::Seconds(1 << round));
    const TcpDelegatedState shown = Query(tcb(), now).delegated;
    EXPECT_EQ(shown.snd_wnd_probe_count, round);
    EXPECT_EQ(shown.retransmit.count, 0);
    EXPECT_TRUE(shown.retransmit.running);
  }
}

// R195 ties the round counter to a window that something waits behind.
TEST_F(Persist, TheLastRoundEndsWithTheFin_R195) {
  StartClosed();
  Close();
  FireNext();
  PullOne();
  Feed(Ack(kOurs, 0));
  EXPECT_EQ(Query(tcb(), now).delegated.snd_wnd_probe_count, 1);
  // The window opens for the data, closes before the FIN.
  Feed(Ack(kOurs, 3000));
  Pull();
  Feed(Ack(kOurs + 3000, 0));
  FireNext();
  EXPECT_TRUE(PullOne().Has(testing::kFin));
  Feed(Ack(kOurs + 3001, 0));
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait2);
  const TcpDelegatedState shown = Query(tcb(), now).delegated;
  EXPECT_EQ(shown.snd_wnd_probe_count, 0);
  EXPECT_EQ(shown.retransmit.count, 0);
}

TEST_F(Persist, AnAcceptedProbeByteIsNotSentAgain) {
  StartClosed();
  FireNext();
  Pull();
  Feed(Ack(kOurs + 1, 0));
  FireNext();
  EXPECT_EQ(PullOne().payload, Stream(1, 1));
  Feed(Ack(kOurs + 2, 65535));
  const std::vector<WireSegment> segments = Pull();
  EXPECT_EQ(segments[0].seq, kOurs + 2);
  EXPECT_EQ(segments[0].payload, Stream(1460, 2));
}

TEST_F(Persist, ARefusedProbeByteIsSentAgainWithTheRest) {
  StartClosed();
  FireNext();
  Pull();
  Feed(Ack(kOurs, 65535));
  const std::vector<WireSegment> segments = Pull();
  EXPECT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].payload, Stream(1460));
  EXPECT_EQ(tcb().timers.retransmit_use, RetransmitUse::kRetransmit);
}

TEST_F(Persist, ProbesAreNoDuplicateAcks) {
  StartClosed();
  for (int i = 0; i < 5; ++i) {
    FireNext();
    Pull();
    Feed(Ack(kOurs, 0));
    EXPECT_TRUE(Pull().empty());
  }
  EXPECT_EQ(tcb().trouble_counters().fast_retransmits, 0u);
}

TEST_F(Persist, AWindowClosedOverDataInFlightIsProbedNotBlamed) {
  Start();
  FlushOwedAck(tcb());
  Send(2920);
  Pull();
  const uint32_t cwnd = tcb().snd.cwnd;
  Feed(Ack(kOurs + 1460, 0));
  EXPECT_TRUE(Pull().empty());
  FireNext();
  EXPECT_EQ(PullOne().payload, Stream(1, 1460));
  EXPECT_GE(tcb().snd.cwnd, cwnd);
  Feed(Ack(kOurs + 1460, 65535));
  EXPECT_EQ(PullOne().payload, Stream(1460, 1460));
}

TEST_F(Persist, AFinBehindAClosedWindowIsTheProbe) {
  Start();
  FlushOwedAck(tcb());
  Pull();
  Feed(Ack(kOurs, 0));
  Close();
  EXPECT_TRUE(Pull().empty());
  FireNext();
  const WireSegment probe = PullOne();
  EXPECT_TRUE(probe.Has(testing::kFin));
  EXPECT_EQ(probe.seq, kOurs);
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait1);
  Feed(Ack(kOurs + 1, 0));
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait2);
}

TEST_F(Persist, ResumesFromTheHost_R53) {
  state.delegated.snd_wnd = 0;
  state.delegated.snd_wnd_probe_count = 2;
  state.delegated.retransmit = {true, Duration::Millis(300), 1};
  Start(Stream(100));
  FlushOwedAck(tcb());
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Millis(300));
  FireNext();
  EXPECT_EQ(PullOne().payload.size(), 1u);
  Feed(Ack(kOurs, 0));
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(8));
}

// Both windows are closed and each end has taken the other's probe: what the
// peer sends is old by then, and so would be an answer at SND.UNA. Neither end
// would ever hear the other (RFC 9293 section 3.10.7.4).
TEST_F(Persist, TwoProbesTakenAtOnceAreAnsweredWhereThePeerHears_RFC9293) {
  StartClosed();
  FireNext();
  PullOne();
  WireSegment probe = Data(0, 1);
  probe.raw_window = 0;
  ASSERT_EQ(Feed(probe).reason, SegmentReason::kDataInOrder);
  FlushOwedAck(tcb());
  EXPECT_EQ(PullOne().seq, kOurs);  // the peer may have refused our byte
  // The peer has taken it, and asks again.
  probe.ack = kOurs + 1;
  EXPECT_EQ(Feed(probe).reason, SegmentReason::kOldDuplicate);
  const WireSegment answer = PullOne();
  EXPECT_EQ(answer.seq, kOurs + 1);
  EXPECT_EQ(answer.ack, kTheirs + 1);
  EXPECT_EQ(tcb().snd_una(), SeqNum(kOurs));
  // Heard of at last.
  Feed(Ack(kOurs + 1, 65535));
  EXPECT_EQ(tcb().snd_una(), SeqNum(kOurs + 1));
  EXPECT_FALSE(Pull().empty());
}

}  // namespace
}  // namespace chimney::tcp
