// SPDX-License-Identifier: BSD-3-Clause
// Whole exchanges astride the wrap of the sequence space, both ways
// (RFC 9293 section 3.4): loss, repair, window edges, FINs, probes.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

// How many bytes before the wrap (or the change of sign) a stream begins.
struct WrapCase {
  const char* name;
  uint32_t boundary;
  uint32_t before;
};

void PrintTo(const WrapCase& which, std::ostream* out) { *out << which.name; }

class WrapAround : public EngineTest,
                   public ::testing::WithParamInterface<WrapCase> {
 protected:
  void SetUp() override {
    const SeqNum first(GetParam().boundary - GetParam().before);
    ours_ = first.value();
    state.delegated.snd_una = state.delegated.snd_nxt = first;
    state.delegated.snd_max = first;
    state.delegated.rcv_nxt = state.delegated.snd_wl1 = first;
    state.delegated.cwnd = 20 * kMss;
    state.constant.sack_enabled = true;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  uint32_t Theirs(uint32_t offset) const {
    return state.delegated.rcv_nxt.value() + offset;
  }
  uint32_t ours_ = 0;
};

TEST_P(WrapAround, ALossIsRepairedFromSackBlocks) {
  Send(6 * kMss);
  ASSERT_EQ(Pull().size(), 6u);
  WireSegment ack = Ack(ours_);
  for (uint32_t i = 2; i <= 6; ++i) {
    now = now + Duration::Millis(10);
    Feed(WithSack(ack, {{ours_ + kMss, ours_ + i * kMss}}));
  }
  EXPECT_EQ(Sending().flight.sacked_bytes(), 5 * kMss);
  const WireSegment again = PullOne();
  EXPECT_EQ(again.seq, ours_);
  EXPECT_EQ(again.payload, Stream(kMss));
  EXPECT_EQ(Feed(Ack(ours_ + 6 * kMss)).reason, SegmentReason::kAckAdvanced);
  EXPECT_EQ(tcb().unacked_send_bytes(), 0u);
}

TEST_P(WrapAround, ATimeoutSendsEverythingAgain) {
  Send(4 * kMss);
  Pull();
  while (tcb().trouble_counters().retransmit_timeouts == 0) FireNext();
  EXPECT_EQ(Pull()[0].seq, ours_);
  for (uint32_t i = 1; i <= 4; ++i) {
    now = now + Duration::Millis(10);
    EXPECT_EQ(Feed(Ack(ours_ + i * kMss)).reason, SegmentReason::kAckAdvanced);
    Pull();
  }
  EXPECT_EQ(tcb().snd_una(), SeqNum(ours_ + 4 * kMss));
}

TEST_P(WrapAround, TheSendWindowEndsWhereItShould) {
  Feed(Ack(ours_, 2 * kMss));
  Send(10 * kMss);
  const std::vector<WireSegment> sent = Pull();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].EndSeq(), ours_ + 2 * kMss);
  Feed(Ack(ours_ + 2 * kMss, 0));
  FireNext();
  const WireSegment probe = PullOne();
  EXPECT_EQ(probe.seq, ours_ + 2 * kMss);
  EXPECT_EQ(probe.payload, Stream(1, 2 * kMss));
}

TEST_P(WrapAround, HolesAreReportedAndFilled) {
  Feed(Data(kMss, 2 * kMss));
  using Blocks = std::vector<WireSegment::Block>;
  EXPECT_EQ(PullOne().sack, (Blocks{{Theirs(kMss), Theirs(3 * kMss)}}));
  Feed(Data(4 * kMss, 10));
  PullOne();
  Feed(Data(0, kMss));
  EXPECT_EQ(PullOne().ack, Theirs(3 * kMss));
  Feed(Data(3 * kMss, kMss));
  EXPECT_EQ(PullOne().ack, Theirs(4 * kMss + 10));
  EXPECT_EQ(Read(), Stream(4 * kMss + 10));
}

TEST_P(WrapAround, TheWindowsEdgesAreWhereTheyShould) {
  EXPECT_EQ(Feed(Data(65535, 1)).reason, SegmentReason::kBeyondWindow);
  EXPECT_EQ(Feed(Data(65534, 1)).reason, SegmentReason::kDataOutOfOrder);
  EXPECT_EQ(Feed(Data(0xFFFFFFFF, 1)).reason, SegmentReason::kOldDuplicate);
  WireSegment rst = Ack(ours_);
  rst.flags = testing::kRst;
  rst.seq = Theirs(65535);
  EXPECT_EQ(Feed(rst).reason, SegmentReason::kRstOutsideWindow);
  rst.seq = Theirs(65534);
  EXPECT_EQ(Feed(rst).reason, SegmentReason::kRstChallenged);
  rst.seq = Theirs(0xFFFFFFFF);
  EXPECT_EQ(Feed(rst).reason, SegmentReason::kRstOutsideWindow);
  rst.seq = Theirs(0);
  EXPECT_EQ(Feed(rst).reason, SegmentReason::kRstAccepted);
}

TEST_P(WrapAround, BothFinsCross) {
  const uint32_t count = GetParam().before;  // the FIN is the boundary
  Send(count);
  Close();
  EXPECT_TRUE(Pull().back().Has(testing::kFin));
  WireSegment last = Data(0, count);
  last.flags |= testing::kFin;
  last.ack = ours_ + count;
  EXPECT_EQ(Feed(last).reason, SegmentReason::kFinInOrder);
  EXPECT_EQ(tcb().state(), ConnectionState::kClosing);
  EXPECT_EQ(PullOne().ack, Theirs(count + 1));
  EXPECT_TRUE(Has(Feed(Ack(ours_ + count + 1)), kEventTimeWait));
  EXPECT_EQ(Read(), Stream(count));
}

TEST_P(WrapAround, AHandOverChangesNothing) {
  Send(3 * kMss);
  Pull();
  Feed(Ack(ours_ + kMss));
  Exported out;
  Export(tcb(), now, &out);
  EXPECT_EQ(out.state.delegated.snd_una, SeqNum(ours_ + kMss));
  EXPECT_EQ(out.state.delegated.snd_max, SeqNum(ours_ + 3 * kMss));
  ASSERT_TRUE(Import(tcb(), now, out.state, out.send_data, out.receive_data));
  Check();
  while (tcb().trouble_counters().retransmit_timeouts == 0) FireNext();
  EXPECT_EQ(Pull()[0].payload, Stream(kMss, kMss));
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, WrapAround,
    ::testing::Values(WrapCase{"WrapAtOnce", 0, 1},
                      WrapCase{"WrapSoon", 0, 700},
                      WrapCase{"WrapAtASegment", 0, 1460},
                      WrapCase{"WrapBehindTwo", 0, 3000},
                      WrapCase{"Sign", 1u << 31, 700},
                      WrapCase{"SignAtASegment", 1u << 31, 1460}),
    [](const auto& which) { return std::string(which.param.name); });

}  // namespace
}  // namespace chimney::tcp
