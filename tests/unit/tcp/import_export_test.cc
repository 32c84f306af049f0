// SPDX-License-Identifier: BSD-3-Clause
// Hand-overs: what the contract carries survives Export and Import.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class HandOver : public EngineTest {
 protected:
  // Exports and imports into the same store, as a failed upload is undone.
  TcpState Cycle() {
    Exported out;
    Export(tcb(), now, &out);
    EXPECT_TRUE(out.out_of_order.empty());
    EXPECT_TRUE(Import(tcb(), now, out.state, out.send_data, out.receive_data));
    Check();
    return out.state;
  }
};

TEST_F(HandOver, TheExampleStateComesBackUnchanged) {
  TcpDelegatedState& d = state.delegated;
  state.constant.timestamps_enabled = true;
  d.ts_recent = 77;
  d.ts_recent_age = Duration::Seconds(3);
  d.ts_time = 4242;
  d.srtt = Duration::Millis(30);
  d.rttvar = Duration::Millis(4);
  d.cwnd = 31000;
  d.ssthresh = 20000;
  d.total_rt = Duration::Millis(500);
  d.retransmit = {true, Duration::Millis(123), 2};
  d.rcv_wnd = 50000;
  d.dup_ack_count = 1;
  InFlight(300);
  Start(Stream(500), Stream(40));
  Exported out;
  Export(tcb(), now, &out);
  const TcpDelegatedState& e = out.state.delegated;
  EXPECT_EQ(e.state, ConnectionState::kEstablished);
  EXPECT_EQ(e.snd_una, d.snd_una);
  EXPECT_EQ(e.snd_nxt, d.snd_nxt);
  EXPECT_EQ(e.snd_max, d.snd_max);
  EXPECT_EQ(e.snd_wnd, d.snd_wnd);
  EXPECT_EQ(e.max_snd_wnd, d.max_snd_wnd);
  EXPECT_EQ(e.snd_wl1, d.snd_wl1);
  EXPECT_EQ(e.rcv_nxt, d.rcv_nxt);
  EXPECT_EQ(e.rcv_wnd, d.rcv_wnd);
  EXPECT_EQ(e.cwnd, d.cwnd);
  EXPECT_EQ(e.ssthresh, d.ssthresh);
  EXPECT_EQ(e.srtt, d.srtt);
  EXPECT_EQ(e.rttvar, d.rttvar);
  EXPECT_EQ(e.ts_recent, d.ts_recent);
  EXPECT_EQ(e.ts_recent_age, d.ts_recent_age);
  EXPECT_EQ(e.ts_time, d.ts_time);
  EXPECT_EQ(e.total_rt, d.total_rt);
  EXPECT_EQ(e.dup_ack_count, d.dup_ack_count);
  EXPECT_EQ(e.retransmit.delta, d.retransmit.delta);
  EXPECT_EQ(e.retransmit.count, d.retransmit.count);
  EXPECT_EQ(out.send_data.front()->length, 500u);
  EXPECT_EQ(out.receive_data.front()->length, 40u);
  EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
  host_->store().FreeAll(&out.receive_data);
}

TEST_F(HandOver, PartlyAcknowledgedRecordsStayAddressable) {
  Start();
  Send(3000);
  Pull();
  Feed(Ack(kOurs + 1000));
  Cycle();
  EXPECT_TRUE(Pull().empty());
  while (tcb().trouble_counters().retransmit_timeouts == 0) FireNext();
  EXPECT_EQ(Pull()[0].payload, Stream(1460, 1000));
  Feed(Ack(kOurs + 3000));
  EXPECT_NE(NextCompletedSend(tcb()), nullptr);
}

TEST_F(HandOver, OutOfOrderDataAreHandedOut_R99) {
  Start();
  Feed(Data(0, 100));
  Feed(Data(1000, 200));
  Exported out;
  Export(tcb(), now, &out);
  ASSERT_FALSE(out.out_of_order.empty());
  EXPECT_EQ(out.out_of_order.front()->seq, SeqNum(kTheirs + 1000));
  EXPECT_EQ(out.out_of_order.front()->length, 200u);
  EXPECT_EQ(out.receive_data.front()->seq, SeqNum(kTheirs));
  host_->store().FreeAll(&out.receive_data);
  host_->store().FreeAll(&out.out_of_order);
  EXPECT_EQ(host_->store().Leftovers(), "");
}

TEST_F(HandOver, AFinOnItsWayOutSurvives) {
  Start();
  Send(5000);
  Close();
  Pull();
  EXPECT_EQ(Cycle().delegated.state, ConnectionState::kFinWait1);
  Feed(Ack(kOurs + 5001));
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait2);
  Cycle();
  EXPECT_EQ(tcb().state(), ConnectionState::kFinWait2);
}

TEST_F(HandOver, AQueuedFinSurvives) {
  state.delegated.snd_wnd = 100;
  state.delegated.max_snd_wnd = 100;
  Start();
  Send(300);
  Pull();
  Close();
  const TcpState exported = Cycle();
  EXPECT_EQ(exported.delegated.state, ConnectionState::kEstablished);
  EXPECT_TRUE(exported.delegated.fin_queued);
  Feed(Ack(kOurs + 100, 1000));
  EXPECT_TRUE(PullOne().Has(testing::kFin));
}

