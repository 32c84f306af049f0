// SPDX-License-Identifier: BSD-3-Clause
// What the rule book says of holes and of FINs among them (R163-R165).
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class ReassemblyRules : public EngineTest {
 protected:
  void SetUp() override {
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  WireSegment DataFin(uint32_t offset, uint32_t count) {
    WireSegment segment = Data(offset, count);
    segment.flags |= testing::kFin;
    return segment;
  }
  // The ACK that answers what was fed last.
  uint32_t Answer() { return PullOne().ack - kTheirs; }
};

TEST_F(ReassemblyRules, SegmentsTwoAndFourThenOneAndThree_R163) {
  Feed(Data(1000, 1000));
  EXPECT_EQ(Answer(), 0u);
  Feed(Data(3000, 1000));
  EXPECT_EQ(Answer(), 0u);
  Feed(Data(0, 1000));
  EXPECT_EQ(Answer(), 2000u);
  Feed(Data(2000, 1000));
  EXPECT_EQ(Answer(), 4000u);
  EXPECT_EQ(Read(), Stream(4000));
}

// More than the two that the rule asks for.
TEST_F(ReassemblyRules, TwentyHolesAreFilledBackwards_R163) {
  for (uint32_t i = 20; i-- != 0;) {
    Feed(Data(2000 * i + 1000, 1000));
    EXPECT_EQ(Answer(), 0u);
  }
  for (uint32_t i = 20; i-- != 1;) {
    Feed(Data(2000 * i, 1000));
    EXPECT_EQ(Answer(), 0u);
  }
  Feed(Data(0, 1000));
  EXPECT_EQ(Answer(), 40000u);
  EXPECT_EQ(Read(), Stream(40000));
}

TEST_F(ReassemblyRules, NothingQueuedBeyondAnInOrderFinIsDelivered_R164) {
  Feed(Data(500, 100));
  Feed(Data(90, 50));  // astride the end of the stream
  Feed(DataFin(0, 100));
  EXPECT_EQ(Answer(), 101u);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
  EXPECT_EQ(tcb().state(), ConnectionState::kCloseWait);
  EXPECT_EQ(Read(), Stream(100));
  EXPECT_EQ(Feed(Data(101, 399)).reason, SegmentReason::kDataAfterFin);
  EXPECT_TRUE(Read().empty());
  EXPECT_TRUE(tcb().FinDue());
}

TEST_F(ReassemblyRules, ABareFinInOrderFlushesTheQueue_R164) {
  Feed(Data(0, 100));
  Feed(Data(200, 100));
  Feed(DataFin(100, 0));
  EXPECT_EQ(Answer(), 101u);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
  EXPECT_EQ(Read(), Stream(100));
}

TEST_F(ReassemblyRules, DataBeyondAHeldFinAreDroppedWithTheQueue_R165) {
  EXPECT_EQ(Feed(DataFin(100, 50)).reason, SegmentReason::kFinOutOfOrder);
  Feed(Data(50, 20));
  EXPECT_EQ(Feed(Data(150, 10)).reason, SegmentReason::kDataBeyondHeldFin);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
  // The flushed bytes and the FIN are gone: what is in order goes no further.
  Pull();
  Feed(Data(0, 100));
  FlushOwedAck(tcb());
  EXPECT_EQ(Answer(), 100u);
  // The true data come again and complete the stream.
  EXPECT_EQ(Feed(DataFin(100, 50)).reason, SegmentReason::kFinInOrder);
  EXPECT_EQ(Answer(), 151u);
  EXPECT_EQ(Read(), Stream(150));
  EXPECT_TRUE(tcb().FinDue());
}

TEST_F(ReassemblyRules, DataAstrideAHeldFinAreDropped_R165) {
  Feed(DataFin(100, 50));
  EXPECT_EQ(Feed(Data(140, 20)).reason, SegmentReason::kDataBeyondHeldFin);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
}

TEST_F(ReassemblyRules, AnotherFinBeyondAHeldOneIsDropped_R165) {
  Feed(DataFin(100, 50));
  EXPECT_EQ(Feed(DataFin(200, 0)).reason, SegmentReason::kDataBeyondHeldFin);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
  EXPECT_FALSE(Has(Feed(Data(0, 200)), kEventFinReceived));
  EXPECT_EQ(tcb().state(), ConnectionState::kEstablished);
}

TEST_F(ReassemblyRules, DataUpToAHeldFinAreKept_R165) {
  Feed(DataFin(150, 0));
  EXPECT_EQ(Feed(Data(100, 50)).reason, SegmentReason::kDataOutOfOrder);
  EXPECT_EQ(Feed(DataFin(150, 0)).reason, SegmentReason::kFinOutOfOrder);
  Pull();
  EXPECT_TRUE(Has(Feed(Data(0, 100)), kEventFinReceived));
  EXPECT_EQ(Answer(), 151u);
  EXPECT_EQ(Read(), Stream(150));
}

}  // namespace
}  // namespace chimney::tcp
