// SPDX-License-Identifier: BSD-3-Clause
// Segment text: in order, out of order, delayed acknowledgement, SACK blocks.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class ReceiveData : public EngineTest {
 protected:
  // Past the segments that are acknowledged at once after an import.
  void StartQuiet(const Bytes& unread = {}) {
    params.quick_ack_segments = 0;
    Start({}, unread);
    FlushOwedAck(tcb());
    Pull();
  }
};

TEST_F(ReceiveData, InOrderIsDeliveredAndAcknowledgedOnEverySecondSegment) {
  StartQuiet();
  EXPECT_EQ(Feed(Data(0, 1000)).reason, SegmentReason::kDataInOrder);
  EXPECT_TRUE(Has(last_, kEventReceiveReady));
  EXPECT_FALSE(Has(last_, kEventOutput));
  EXPECT_TRUE(Has(Feed(Data(1000, 1000)), kEventOutput));
  const WireSegment ack = PullOne();
  EXPECT_EQ(ack.ack, kTheirs + 2000);
  EXPECT_EQ(ack.seq, kOurs);
  EXPECT_EQ(ack.flags, testing::kAck);
  EXPECT_EQ(Read(), Stream(2000));
}

TEST_F(ReceiveData, ALoneSegmentIsAcknowledgedByTheTimer_R189) {
  StartQuiet();
  Feed(Data(0, 10));
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(UntilDeadline(), Duration::Millis(40));
  FireNext();
  EXPECT_EQ(PullOne().ack, kTheirs + 10);
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

TEST_F(ReceiveData, SentDataCarriesTheOwedAck) {
  StartQuiet();
  Feed(Data(0, 10));
  Send(5);
  EXPECT_EQ(PullOne().ack, kTheirs + 10);
  EXPECT_EQ(tcb().timers.delayed_ack, Instant::Never());
}

TEST_F(ReceiveData, ARetransmissionDoesNotPayTheOwedAck) {
  StartQuiet();
  Send(5);
  Pull();
  Feed(Data(0, 10));
  tcb().timers.delayed_ack = now + Duration::Seconds(60);
  FireNext();
  EXPECT_EQ(PullOne().payload.size(), 5u);
  // The peer may have had these bytes and look no further.
  EXPECT_NE(tcb().timers.delayed_ack, Instant::Never());
}

TEST_F(ReceiveData, SegmentsAfterAnImportAreAcknowledgedAtOnce) {
  params.quick_ack_segments = 1;
  Start();
  Feed(Data(0, 10));
  EXPECT_EQ(PullOne().ack, kTheirs + 10);
  Feed(Data(10, 10));
  EXPECT_TRUE(Pull().empty());
}

TEST_F(ReceiveData, OwedAckIsFlushedBeforeAnUpload_R98) {
  StartQuiet();
  Feed(Data(0, 10));
  EXPECT_FALSE(HasOutput(tcb()));
  FlushOwedAck(tcb());
  EXPECT_EQ(PullOne().ack, kTheirs + 10);
}

TEST_F(ReceiveData, HolesAreFilledInAnyOrder_R163) {
  StartQuiet();
  EXPECT_EQ(Feed(Data(3000, 1000)).reason, SegmentReason::kDataOutOfOrder);
  EXPECT_EQ(PullOne().ack, kTheirs);  // A duplicate ACK at once (RFC 5681).
  EXPECT_EQ(Feed(Data(1000, 1000)).reason, SegmentReason::kDataOutOfOrder);
  EXPECT_EQ(tcb().out_of_order_bytes(), 2000u);
  Feed(Data(0, 1000));
  EXPECT_EQ(PullOne().ack, kTheirs + 2000);
  Feed(Data(2000, 1000));
  EXPECT_EQ(PullOne().ack, kTheirs + 4000);
  EXPECT_EQ(tcb().out_of_order_bytes(), 0u);
  EXPECT_EQ(Read(), Stream(4000));
}

TEST_F(ReceiveData, OverlappingSegmentsAreStoredOnce) {
  StartQuiet();
  Feed(Data(500, 500));
  Feed(Data(1500, 500));
  Feed(Data(200, 2000));
  EXPECT_EQ(tcb().out_of_order_bytes(), 2000u);
  EXPECT_EQ(Feed(Data(600, 300)).reason, SegmentReason::kDataDuplicate);
  Feed(Data(0, 1000));
  EXPECT_EQ(tcb().unread_bytes(), 2200u);
  EXPECT_EQ(Read(), Stream(2200));
}

TEST_F(ReceiveData, TheNewestSackBlockComesFirst_RFC2018) {
  state.constant.sack_enabled = true;
  StartQuiet();
  using Blocks = std::vector<WireSegment::Block>;
  Feed(Data(1000, 100));
  EXPECT_EQ(PullOne().sack, (Blocks{{6000, 6100}}));
  Feed(Data(3000, 100));
  EXPECT_EQ(PullOne().sack, (Blocks{{8000, 8100}, {6000, 6100}}));
  Feed(Data(1100, 100));
  EXPECT_EQ(PullOne().sack, (Blocks{{6000, 6200}, {8000, 8100}}));
  Feed(Data(0, 1000));
  EXPECT_EQ(PullOne().sack, (Blocks{{8000, 8100}}));
  // RFC 2883: what came twice is reported once, in front.
  Feed(Data(3000, 100));
  EXPECT_EQ(PullOne().sack, (Blocks{{8000, 8100}, {8000, 8100}}));
  Feed(Data(0, 50));
  EXPECT_EQ(PullOne().sack, (Blocks{{5000, 5050}, {8000, 8100}}));
  Feed(Data(4000, 10));
  EXPECT_EQ(PullOne().sack, (Blocks{{9000, 9010}, {8000, 8100}}));
}

TEST_F(ReceiveData, ThePartThatCameBeforeIsReported_RFC2883_4_2) {
  state.constant.sack_enabled = true;
  StartQuiet();
  using Blocks = std::vector<WireSegment::Block>;
  Feed(Data(0, 1000));
  Feed(Data(500, 1000));
  EXPECT_EQ(PullOne().sack, (Blocks{{kTheirs + 500, kTheirs + 1000}}));
  Feed(Data(3000, 100));
  EXPECT_EQ(PullOne().sack, (Blocks{{kTheirs + 3000, kTheirs + 3100}}));
}

TEST_F(ReceiveData, ThePartThatIsHeldIsReported_RFC2883_4_2) {
  state.constant.sack_enabled = true;
  StartQuiet();
  using Blocks = std::vector<WireSegment::Block>;
  Feed(Data(1000, 1000));
  Pull();
  Feed(Data(1500, 1000));  // its front is held
  EXPECT_EQ(PullOne().sack, (Blocks{{kTheirs + 1500, kTheirs + 2000},
                                    {kTheirs + 1000, kTheirs + 2500}}));
  Feed(Data(500, 1000));  // its end is
  EXPECT_EQ(PullOne().sack, (Blocks{{kTheirs + 1000, kTheirs + 1500},
                                    {kTheirs + 500, kTheirs + 2500}}));
  Feed(Data(0, 700));  // the same, and it fills the hole
  const WireSegment filled = PullOne();
  EXPECT_EQ(filled.ack, kTheirs + 2500);
  EXPECT_EQ(filled.sack, (Blocks{{kTheirs + 500, kTheirs + 700}}));
}

TEST_F(ReceiveData, NoSackBlocksUnlessNegotiated_R122) {
  StartQuiet();
  Feed(Data(1000, 100));
  EXPECT_TRUE(PullOne().sack.empty());
}

TEST_F(ReceiveData, WhatFindsNoMemoryIsNotAcknowledged) {
  memory.chunk_bytes = 512;
  memory.chunk_count = 2;
  StartQuiet();
  EXPECT_EQ(Feed(Data(0, 1500)).reason, SegmentReason::kNoReceiveMemory);
  FlushOwedAck(tcb());
  EXPECT_EQ(PullOne().ack, kTheirs + 1024);
  EXPECT_EQ(Feed(Data(1024, 10)).reason, SegmentReason::kNoReceiveMemory);
  FlushOwedAck(tcb());
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(Read(), Stream(1024));
  EXPECT_EQ(Feed(Data(1024, 10)).reason, SegmentReason::kDataInOrder);
  EXPECT_EQ(Read(), Stream(10, 1024));
}

TEST_F(ReceiveData, OutOfOrderDataAreBounded) {
  params.max_reassembly_bytes = 1000;
  StartQuiet();
  EXPECT_EQ(Feed(Data(5000, 600)).reason, SegmentReason::kDataOutOfOrder);
  EXPECT_EQ(Feed(Data(9000, 600)).reason, SegmentReason::kReassemblyFull);
  EXPECT_EQ(tcb().out_of_order_bytes(), 600u);
  // Data in order are not counted against it.
  EXPECT_EQ(Feed(Data(0, 1400)).reason, SegmentReason::kDataInOrder);
}

TEST_F(ReceiveData, SmallSegmentsShareAChunk) {
  memory.chunk_bytes = 512;
  memory.chunk_count = 1;
  StartQuiet();
  for (uint32_t i = 0; i < 50; ++i) Feed(Data(i * 10, 10));
  EXPECT_EQ(tcb().unread_bytes(), 500u);
  EXPECT_EQ(Read(), Stream(500));
}

TEST_F(ReceiveData, UnreadDataOfTheHostComeFirst_R45) {
  StartQuiet(Stream(100));
  EXPECT_EQ(tcb().unread_bytes(), 100u);
  Feed(Data(0, 50));
  Bytes expected = Stream(100);
  const Bytes later = Stream(50);
  expected.insert(expected.end(), later.begin(), later.end());
  EXPECT_EQ(Read(), expected);
}

TEST_F(ReceiveData, SequenceNumbersWrap) {
  state.delegated.rcv_nxt = SeqNum(0xFFFFFF00);
  state.delegated.snd_wl1 = SeqNum(0xFFFFFF00);
  state.constant.sack_enabled = true;
  StartQuiet();
  Feed(Data(1000, 1000));
  EXPECT_EQ(PullOne().sack[0],
            (WireSegment::Block{0xFFFFFF00 + 1000, 0xFFFFFF00 + 2000}));
  Feed(Data(0, 1000));
  EXPECT_EQ(PullOne().ack, 0xFFFFFF00 + 2000);
  EXPECT_EQ(Read(), Stream(2000));
}

TEST_F(ReceiveData, TheFirstSackBlockIsAllThatIsContiguous_RFC2018_4) {
  state.constant.sack_enabled = true;
  StartQuiet();
  // Six islands: the ACKs remember fewer.
  for (uint32_t i = 0; i < 6; ++i) {
    Feed(Data(1000 + i * 2000, 1000));
    Pull();
  }
  Feed(Data(2000, 500));  // joins the first one
  const WireSegment ack = PullOne();
  ASSERT_FALSE(ack.sack.empty());
  EXPECT_EQ(ack.sack[0].left, kTheirs + 1000);
  EXPECT_EQ(ack.sack[0].right, kTheirs + 2500);
}

// RFC 5681 section 4.2: also when a worker takes in a burst before it sends.
TEST_F(ReceiveData, ABurstOutOfOrderIsThreeDuplicatesAtLeast_RFC5681_4_2) {
  StartQuiet();
  for (uint32_t i = 1; i <= 10; ++i) Feed(Data(i * 1000, 1000));
  const std::vector<WireSegment> acks = Pull();
  EXPECT_GE(acks.size(), 3u);
  EXPECT_LE(acks.size(), 10u);
  for (const WireSegment& ack : acks) {
    EXPECT_EQ(ack.ack, kTheirs);
    EXPECT_TRUE(ack.payload.empty());
  }
}

// Of an RCV.NXT that has moved, no duplicates are owed.
TEST_F(ReceiveData, AFilledHoleIsAcknowledgedOnce) {
  StartQuiet();
  for (uint32_t i = 1; i <= 5; ++i) Feed(Data(i * 1000, 1000));
  Feed(Data(0, 1000));
  EXPECT_EQ(PullOne().ack, kTheirs + 6000);
}

TEST_F(ReceiveData, AFinInOrderEndsTheDuplicates) {
  StartQuiet();
  for (uint32_t i = 1; i <= 5; ++i) Feed(Data(i * 1000, 1000));
  WireSegment fin = Ack(kOurs);
  fin.flags = testing::kAck | testing::kFin;
  Feed(fin);
  EXPECT_EQ(PullOne().ack, kTheirs + 1);
}

}  // namespace
}  // namespace chimney::tcp