TEST_F(HandOver, TimestampsNeverGoBack_R102) {
  state.constant.timestamps_enabled = true;
  state.delegated.ts_time = 0xFFFFFFF0;
  Start();
  uint32_t last = 0xFFFFFFF0;
  for (int i = 0; i < 50; ++i) {
    now = now + Duration::Micros(700);
    Cycle();
    Send(1);
    FlushOwedAck(tcb());
    const std::vector<WireSegment> segments = Pull();
    for (const WireSegment& segment : segments) {
      const uint32_t value = segment.timestamps->value;
      EXPECT_LT(value - last, 2u);
      last = value;
    }
    Feed(Ack(tcb().snd_max().value()));
  }
}

TEST_F(HandOver, ARefusedImportLeavesEverythingWithTheCaller) {
  testing::TestTcb host(params);
  state.delegated.state = ConnectionState::kTimeWait;
  EXPECT_FALSE(host.Import(now, state, Stream(10), Stream(10)));
  EXPECT_EQ(host.store().Leftovers(), "");
  EXPECT_EQ(host.send_memory().live(), 0u);
}

TEST_F(HandOver, UnreadDataThatDoNotEndAtRcvNxtAreRefused) {
  testing::TestTcb host(params);
  Prepare(host.tcb(), host.store().view(&params), false, 1500);
  RecordList none;
  FragmentList unread;
  host.store().Append(SeqNum(kTheirs - 11), Stream(10), &unread);
  EXPECT_FALSE(Import(host.tcb(), now, state, none, unread));
  host.store().FreeAll(&unread);
}

TEST_F(HandOver, QueryShowsWithoutChanging_R58) {
  Start();
  Send(3000);
  Pull();
  const TcpState first = Query(tcb(), now);
  const TcpState second = Query(tcb(), now);
  EXPECT_EQ(first.delegated.snd_max, second.delegated.snd_max);
  EXPECT_EQ(first.delegated.snd_max, SeqNum(kOurs + 3000));
  EXPECT_EQ(first.delegated.retransmit.delta, Duration::Seconds(1));
  EXPECT_FALSE(first.delegated.keepalive.running);
}

TEST_F(HandOver, PublishedTellsAllThatLeft_D9) {
  state.constant.timestamps_enabled = true;
  state.delegated.ts_time = 900;
  Start();
  Send(100);
  Close();
  PullOne();
  Feed(Data(0, 10));
  Pull();
  const PublishedView view = Published(tcb());
  EXPECT_EQ(view.snd_max, kOurs + 101);
  EXPECT_EQ(view.fin_sent, 1);
  EXPECT_EQ(view.rcv_nxt, kTheirs + 10);
  EXPECT_EQ(view.rcv_edge, kTheirs + 65535);
  EXPECT_EQ(view.tsval_max, 900u);
  EXPECT_EQ(view.bytes_sent, 100u);
  EXPECT_EQ(view.bytes_received, 10u);
}

TEST_F(HandOver, ACompletedRecordOnTheWireSurvivesTheExport) {
  Start();
  Send(10);
  OutSegment segment;
  ASSERT_TRUE(NextSegment(tcb(), now, &segment));
  SendRecord* record = segment.pieces[0].record;
  record->io_refs = 1;
  Feed(Ack(kOurs + 10));
  Exported out;
  Export(tcb(), now, &out);
  EXPECT_TRUE(out.send_data.empty());
  // Also the import of a cancelled upload.
  ASSERT_TRUE(Import(tcb(), now, out.state, out.send_data, out.receive_data));
  EXPECT_EQ(NextCompletedSend(tcb()), nullptr);
  record->io_refs = 0;
  EXPECT_EQ(NextCompletedSend(tcb()), record);
}

// The duplicates that are still to come cut the window no second time.
TEST_F(HandOver, AFastRecoveryGoesOn_R192) {
  state.delegated.cwnd = 20 * kMss;
  params.quick_ack_segments = 0;
  for (const bool sack : {false, true}) {
    SCOPED_TRACE(sack);
    state.constant.sack_enabled = sack;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send(20 * kMss);
    ASSERT_EQ(Pull().size(), 20u);
    const auto duplicate = [&](uint32_t reported) {
      WireSegment ack = Ack(kOurs);
      if (sack) ack.sack = {{kOurs + kMss, kOurs + (1 + reported) * kMss}};
      Feed(ack);
    };
    for (uint32_t i = 1; i <= 3; ++i) duplicate(i);
    now = now + Duration::Millis(100);
    FireAfter(Duration());
    ASSERT_FALSE(Pull().empty());
    const uint32_t ssthresh = tcb().snd.ssthresh;
    ASSERT_LT(ssthresh, 20 * kMss);
    Cycle();
    Pull();
    for (uint32_t i = 4; i <= 6; ++i) duplicate(i);
    EXPECT_EQ(tcb().snd.ssthresh, ssthresh);
    Feed(Ack(kOurs + 20 * kMss));
    EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
    EXPECT_LE(tcb().snd.cwnd, ssthresh + kMss);
    TearDown();
  }
}

