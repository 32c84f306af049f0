// SPDX-License-Identifier: BSD-3-Clause
// The short cut in front of the receive path changes nothing: two engines get
// the same segments, one of them without it (design D8).
#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "tcp/input.h"
#include "tests/support/byte_stream.h"
#include "tests/support/segment_conversion.h"
#include "tests/support/state_comparison.h"
#include "tests/support/test_tcb.h"

namespace chimney::testing {
namespace {

class FastPath : public ::testing::TestWithParam<uint64_t> {
 protected:
  FastPath()
      : random_(GetParam()),
        stream_(GetParam()),
        parameters_(GetParam() % 2 == 0 ? tcp::LinuxProfile()
                                        : tcp::ChimneyProfile()),
        whole_(parameters_),
        slow_(parameters_) {
    tcp::TcpState state = StateAtRest();
    state.constant.timestamps_enabled = random_.Chance(1, 2);
    state.constant.sack_enabled = random_.Chance(1, 2);
    state.delegated.ts_recent = 100;
    state.delegated.ts_time = 500;
    timestamps_ = state.constant.timestamps_enabled;
    EXPECT_TRUE(whole_.Import(now_, state));
    EXPECT_TRUE(slow_.Import(now_, state));
  }

  // Mostly what an ordinary peer sends, sometimes off by something.
  WireSegment RandomSegment() {
    tcp::Tcb& tcb = slow_.tcb();
    WireSegment segment;
    segment.flags = kAck;
    segment.seq = tcb.rcv_nxt().value();
    segment.ack = tcb.snd_una().value();
    segment.raw_window = 60'000;
    const uint32_t in_flight = tcb.snd_max().BytesFrom(tcb.snd_una());
    if (random_.Chance(1, 2)) segment.ack += random_.Below(in_flight + 1);
    if (random_.Chance(2, 3)) {
      segment.payload = stream_.Bytes(0, random_.Below(1'448));
    }
    if (timestamps_) segment.timestamps = WireSegment::Timestamps{tsval_, 500};
    if (random_.Chance(1, 20)) segment.seq += random_.Below(4'000) - 2'000;
    if (random_.Chance(1, 20)) segment.ack += random_.Below(4'000) - 2'000;
    if (random_.Chance(1, 20)) {
      segment.raw_window = static_cast<uint16_t>(random_.Below(65'536));
    }
    if (random_.Chance(1, 20)) segment.timestamps.reset();
    if (random_.Chance(1, 30) && segment.timestamps) {
      segment.timestamps->value -= random_.Below(50);
    }
    if (random_.Chance(1, 30)) {
      const uint32_t left = segment.ack + 1 + random_.Below(3'000);
      segment.sack.push_back({left, left + random_.Below(1'448)});
    }
    if (random_.Chance(1, 300)) segment.flags |= kFin;
    return segment;
  }
  void FeedBoth() {
    const WireSegment wire = RandomSegment();
    const packet::Segment segment = ToEngine(wire);
    tcp::Outcome fast;
    const bool taken = tcp::ProcessFast(whole_.tcb(), now_, segment, &fast);
    if (taken) {
      ++fast_count_;
    } else {
      fast = tcp::ProcessSegment(whole_.tcb(), now_, segment);
    }
    const tcp::Outcome slow = tcp::ProcessSegment(slow_.tcb(), now_, segment);
    ASSERT_EQ(fast.events, slow.events) << Describe(wire);
    ASSERT_EQ(tcp::SegmentReasonText(fast.reason),
              tcp::SegmentReasonText(slow.reason))
        << Describe(wire);
    ASSERT_EQ(fast.stop, slow.stop);
  }
  void SendBoth() {
    const uint32_t bytes = 1 + random_.Below(5'000);
    for (TestTcb* engine : {&whole_, &slow_}) {
      tcp::OnSend(engine->tcb(), now_,
                  engine->send_memory().Make(stream_.Bytes(0, bytes), 0, true));
    }
  }
  void ReadBoth() {
    const size_t max = random_.Below(60'000);
    ASSERT_EQ(whole_.Read(now_, max), slow_.Read(now_, max));
  }
  void TimeBoth() {
    const Instant due = tcp::NextDeadline(slow_.tcb());
    ASSERT_EQ(tcp::NextDeadline(whole_.tcb()), due);
    if (due.IsNever() || random_.Chance(1, 2)) {
      now_ = now_ + Duration::Micros(random_.Below(3'000));
    } else {
      now_ = std::max(now_, due);
    }
    tsval_ += random_.Below(3);
    ASSERT_EQ(tcp::OnTimer(whole_.tcb(), now_).events,
              tcp::OnTimer(slow_.tcb(), now_).events);
  }
  void ExpectEqual() {
    ASSERT_EQ(Difference(tcp::Query(whole_.tcb(), now_),
                         tcp::Query(slow_.tcb(), now_)),
              "");
    ASSERT_EQ(whole_.Pull(now_), slow_.Pull(now_));
    ASSERT_EQ(tcp::CheckInvariants(whole_.tcb()), nullptr);
  }

  Instant now_ = Instant::FromNanos(1'000'000'000);
  Random random_;
  ByteStream stream_;
  tcp::Parameters parameters_;
  TestTcb whole_;
  TestTcb slow_;
  bool timestamps_ = false;
  uint32_t tsval_ = 100;
  uint32_t fast_count_ = 0;
};

TEST_P(FastPath, EqualsTheSlowPath) {
  for (int step = 0; step < 600; ++step) {
    switch (random_.Below(8)) {
      case 0:
        SendBoth();
        break;
      case 1:
        ReadBoth();
        break;
      case 2:
        TimeBoth();
        break;
      default:
        FeedBoth();
        break;
    }
    if (!HasFatalFailure()) ExpectEqual();
    if (HasFatalFailure()) return;
    if (slow_.tcb().state() == tcp::ConnectionState::kClosed) break;
  }
  EXPECT_GT(fast_count_, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FastPath, ::testing::Range<uint64_t>(1, 61));

}  // namespace
}  // namespace chimney::testing
