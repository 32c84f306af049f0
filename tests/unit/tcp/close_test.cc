// SPDX-License-Identifier: BSD-3-Clause
// FIN both ways, TIME_WAIT, FIN_WAIT_2, RST: the state diagram of RFC 9293
// section 3.3.2 from ESTABLISHED on.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class CloseStates : public EngineTest {
 protected:
  WireSegment Fin(uint32_t ack) {
    WireSegment segment = Ack(ack);
    segment.flags |= testing::kFin;
    return segment;
  }
};

TEST_F(CloseStates, ActiveCloseReachesTimeWait_R170_R171_R176) {
  Start();
  Send(100);
  Close();
  const WireSegment last = PullOne();
  EXPECT_TRUE(last.Has(testing::kFin));  // Rides on the last data.
  EXPECT_EQ(last.payload.size(), 100u);
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait1);
  EXPECT_TRUE(Has(Feed(Ack(kOurs + 101)), kEventFinAcked));
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait2);
  EXPECT_TRUE(Has(Feed(Data(0, 10)), kEventReceiveReady));  // R200
  WireSegment fin = Fin(kOurs + 101);
  EXPECT_EQ(Feed(fin).reason, SegmentReason::kFinInOrder);
  EXPECT_TRUE(Has(last_, kEventTimeWait));
  EXPECT_TRUE(Has(last_, kEventFinReceived));
  EXPECT_EQ(PullOne().ack, kTheirs + 11);
  EXPECT_EQ(tcb().state(), ConnectionState::kTimeWait);
  EXPECT_EQ(Feed(fin).reason, SegmentReason::kStateTimeWait);
  EXPECT_FALSE(tcb().FinDue());  // Ten bytes are unread (R174).
  Read();
  EXPECT_TRUE(tcb().FinDue());
}

TEST_F(CloseStates, PassiveCloseEndsInClosed) {
  Start();
  EXPECT_EQ(Feed(Fin(kOurs)).reason, SegmentReason::kFinInOrder);
  EXPECT_EQ(PullOne().ack, kTheirs + 1);
  EXPECT_EQ(tcb().state(), ConnectionState::kCloseWait);
  Send(10);
  EXPECT_EQ(PullOne().payload.size(), 10u);
  Close();
  EXPECT_TRUE(PullOne().Has(testing::kFin));
  EXPECT_EQ(tcb().state(), ConnectionState::kLastAck);
  EXPECT_TRUE(Has(Feed(Ack(kOurs + 11)), kEventFinAcked));
  EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

TEST_F(CloseStates, SimultaneousCloseGoesThroughClosing) {
  Start();
  Close();
  Pull();
  EXPECT_FALSE(Has(Feed(Fin(kOurs)), kEventTimeWait));
  EXPECT_EQ(tcb().state(), ConnectionState::kClosing);
  PullOne();
  EXPECT_TRUE(Has(Feed(Ack(kOurs + 1)), kEventTimeWait));
  EXPECT_EQ(tcb().state(), ConnectionState::kTimeWait);
}

TEST_F(CloseStates, FinAndItsAckInOneSegment) {
  Start();
  Close();
  Pull();
  const Outcome outcome = Feed(Fin(kOurs + 1));
  EXPECT_TRUE(Has(outcome, kEventFinAcked));
  EXPECT_TRUE(Has(outcome, kEventTimeWait));
  EXPECT_EQ(PullOne().ack, kTheirs + 1);
}

TEST_F(CloseStates, TheFinDoesNotWaitForAcksOfData_R170) {
  Start();
  Send(10);
  Pull();
  Send(10);  // Held by Nagle ...
  EXPECT_TRUE(Pull().empty());
  Close();  // ... no longer.
  const WireSegment last = PullOne();
  EXPECT_TRUE(last.Has(testing::kFin));
  EXPECT_EQ(last.payload.size(), 10u);
}

TEST_F(CloseStates, ALostFinIsSentAgain) {
  Start();
  Close();
  Pull();
  FireNext();
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_TRUE(segments[0].Has(testing::kFin));
  EXPECT_EQ(segments[0].seq, kOurs);
}

TEST_F(CloseStates, RetransmittedFinIsAcknowledgedAgain) {
  Start();
  WireSegment fin = Fin(kOurs);
  Feed(fin);
  Pull();
  EXPECT_EQ(Feed(fin).reason, SegmentReason::kOldDuplicate);
  EXPECT_EQ(PullOne().ack, kTheirs + 1);
  EXPECT_EQ(Feed(Data(1, 10)).reason, SegmentReason::kDataAfterFin);
}

TEST_F(CloseStates, AnOutOfOrderFinWaitsForTheHole) {
  Start();
  WireSegment fin = Data(100, 50);
  fin.flags |= testing::kFin;
  EXPECT_EQ(Feed(fin).reason, SegmentReason::kFinOutOfOrder);
  EXPECT_FALSE(tcb().fin_received());
  EXPECT_TRUE(Has(Feed(Data(0, 100)), kEventFinReceived));
  EXPECT_EQ(PullOne().ack, kTheirs + 151);
  EXPECT_EQ(Read(), Stream(150));
}

TEST_F(CloseStates, DataBeyondAnOutOfOrderFinFlushTheQueue_R165) {
  Start();
  WireSegment fin = Data(100, 50);
  fin.flags |= testing::kFin;
  Feed(fin);
  EXPECT_EQ(Feed(Data(150, 10)).reason, SegmentReason::kDataBeyondHeldFin);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
  EXPECT_FALSE(Has(Feed(Data(0, 150)), kEventFinReceived));
}

TEST_F(CloseStates, DataQueuedBeyondAnInOrderFinGo_R164) {
  Start();
  Feed(Data(100, 50));
  WireSegment fin = Data(0, 100);
  fin.flags |= testing::kFin;
  EXPECT_EQ(Feed(fin).reason, SegmentReason::kFinInOrder);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
  EXPECT_EQ(PullOne().ack, kTheirs + 101);
  EXPECT_EQ(Read(), Stream(100));
}

TEST_F(CloseStates, FinWait2TimesOutIntoClosed_R177) {
  params = ChimneyProfile();
  Start();
  Close();
  Pull();
  Feed(Ack(kOurs + 1));
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(120));
  now = now + Duration::Seconds(10);
  Feed(Ack(kOurs + 1));  // Any acceptable segment restarts it.
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(120));
  EXPECT_EQ(FireNext().stop, StopReason::kFinWait2Timeout);
  EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
}