TEST_F(HandOver, AWindowThatAHostClaimsIsBounded) {
  for (const uint32_t claimed : {0xFFFFFFFFu, 0xFFFFFF00u}) {
    state.delegated.cwnd = claimed;
    params.cwnd_validation = false;
    params.hystart = false;
    Start();
    Send(10 * kMss);
    ASSERT_FALSE(Pull().empty());
    Feed(Ack(kOurs + 10 * kMss));
    EXPECT_GE(tcb().snd.cwnd, 10 * kMss);
    EXPECT_LE(tcb().snd.cwnd, 1u << 30);
    TearDown();
  }
}

// What shows a recovery is its threshold of duplicates: reports that started
// none must not start one at the other side.
TEST_F(HandOver, DuplicatesOfReorderingAreNoRecovery_R192) {
  const auto at = [](uint32_t segment) { return kOurs + segment * kMss; };
  state.constant.sack_enabled = true;
  state.delegated.cwnd = 20 * kMss;
  state.delegated.srtt = Duration::Millis(100);
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(kMss);
  Pull();
  now = now + Duration::Millis(100);
  Feed(Ack(at(1)));
  Send(20 * kMss);
  Pull();
  now = now + Duration::Millis(100);
  Feed(WithSack(Ack(at(1)), {{at(2), at(3)}}));
  Feed(Ack(at(3)));
  ASSERT_TRUE(tcb().snd.reordering.seen);
  for (uint32_t end = 5; end <= 8; ++end) {
    Feed(WithSack(Ack(at(3)), {{at(4), at(end)}}));
  }
  ASSERT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
  Cycle();
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kOpen);
  EXPECT_EQ(tcb().snd.ssthresh, 0xFFFFFFFFu);
}

TEST_F(HandOver, ARecoveryShowsTheWindowItEndsWith_R192) {
  state.constant.sack_enabled = true;
  state.delegated.cwnd = 20 * kMss;
  state.delegated.srtt = Duration::Millis(100);
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(20 * kMss);
  Pull();
  now = now + Duration::Millis(100);
  // One report shows that seventeen segments are lost.
  Feed(WithSack(Ack(kOurs), {{kOurs + 17 * kMss, kOurs + 20 * kMss}}));
  ASSERT_EQ(Sending().recovery.phase, RecoveryPhase::kFastRecovery);
  const uint32_t ssthresh = tcb().snd.ssthresh;
  EXPECT_EQ(Cycle().delegated.cwnd, ssthresh);
  EXPECT_EQ(tcb().snd.cwnd, ssthresh);
  EXPECT_EQ(tcb().snd.ssthresh, ssthresh);
}

// RFC 6582 section 3.2 step 4: duplicate ACKs of what a timeout sent again
// start no recovery, whoever has the connection when they come.
TEST_F(HandOver, EchoesOfAResendStartNoRecovery_R192) {
  params.quick_ack_segments = 0;
  params.tail_loss_probe = false;
  params.f_rto = false;
  state.delegated.cwnd = 20 * kMss;
  Start();
  FlushOwedAck(tcb());
  Pull();
  Send(20 * kMss);
  ASSERT_EQ(Pull().size(), 20u);
  FireNext();
  Pull();
  uint32_t una = 0;
  while (Sending().flight.lost_bytes() != 0) {
    ASSERT_LT(una, 18u);
    una += 2;
    Feed(Ack(kOurs + una * kMss));
    Pull();
  }
  for (int i = 0; i < 2; ++i) Feed(Ack(kOurs + una * kMss));
  const uint32_t ssthresh = tcb().snd.ssthresh;
  Cycle();
  for (int i = 0; i < 2; ++i) Feed(Ack(kOurs + una * kMss));
  EXPECT_EQ(tcb().snd.ssthresh, ssthresh);
  EXPECT_EQ(tcb().trouble_counters().fast_retransmits, 0u);
}

// An upload that is called off gives the engine back what lies beyond a hole.
// The peer, which counts ACKs, hears of it once at most (RFC 5681 section 4.2).
TEST_F(HandOver, DataPutBackAreNoArrivals) {
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  for (uint32_t i = 1; i <= 5; ++i) Feed(Data(i * 2 * kMss, kMss));
  Pull();
  Exported out;
  Export(tcb(), now, &out);
  ASSERT_TRUE(Import(tcb(), now, out.state, out.send_data, out.receive_data));
  Pull();
  for (const Fragment& fragment : out.out_of_order) {
    packet::Segment segment;
    segment.seq = fragment.seq;
    segment.ack = SeqNum(kOurs);
    segment.flags = packet::kTcpAck;
    segment.raw_window = 65535;
    segment.payload = host_->store().Bytes(fragment);
    OnSegment(tcb(), now, segment);
  }
  ForgetDuplicateAcks(tcb());
  host_->store().FreeAll(&out.out_of_order);
  EXPECT_LE(Pull().size(), 1u);
  EXPECT_EQ(tcb().out_of_order_bytes(), 5 * kMss);
}

}  // namespace
}  // namespace chimney::tcp
