// SPDX-License-Identifier: BSD-3-Clause
// Book-keeping that many connections share: one that wants much of it leaves
// enough for the others, and one that gets none goes on.
#include <utility>

#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class ScarceMemory : public EngineTest {
 protected:
  void StartQuiet() {
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  static uint32_t At(uint32_t segment) { return kOurs + segment * kMss; }
  // Sends until it waits; the peer, a round trip away, has `arrived` segments
  // in order so far and acknowledges what comes.
  void Repair(uint32_t* arrived) {
    for (int round = 0; round < 100; ++round) {
      const std::vector<WireSegment> segments = Pull();
      if (segments.empty()) return;
      for (const WireSegment& segment : segments) {
        if (segment.seq != At(*arrived)) continue;
        *arrived += static_cast<uint32_t>(segment.payload.size()) / kMss;
      }
      now = now + Duration::Millis(20);
      Feed(Ack(At(*arrived)));
    }
  }
};

// Every segment is lost, and there is no range to tell the one that is sent
// again from the others.
TEST_F(ScarceMemory, ATimeoutRepairsTheWholeFlightWithoutRanges) {
  constexpr uint32_t kSegments = 20;
  memory = {4096, 256, 1};
  state.delegated.srtt = Duration::Millis(20);
  state.delegated.rttvar = Duration::Millis(1);
  state.delegated.cwnd = kSegments * kMss;
  for (const bool sack : {false, true}) {
    SCOPED_TRACE(sack);
    state.constant.sack_enabled = sack;
    Start();
    FlightRange* taken = tcb().store->flight_ranges->Allocate();
    ASSERT_NE(taken, nullptr);
    FlushOwedAck(tcb());
    Pull();
    Send(kSegments * kMss);
    ASSERT_EQ(Pull().size(), kSegments);
    uint32_t arrived = 0;
    while (arrived < kSegments &&
           tcb().trouble_counters().retransmit_timeouts < 10) {
      FireNext();
      Repair(&arrived);
    }
    EXPECT_EQ(arrived, kSegments);
    EXPECT_LE(tcb().trouble_counters().retransmit_timeouts, 2u);
    tcb().store->flight_ranges->Free(taken);
    TearDown();
  }
}

// A flight of more sending instants than are told apart, and of more than there
// are ranges left: what is lost is sent again, and nothing else (RFC 6582).
TEST_F(ScarceMemory, OneLossIsOneRetransmission) {
  struct Case {
    uint32_t instants;
    uint32_t ranges;
  };
  for (const Case& c : {Case{1100, 16384}, Case{20, 20}}) {
    for (const bool sack : {false, true}) {
      SCOPED_TRACE(::testing::Message()
                   << c.instants << " instants, SACK " << sack);
      memory = {4096, 256, c.ranges};
      state.constant.sack_enabled = sack;
      state.constant.window_scaling_enabled = true;
      state.constant.snd_wind_scale = 7;
      state.delegated.snd_wnd = 6u << 20;
      state.delegated.cwnd = 4000 * kMss;
      state.delegated.ssthresh = 4000 * kMss;
      state.delegated.srtt = Duration::Millis(100);
      state.delegated.rttvar = Duration::Millis(1);
      StartQuiet();
      for (uint32_t i = 0; i < c.instants; ++i) {
        Send(2 * kMss);
        ASSERT_EQ(Pull().size(), 2u);
        now = now + Duration::Micros(10);
      }
      now = now + Duration::Millis(80);
      for (uint32_t i = 2; i <= 2 * c.instants; ++i) {
        WireSegment ack = Ack(kOurs);
        ack.raw_window = 0xffff;
        Feed(sack ? WithSack(ack, {{At(1), At(i)}}) : ack);
        Pull();
      }
      EXPECT_EQ(tcb().trouble_counters().fast_retransmits, 1u);
      EXPECT_EQ(tcb().trouble_counters().segments_retransmitted, 1u);
      TearDown();
    }
  }
}

// A peer that reports single bytes.
TEST_F(ScarceMemory, OneConnectionLeavesRangesToOthers) {
  memory = {4096, 256, 64};
  state.constant.sack_enabled = true;
  state.delegated.cwnd = 30 * kMss;
  StartQuiet();
  Send(30 * kMss);
  Pull();
  for (uint32_t i = 1; i < 1000; ++i) {
    const uint32_t left = kOurs + i * 8;
    Feed(WithSack(Ack(kOurs), {{left, left + 1}}));
    Pull();
  }
  const Slab<FlightRange>& ranges = *tcb().store->flight_ranges;
  EXPECT_LE(ranges.in_use(), ranges.capacity() / 2);
}