TEST_F(CloseStates, LinuxWaitsInFinWait2ForEver) {
  Start();
  Close();
  Pull();
  Feed(Ack(kOurs + 1));
  FlushOwedAck(tcb());
  Pull();
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

TEST_F(CloseStates, FinWait2ResumesFromTheHost_R53) {
  state.delegated.state = ConnectionState::kFinWait2;
  state.delegated.retransmit = {true, Duration::Seconds(4), 0};
  Start();
  FlushOwedAck(tcb());
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(4));
}

TEST_F(CloseStates, AbortiveDisconnectSendsOneRst_R169) {
  Start();
  Send(10);
  Pull();
  Send(5000);
  EXPECT_TRUE(Has(Close(true), kEventOutput));
  const WireSegment reset = PullOne();
  EXPECT_TRUE(reset.Has(testing::kRst));
  EXPECT_EQ(reset.seq, kOurs + 10);
  EXPECT_EQ(Feed(Data(0, 10)).reason, SegmentReason::kStateClosed);
  EXPECT_TRUE(Pull().empty());
  EXPECT_FALSE(Has(Close(true), kEventOutput));
}

TEST_F(CloseStates, SendsAfterACloseComeBackAborted) {
  Start();
  Close();
  Send(10);
  SendRecord* record = NextCompletedSend(tcb());
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(record->aborted);
}

TEST_F(CloseStates, ImportsEveryStateOfTheContract_R43) {
  using enum ConnectionState;
  for (const ConnectionState from :
       {kEstablished, kFinWait1, kFinWait2, kCloseWait, kClosing, kLastAck}) {
    state.delegated.state = from;
    const bool in_flight =
        from == kFinWait1 || from == kClosing || from == kLastAck;
    InFlight(in_flight ? 11 : 0);
    Start(from == kFinWait2 ? Bytes{} : Stream(10));
    EXPECT_EQ(tcb().state(), from);
    host_->Discard();
  }
}

TEST_F(CloseStates, RefusesOtherStatesAndContradictions_R43) {
  using enum ConnectionState;
  testing::TestTcb host(params);
  for (const ConnectionState from :
       {kClosed, kListen, kSynSent, kSynReceived, kTimeWait}) {
    state.delegated.state = from;
    EXPECT_FALSE(host.Import(now, state));
  }
  state.delegated.state = kEstablished;
  InFlight(11);
  EXPECT_FALSE(host.Import(now, state, Stream(10)));
  state.delegated.snd_nxt = SeqNum(kOurs - 1);
  EXPECT_FALSE(host.Import(now, state, Stream(100)));
  state = testing::StateAtRest();
  state.constant.snd_wind_scale = 15;
  EXPECT_FALSE(host.Import(now, state));
  state = testing::StateAtRest();
  state.delegated.state = kFinWait2;
  EXPECT_FALSE(host.Import(now, state, Stream(1)));
}

TEST_F(CloseStates, AFinThatNeverLeftCrossesAsQueued) {
  state.delegated.state = ConnectionState::kFinWait1;
  state.delegated.fin_queued = true;
  Start(Stream(10));
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_TRUE(segments[0].Has(testing::kFin));
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait1);
}

// R176: the connection is on its way back; there is nothing to probe for.
TEST_F(CloseStates, AnUpdateInTimeWaitStartsNoTimer) {
  Start();
  Close();
  Pull();
  Feed(Ack(kOurs + 1));
  Feed(Fin(kOurs + 1));
  Pull();
  ASSERT_EQ(tcb().state(), ConnectionState::kTimeWait);
  TcpCachedState cached = tcb().cached;
  cached.keepalive_enabled = true;
  cached.ka_timeout = Duration::Seconds(1);
  OnUpdate(tcb(), now, cached, 1500);
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

}  // namespace
}  // namespace chimney::tcp
