// SPDX-License-Identifier: BSD-3-Clause
// The three flags of the constant state in all eight combinations: a set flag
// is honoured both ways, a clear one neither way (R122).
#include <string>

#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

constexpr uint8_t kSndShift = 3;
constexpr uint8_t kRcvShift = 2;
constexpr uint32_t kRcvWnd = 40000;
constexpr uint32_t kTsRecent = 70;

class OptionFlags : public EngineTest,
                    public ::testing::WithParamInterface<int> {
 protected:
  bool timestamps() const { return (GetParam() & 1) != 0; }
  bool scaling() const { return (GetParam() & 2) != 0; }
  bool sack() const { return (GetParam() & 4) != 0; }

  // The scale factors are there in any case: the flag alone decides.
  void SetUp() override {
    state.constant.timestamps_enabled = timestamps();
    state.constant.window_scaling_enabled = scaling();
    state.constant.sack_enabled = sack();
    state.constant.snd_wind_scale = kSndShift;
    state.constant.rcv_wind_scale = kRcvShift;
    state.cached.initial_rcv_wnd = kRcvWnd;
    state.cached.keepalive_enabled = true;
    state.delegated.rcv_wnd = kRcvWnd;
    state.delegated.ts_recent = kTsRecent;
    state.delegated.ts_time = 900;
    state.delegated.ssthresh = 20000;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Judge(PullOne());
  }

  // What is true of every segment that leaves.
  void Judge(const WireSegment& segment) {
    SCOPED_TRACE(Describe(segment));
    ASSERT_EQ(segment.timestamps.has_value(), timestamps());
    if (timestamps()) {
      EXPECT_EQ(segment.timestamps->echo, kTsRecent);
    }
    if (!sack()) {
      EXPECT_TRUE(segment.sack.empty());
    }
  }
  WireSegment JudgedOne() {
    const WireSegment segment = PullOne();
    Judge(segment);
    return segment;
  }
};

TEST_P(OptionFlags, EverySegmentCarriesTheTimestampOrNone_R122) {
  Send(3000);
  const std::vector<WireSegment> sent = Pull();
  ASSERT_EQ(sent.size(), 3u);
  for (const WireSegment& segment : sent) Judge(segment);
  EXPECT_EQ(sent[0].payload.size(), kMss - (timestamps() ? 12u : 0u));
  while (tcb().trouble_counters().retransmit_timeouts == 0) {
    FireNext();
    for (const WireSegment& segment : Pull()) Judge(segment);
  }
  Feed(Ack(kOurs + 3000));
  Feed(Data(0, 10));
  FlushOwedAck(tcb());
  JudgedOne();
  FireAfter(state.cached.ka_timeout);
  EXPECT_EQ(JudgedOne().seq, kOurs + 3000 - 1);  // keepalive
  Feed(Ack(kOurs + 3000, 0));
  Send(10);
  FireNext();
  EXPECT_EQ(JudgedOne().payload.size(), 1u);  // window probe
  Feed(Ack(kOurs + 3001, 65535));
  JudgedOne();
  Feed(Ack(kOurs + 3010));
  Close();
  EXPECT_TRUE(JudgedOne().Has(testing::kFin));
  Close(true);
  EXPECT_TRUE(JudgedOne().Has(testing::kRst));
}

TEST_P(OptionFlags, ATimestampCountsOnlyWhereItWasNegotiated_R122) {
  WireSegment old = Data(0, 10);
  old.timestamps = WireSegment::Timestamps{kTsRecent - 1, 0};
  EXPECT_EQ(Feed(old).reason, timestamps() ? SegmentReason::kPawsRejected
                                           : SegmentReason::kDataInOrder);
}

TEST_P(OptionFlags, BothWindowsAreScaledOrNot_R122) {
  FlushOwedAck(tcb());
  Feed(Data(0, 400));
  FlushOwedAck(tcb());
  const uint32_t edge_bytes = kRcvWnd - 400;
  EXPECT_EQ(JudgedOne().raw_window,
            scaling() ? edge_bytes >> kRcvShift : edge_bytes);
  EXPECT_EQ(tcb().rcv_wnd(), edge_bytes);
  Feed(Ack(kOurs, 1000));
  EXPECT_EQ(tcb().snd_wnd(), scaling() ? 1000u << kSndShift : 1000u);
}

TEST_P(OptionFlags, SackBlocksAreSentOrNot_R122) {
  Feed(Data(1000, 100));
  const WireSegment duplicate = JudgedOne();
  EXPECT_EQ(duplicate.ack, kTheirs);
  using Blocks = std::vector<WireSegment::Block>;
  EXPECT_EQ(duplicate.sack,
            sack() ? Blocks({{kTheirs + 1000, kTheirs + 1100}}) : Blocks());
}

TEST_P(OptionFlags, SackBlocksAreHeededOrSkipped_R6_R122) {
  Send(4 * kMss);
  const std::vector<WireSegment> sent = Pull();
  ASSERT_GE(sent.size(), 4u);
  const uint32_t first = sent[0].EndSeq();
  const uint32_t last = sent.back().EndSeq();
  // The first segment arrived, the second did not, all others did.
  WireSegment ack = WithSack(Ack(first), {{sent[1].EndSeq(), last}});
  EXPECT_EQ(Feed(ack).reason, SegmentReason::kAckAdvanced);
  EXPECT_EQ(Sending().flight.sacked_bytes(),
            sack() ? last - sent[1].EndSeq() : 0u);
  EXPECT_EQ(tcb().snd_una(), SeqNum(first));
  // The rest of a segment with blocks counts in any case.
  WireSegment data = Data(0, 10);
  data.ack = first;
  data.sack = ack.sack;
  EXPECT_EQ(Feed(data).reason, SegmentReason::kDataInOrder);
}

INSTANTIATE_TEST_SUITE_P(
    All, OptionFlags, ::testing::Range(0, 8), [](const auto& flags) {
      const int bits = flags.param;
      return std::string((bits & 1) != 0 ? "Timestamps" : "NoTimestamps") +
             ((bits & 2) != 0 ? "Scaling" : "NoScaling") +
             ((bits & 4) != 0 ? "Sack" : "NoSack");
    });

}  // namespace
}  // namespace chimney::tcp