// A peer that sends every other byte of the window, from the end: each search
// for the place of one more has to stay short.
TEST_F(ScarceMemory, SingleBytesOutOfOrderAreFew) {
  memory = {4096, 256, 32768};
  StartQuiet();
  for (uint32_t i = 20'000; i > 0; --i) Feed(Data(2 * i, 1));
  EXPECT_LE(tcb().reassembly->count, 64u);
  Pull();
}

// The same where the hole in front of each byte is filled at once: what waits
// in the receive queue for the application is in no smaller pieces.
TEST_F(ScarceMemory, SwappedSingleBytesAreFewFragments) {
  memory = {4096, 256, 32768};
  StartQuiet();
  for (uint32_t i = 0; i < 10'000; i += 2) {
    Feed(Data(i + 1, 1));
    Feed(Data(i, 1));
    Feed(Data(i + 1, 1));  // again, if it was not held
    Pull();
  }
  EXPECT_EQ(tcb().unread_bytes(), 10'000u);
  EXPECT_LE(tcb().store->fragments->in_use(), 3 * 64u);
}

// Islands of honest size, from both ends towards the middle of the window, then
// the middle: no search is longer than what lies near an end.
TEST_F(ScarceMemory, WhatBelongsDeepInsideComesAgain) {
  constexpr uint32_t kIslands = 2000;
  memory = {4096, 512, 32768};
  state.constant.window_scaling_enabled = true;
  state.constant.rcv_wind_scale = 7;
  state.cached.initial_rcv_wnd = 4u << 20;
  state.delegated.rcv_wnd = 4u << 20;
  StartQuiet();
  for (uint32_t i = 1; i <= kIslands; ++i) {
    ASSERT_EQ(Feed(Data(i * 1000, 500)).reason, SegmentReason::kDataOutOfOrder);
  }
  EXPECT_EQ(Feed(Data(100'500, 100)).reason, SegmentReason::kDataOutOfOrder);
  EXPECT_EQ(Feed(Data(1'900'500, 100)).reason, SegmentReason::kDataOutOfOrder);
  EXPECT_NE(Feed(Data(1'000'500, 100)).reason, SegmentReason::kDataOutOfOrder);
  // It is taken once the holes in front of it are filled.
  for (uint32_t at = 0; at < 800'000; at += 500) Feed(Data(at, 500));
  EXPECT_EQ(Feed(Data(1'000'500, 100)).reason, SegmentReason::kDataOutOfOrder);
  Pull();
}

// A full window behind one hole is many fragments, and none is refused.
TEST_F(ScarceMemory, FullSegmentsBehindAHoleAllFit) {
  constexpr uint32_t kSegments = 2000;
  memory = {2048, 4096, 32768};
  state.constant.window_scaling_enabled = true;
  state.constant.rcv_wind_scale = 7;
  state.cached.initial_rcv_wnd = 4u << 20;
  state.delegated.rcv_wnd = 4u << 20;
  StartQuiet();
  for (uint32_t i = 1; i <= kSegments; ++i) {
    ASSERT_EQ(Feed(Data(i * kMss, kMss)).reason,
              SegmentReason::kDataOutOfOrder);
  }
  EXPECT_EQ(tcb().out_of_order_bytes(), kSegments * kMss);
  Pull();
}

// An application that never reads to the end: the count of what was queued does
// not run over, and the size of a piece on average stays what it was.
TEST_F(ScarceMemory, ACountOfPiecesNeverRunsOver) {
  StartQuiet();
  Feed(Data(0, 1));
  ReceiveState& rcv = tcb().rcv;
  for (const auto& [pieces, bytes] :
       {std::pair{1u << 22, 1u << 29}, std::pair{1u << 21, 1u << 30}}) {
    rcv.queue_fragments = pieces & 0xffffffu;
    rcv.queue_fragment_bytes = bytes;
    Feed(Data(static_cast<uint32_t>(rcv.nxt.BytesFrom(SeqNum(kTheirs))), 1));
    EXPECT_NEAR(rcv.queue_fragments, pieces / 2, 1);
    EXPECT_NEAR(rcv.queue_fragment_bytes, bytes / 2, 1);
  }
}

// Whoever holds data out of order: what is next finds a place.
TEST_F(ScarceMemory, DataInOrderFindsAFragment) {
  memory = {4096, 256, 48};
  StartQuiet();
  for (uint32_t i = 1; i < 200; ++i) Feed(Data(1000 + 2 * i, 1));
  Pull();
  const Slab<Fragment>& fragments = *tcb().store->fragments;
  EXPECT_GE(fragments.capacity() - fragments.in_use(),
            fragments.capacity() / 8);
}

// A peer that makes islands gets no more than its share of the fragments.
TEST_F(ScarceMemory, IslandsLeaveFragmentsToOthers) {
  memory = {4096, 512, 1024};
  state.delegated.rcv_wnd = state.cached.initial_rcv_wnd = 4u << 20;
  state.constant.window_scaling_enabled = true;
  state.constant.rcv_wind_scale = 7;
  StartQuiet();
  for (uint32_t i = 1; i < 2000; ++i) Feed(Data(i * 300, 256));
  Pull();
  const Slab<Fragment>& fragments = *tcb().store->fragments;
  EXPECT_LE(fragments.in_use(), fragments.capacity() / 2);
}

// Others have taken all that they may: there is something left for this one
// (R163).
TEST_F(ScarceMemory, EveryConnectionHasAShareOfTheFragments) {
  memory = {4096, 512, 1024};
  StartQuiet();
  Slab<Fragment>& fragments = *tcb().store->fragments;
  std::vector<Fragment*> others;
  while (fragments.in_use() < fragments.capacity() * 3 / 4) {
    others.push_back(fragments.Allocate());
  }
  for (uint32_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(Feed(Data(1000 * i, 256)).reason, SegmentReason::kDataOutOfOrder);
  }
  Pull();
  for (Fragment* fragment : others) fragments.Free(fragment);
}

// What F-RTO sends instead finds no range: nothing that is lost is forgotten.
TEST_F(ScarceMemory, LostBytesStayLostWithoutRanges) {
  memory = {4096, 256, 1};
  params.tail_loss_probe = false;
  state.delegated.cwnd = 20 * kMss;
  StartQuiet();
  FlightRange* taken = tcb().store->flight_ranges->Allocate();
  ASSERT_NE(taken, nullptr);
  Send(20 * kMss);
  Pull();
  Send(5 * kMss);
  Pull();
  FireNext();
  Pull();
  Feed(Ack(kOurs + 500));  // a part of the first one
  Pull();
  EXPECT_GE(Sending().flight.lost_bytes(), 19 * kMss);
  tcb().store->flight_ranges->Free(taken);
}

}  // namespace
}  // namespace chimney::tcp
