// SPDX-License-Identifier: BSD-3-Clause
// Sending: segment size, Nagle and SWS avoidance, PSH, pieces, resending.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

using Output = EngineTest;

uint32_t Total(const std::vector<WireSegment>& segments) {
  uint32_t bytes = 0;
  for (const WireSegment& segment : segments) {
    bytes += static_cast<uint32_t>(segment.payload.size());
  }
  return bytes;
}

TEST_F(Output, DataLeaveInFullSegmentsWithPushAtTheEnd_R114) {
  Start();
  Send(3000);
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].payload, Stream(1460));
  EXPECT_EQ(segments[1].seq, kOurs + 1460);
  EXPECT_EQ(segments[2].payload, Stream(80, 2920));
  EXPECT_FALSE(segments[0].Has(testing::kPsh));
  EXPECT_TRUE(segments[2].Has(testing::kPsh));
  EXPECT_EQ(tcb().snd_max(), SeqNum(kOurs + 3000));
}

TEST_F(Output, CompletionMeansAcknowledged_R110_R111) {
  Start();
  Send(100);
  Send(2000);
  Pull();
  EXPECT_EQ(NextCompletedSend(tcb()), nullptr);
  EXPECT_FALSE(Has(Feed(Ack(kOurs + 99)), kEventSendAcked));
  EXPECT_TRUE(Has(Feed(Ack(kOurs + 1000)), kEventSendAcked));
  SendRecord* first = NextCompletedSend(tcb());
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->acked_bytes, 100u);
  EXPECT_EQ(NextCompletedSend(tcb()), nullptr);
}

TEST_F(Output, ARecordThatTheWireStillHoldsDoesNotComplete) {
  Start();
  Send(10);
  OutSegment segment;
  ASSERT_TRUE(NextSegment(tcb(), now, &segment));
  SendRecord* record = segment.pieces[0].record;
  record->io_refs = 1;
  Feed(Ack(kOurs + 10));
  EXPECT_EQ(NextCompletedSend(tcb()), nullptr);
  record->io_refs = 0;
  EXPECT_EQ(NextCompletedSend(tcb()), record);
}

TEST_F(Output, OptionsTakeTheirBytesOffTheSegment_R123) {
  state.constant.timestamps_enabled = true;
  state.constant.sack_enabled = true;
  Start();
  Send(5000);
  EXPECT_EQ(Pull()[0].payload.size(), kMss - 12);
  Feed(Ack(kOurs + 5000));
  Feed(Data(100, 10));
  Send(5000);
  // One SACK block: 12 bytes with its padding (RFC 2018).
  EXPECT_EQ(Pull()[0].payload.size(), kMss - 12 - 12);
}

TEST_F(Output, SmallRecordsShareASegmentUpToThePieceLimit) {
  state.cached.nagle_enabled = false;
  Start();
  for (int i = 0; i < 6; ++i) Send(10);
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].payload, Stream(10 * kMaxPayloadPieces));
  EXPECT_EQ(segments[1].payload, Stream(20, 40));
}

TEST_F(Output, RecordsWithoutBytesCompleteInTurn) {
  Start();
  EXPECT_TRUE(Has(Send(0), kEventSendAcked));
  EXPECT_NE(NextCompletedSend(tcb()), nullptr);
  Send(10);
  Send(0);
  Send(10);
  Pull();
  Feed(Ack(kOurs + 10));
  EXPECT_NE(NextCompletedSend(tcb()), nullptr);
  EXPECT_NE(NextCompletedSend(tcb()), nullptr);
  EXPECT_EQ(NextCompletedSend(tcb()), nullptr);
}

TEST_F(Output, TheSendWindowIsRespected) {
  state.delegated.snd_wnd = 3000;
  Start();
  Send(10000);
  EXPECT_EQ(Total(Pull()), 2920u);
  Feed(Ack(kOurs + 1460, 3000));
  EXPECT_EQ(Total(Pull()), 1460u);
}

TEST_F(Output, ScaledWindow_R122) {
  state.constant.window_scaling_enabled = true;
  state.constant.snd_wind_scale = 14;
  Start();
  Feed(Ack(kOurs, 65535));
  EXPECT_EQ(tcb().snd_wnd(), 65535u << 14);
}

TEST_F(Output, TheCongestionWindowIsRespected) {
  state.delegated.cwnd = 4 * kMss;
  Start();
  Send(100000);
  EXPECT_EQ(Pull().size(), 4u);
}

TEST_F(Output, UnknownCongestionWindowStartsAtTheInitialWindow_RFC6928) {
  Start();
  Send(100000);
  EXPECT_EQ(Pull().size(), 10u);
}

TEST_F(Output, NagleHoldsASmallSegmentBackForAnother) {
  Start();
  Send(10);
  EXPECT_EQ(Pull().size(), 1u);
  EXPECT_FALSE(Has(Send(10), kEventOutput));
  EXPECT_TRUE(Pull().empty());
  EXPECT_TRUE(Has(Feed(Ack(kOurs + 10)), kEventOutput));
  EXPECT_EQ(PullOne().payload, Stream(10, 10));
}

TEST_F(Output, NagleCanBeSwitchedOffByUpdate_R76) {
  Start();
  Send(10);
  Send(10);
  EXPECT_EQ(Pull().size(), 1u);
  Send(10);
  TcpCachedState cached = state.cached;
  cached.nagle_enabled = false;
  EXPECT_TRUE(Has(OnUpdate(tcb(), now, cached, 1500), kEventOutput));
  EXPECT_EQ(PullOne().payload.size(), 10u);
}

