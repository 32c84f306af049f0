// SPDX-License-Identifier: BSD-3-Clause
// The window that is advertised: never taken back, opened in worthwhile steps.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class ReceiveWindow : public EngineTest {
 protected:
  void StartWith(uint32_t limit, uint32_t advertised, uint8_t shift = 0) {
    params.quick_ack_segments = 255;
    state.cached.initial_rcv_wnd = limit;
    state.delegated.rcv_wnd = advertised;
    state.constant.window_scaling_enabled = shift != 0;
    state.constant.rcv_wind_scale = shift;
    Start();
    FlushOwedAck(tcb());
  }
};

TEST_F(ReceiveWindow, KeepsWhatTheHostAdvertised) {
  StartWith(65535, 65535);
  EXPECT_EQ(PullOne().raw_window, 65535);
  EXPECT_EQ(tcb().rcv_wnd(), 65535u);
}

TEST_F(ReceiveWindow, OpensToWhatMemoryAllows) {
  StartWith(60000, 20000);
  EXPECT_EQ(PullOne().raw_window, 60000);
}

TEST_F(ReceiveWindow, DoesNotOpenByLessThanASegment_RFC9293_3_8_6_2_2) {
  StartWith(21000, 20000);
  EXPECT_EQ(PullOne().raw_window, 20000);
}

// Connections share the memory: what each is offered must leave some.
TEST_F(ReceiveWindow, OpensToHalfOfTheMemoryThatIsLeft) {
  memory.chunk_bytes = 1000;
  memory.chunk_count = 40;
  StartWith(60000, 5000);
  EXPECT_EQ(PullOne().raw_window, 20000);
}

TEST_F(ReceiveWindow, UnreadDataCloseItWithoutMovingTheEdge) {
  StartWith(4000, 4000);
  Pull();
  Feed(Data(0, 1000));
  EXPECT_EQ(PullOne().raw_window, 3000);
  Feed(Data(1000, 1460));
  Feed(Data(2460, 1460));
  EXPECT_EQ(PullOne().raw_window, 80);
  // A segment's worth of room is not enough to be told while unread.
  EXPECT_EQ(tcb().rcv_wnd(), 80u);
}

TEST_F(ReceiveWindow, ALargerLimitNeverTakesBackAnEdge) {
  StartWith(10000, 10000);
  Pull();
  TcpCachedState cached = state.cached;
  cached.initial_rcv_wnd = 2000;
  OnUpdate(tcb(), now, cached, 1500);
  EXPECT_EQ(PullOne().raw_window, 10000);
  Feed(Data(0, 1460));
  EXPECT_EQ(PullOne().raw_window, 8540);
}

TEST_F(ReceiveWindow, ReadingOpensItUnaskedWhenItWasSmall) {
  StartWith(4000, 4000);
  Pull();
  Feed(Data(0, 1400));
  Feed(Data(1400, 1400));
  Feed(Data(2800, 1200));
  EXPECT_EQ(PullOne().raw_window, 0);
  Read(1000);
  EXPECT_TRUE(Pull().empty());
  Read(1000);
  const WireSegment update = PullOne();
  EXPECT_EQ(update.raw_window, 2000);
  EXPECT_EQ(update.ack, kTheirs + 4000);
}

TEST_F(ReceiveWindow, ReadingAtOnceCausesNoUpdates) {
  StartWith(60000, 60000);
  Pull();
  Feed(Data(0, 1460));
  Pull();
  Read();
  EXPECT_TRUE(Pull().empty());
}

TEST_F(ReceiveWindow, AChangedLimitIsTold_R72) {
  StartWith(20000, 20000);
  Pull();
  TcpCachedState cached = state.cached;
  cached.initial_rcv_wnd = 40000;
  EXPECT_TRUE(Has(OnUpdate(tcb(), now, cached, 1500), kEventOutput));
  EXPECT_EQ(PullOne().raw_window, 40000);
}

TEST_F(ReceiveWindow, ScaledWindowRoundsUpSoThatTheEdgeStays_RFC7323_2_4) {
  StartWith(1 << 20, 1 << 20, 7);
  EXPECT_EQ(PullOne().raw_window, 8192);
  Feed(Data(0, 1));
  EXPECT_EQ(PullOne().raw_window, 8192);
  Feed(Data(1, 127));
  EXPECT_EQ(PullOne().raw_window, 8192);
}

TEST_F(ReceiveWindow, LargestScaleReachesItsLimit) {
  StartWith(65535u << 14, 65535u << 14, 14);
  EXPECT_EQ(PullOne().raw_window, 65535);
}

TEST_F(ReceiveWindow, AProbeOfTheClosedWindowIsRefusedButItsAckCounts) {
  InFlight(10);
  state.cached.initial_rcv_wnd = 1000;
  state.delegated.rcv_wnd = 0;
  params.quick_ack_segments = 0;
  Start(Stream(10), Stream(1000));
  WireSegment probe = Data(0, 1);
  probe.ack = kOurs + 10;
  EXPECT_EQ(Feed(probe).reason, SegmentReason::kZeroWindowProbe);
  EXPECT_EQ(tcb().snd_una(), SeqNum(kOurs + 10));
  const WireSegment ack = PullOne();
  EXPECT_EQ(ack.ack, kTheirs);
  EXPECT_EQ(ack.raw_window, 0);
}

TEST_F(ReceiveWindow, DataBeyondTheEdgeAreCutOff) {
  StartWith(1000, 1000);
  Pull();
  WireSegment segment = Data(0, 1200);
  segment.flags |= testing::kFin;
  EXPECT_EQ(Feed(segment).reason, SegmentReason::kDataInOrder);
  EXPECT_EQ(tcb().rcv_nxt(), SeqNum(kTheirs + 1000));
  EXPECT_FALSE(tcb().fin_received());
}

// RFC 9293 section 3.10.7.4: what lies beyond the window is cut off.
TEST_F(ReceiveWindow, AFinBehindAFullWindowWaits_RFC9293_3_10_7_4) {
  state.delegated.rcv_wnd = 100;
  state.cached.initial_rcv_wnd = 100;
  Start();
  WireSegment last = Data(0, 100);
  last.flags |= testing::kFin;
  Feed(last);
  EXPECT_EQ(tcb().rcv_nxt(), SeqNum(kTheirs + 100));
  EXPECT_EQ(tcb().state(), ConnectionState::kEstablished);
  EXPECT_EQ(PullOne().ack, kTheirs + 100);
}

}  // namespace
}  // namespace chimney::tcp