TEST_F(Output, FullSegmentInFlightHoldsOnlyClassicalNagle) {
  Start();
  Send(kMss + 10);
  EXPECT_EQ(Pull().size(), 2u);
}

TEST_F(Output, ClassicalNagleHoldsTheTail_RFC1122) {
  params = ChimneyProfile();
  Start();
  Send(kMss + 10);
  EXPECT_EQ(Pull().size(), 1u);
}

TEST_F(Output, AnUnfinishedRequestWaitsForTheSwsTimer_R119_R120) {
  Start();
  EXPECT_FALSE(Has(Send(10, false), kEventOutput));
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(Sending().timers.sws - now, params.sws_override);
  now = Sending().timers.sws;
  EXPECT_TRUE(Has(OnTimer(tcb(), now), kEventOutput));
  const std::vector<WireSegment> segments = Pull();
  EXPECT_EQ(segments.back().payload.size(), 10u);
}

TEST_F(Output, FinishingTheRequestReleasesIt_R119) {
  Start();
  Send(10, false);
  Pull();
  EXPECT_TRUE(Has(Send(10), kEventOutput));
  EXPECT_EQ(PullOne().payload.size(), 20u);
  EXPECT_EQ(Sending().timers.sws, Instant::Never());
}

TEST_F(Output, HalfTheLargestWindowSeenIsEnough_R119) {
  state.delegated.snd_wnd = 1000;
  state.delegated.max_snd_wnd = 1000;
  Start();
  Send(5000);
  EXPECT_EQ(Pull()[0].payload.size(), 1000u);
  // 400 bytes of room are not worth a segment ...
  Feed(Ack(kOurs + 1000, 400));
  EXPECT_TRUE(Pull().empty());
  EXPECT_NE(Sending().timers.sws, Instant::Never());
  // ... 500 are.
  Feed(Ack(kOurs + 1000, 500));
  EXPECT_EQ(PullOne().payload.size(), 500u);
}

TEST_F(Output, SentDataAreSentAgainFirstAndOnlyThatPart_R46) {
  // The documented example: SND.NXT 1000 and SND.MAX 1600 bytes in, of 1800.
  state.delegated.snd_nxt = SeqNum(kOurs + 1000);
  state.delegated.snd_max = SeqNum(kOurs + 1600);
  state.constant.remote_mss = 600;
  Start(Stream(1800), {}, 600);
  OutSegment segment;
  ASSERT_TRUE(NextSegment(tcb(), now, &segment));
  EXPECT_EQ(segment.seq, SeqNum(kOurs + 1000));
  EXPECT_EQ(segment.payload_bytes, 600u);
  EXPECT_TRUE(segment.retransmission);
  ASSERT_TRUE(NextSegment(tcb(), now, &segment));
  EXPECT_EQ(segment.seq, SeqNum(kOurs + 1600));
  EXPECT_EQ(segment.payload_bytes, 200u);
  EXPECT_FALSE(segment.retransmission);
}

TEST_F(Output, WhatAwaitsItsAckIsNotSentAgainAfterAnImport) {
  InFlight(3000);
  Start(Stream(3000));
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(tcb().outgoing->timers.retransmit - now, params.rto_initial);
}

TEST_F(Output, SequenceNumbersWrap) {
  const SeqNum una(0xFFFFFE00);
  state.delegated.snd_una = una;
  state.delegated.snd_nxt = una;
  state.delegated.snd_max = una;
  state.delegated.cwnd = 100000;
  Start();
  Send(5000);
  EXPECT_EQ(Pull().size(), 4u);
  EXPECT_EQ(Feed(Ack((una + 2920).value())).reason,
            SegmentReason::kAckAdvanced);
  Feed(Ack((una + 5000).value()));
  EXPECT_EQ(tcb().snd_una(), una + 5000);
  EXPECT_NE(NextCompletedSend(tcb()), nullptr);
}

TEST_F(Output, AShrunkWindowStopsNewDataOnly) {
  Start();
  Send(5000);
  Pull();
  Send(5000);
  Pull();
  Send(5000);
  Feed(Ack(kOurs + 1460, 1000));
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(tcb().snd_wnd(), 1000u);
}

TEST_F(Output, AnOldSegmentDoesNotMoveTheWindow) {
  Start();
  Feed(Data(0, 100));
  WireSegment old = Ack(kOurs, 1000);
  Feed(old);
  EXPECT_EQ(tcb().snd_wnd(), 1000u);
  old.seq = kTheirs + 100;
  old.raw_window = 2000;
  Feed(old);
  WireSegment probe = Data(50, 100);  // SEQ before SND.WL1
  probe.raw_window = 5;
  Feed(probe);
  EXPECT_EQ(tcb().snd_wnd(), 2000u);
}

TEST_F(Output, IdleConnectionRestartsFromTheInitialWindow_RFC5681_4_1) {
  state.delegated.cwnd = 100 * kMss;
  Start();
  now = now + params.rto_initial;
  Send(200000);
  while (tcb().unacked_send_bytes() != 0) {
    Pull();
    Feed(Ack(tcb().snd_max().value()));
  }
  now = now + Duration::Seconds(10);
  Send(200000);
  EXPECT_EQ(Pull().size(), 10u);
}

}  // namespace
}  // namespace chimney::tcp
