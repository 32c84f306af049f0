// SPDX-License-Identifier: BSD-3-Clause
// Segments that may not be processed: RFC 9293 3.10.7.4, RFC 5961, RFC 7323.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kWindow = 10000;

class InputChecks : public EngineTest {
 protected:
  void StartChecked() {
    state.delegated.rcv_wnd = kWindow;
    state.cached.initial_rcv_wnd = kWindow;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
  WireSegment At(int32_t offset, uint8_t flags) {
    WireSegment segment = Ack(kOurs);
    segment.seq = kTheirs + static_cast<uint32_t>(offset);
    segment.flags = flags;
    return segment;
  }
  WireSegment Rst(int32_t offset) { return At(offset, testing::kRst); }
  WireSegment Syn(int32_t offset) { return At(offset, testing::kSyn); }
};

TEST_F(InputChecks, RstAtRcvNxtAborts_R175) {
  StartChecked();
  Send(5);
  EXPECT_EQ(Feed(Rst(0)).reason, SegmentReason::kRstAccepted);
  EXPECT_TRUE(Has(last_, kEventAborted));
  EXPECT_TRUE(Has(last_, kEventSendAcked));
  EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
  SendRecord* record = NextCompletedSend(tcb());
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(record->aborted);
  EXPECT_TRUE(Pull().empty());
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

TEST_F(InputChecks, RstInTheWindowIsChallengedOncePerInterval_R158) {
  StartChecked();
  for (const int32_t offset : {1, 5000, 9999}) {
    now = now + params.challenge_ack_interval;
    EXPECT_EQ(Feed(Rst(offset)).reason, SegmentReason::kRstChallenged);
    const WireSegment challenge = PullOne();
    EXPECT_EQ(challenge.ack, kTheirs);
    EXPECT_EQ(challenge.seq, kOurs);
    EXPECT_EQ(Feed(Rst(offset)).reason, SegmentReason::kRstThrottled);
    EXPECT_TRUE(Pull().empty());
  }
  EXPECT_EQ(tcb().state(), ConnectionState::kEstablished);
}

TEST_F(InputChecks, ChimneyProfileChallengesOnceUntilThePeerIsHeard_R158) {
  params = ChimneyProfile();
  StartChecked();
  EXPECT_EQ(Feed(Rst(1)).reason, SegmentReason::kRstChallenged);
  now = now + Duration::Seconds(60);
  EXPECT_EQ(Feed(Rst(1)).reason, SegmentReason::kRstThrottled);
  for (uint32_t i = 0; i < 3; ++i) {
    Feed(Data(i, 1));
    EXPECT_EQ(Feed(Rst(100)).reason, SegmentReason::kRstChallenged);
    EXPECT_EQ(Feed(Rst(100)).reason, SegmentReason::kRstThrottled);
  }
}

TEST_F(InputChecks, RstOutsideTheWindowIsDroppedSilently_R158) {
  StartChecked();
  for (const int32_t offset : {-1, 10000, -70000, 0x7FFFFFFF}) {
    EXPECT_EQ(Feed(Rst(offset)).reason, SegmentReason::kRstOutsideWindow);
    EXPECT_TRUE(Pull().empty());
  }
}

TEST_F(InputChecks, AChallengeMakesKeepaliveAskWithinFiveMinutes_R160) {
  state.cached.ka_interval = Duration::Seconds(10);
  state.cached.ka_probe_count = 2;
  StartChecked();
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
  Feed(Rst(1));
  Pull();
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(300));
  FireNext();
  const WireSegment probe = PullOne();
  EXPECT_EQ(probe.seq, kOurs - 1);
  EXPECT_EQ(UntilDeadline(), Duration::Seconds(10));
  FireNext();
  Pull();
  const Outcome outcome = FireNext();
  EXPECT_EQ(outcome.stop, StopReason::kKeepaliveTimeout);
  EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
}

TEST_F(InputChecks, AnAcceptableSegmentEndsTheValidation_R160) {
  StartChecked();
  Feed(Rst(1));
  Feed(Ack(kOurs));
  Pull();
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

TEST_F(InputChecks, SynAtRcvNxtIsUploadedClosed_R157) {
  StartChecked();
  EXPECT_EQ(Feed(Syn(0)).reason, SegmentReason::kSynAtRcvNxt);
  EXPECT_EQ(last_.stop, StopReason::kSynInWindow);
  EXPECT_EQ(tcb().state(), ConnectionState::kClosed);
  EXPECT_TRUE(Pull().empty());
}

TEST_F(InputChecks, SynElsewhereIsChallenged_R159) {
  StartChecked();
  EXPECT_EQ(Feed(Syn(1)).reason, SegmentReason::kSynChallenged);
  PullOne();
  EXPECT_EQ(Feed(Syn(1)).reason, SegmentReason::kSynThrottled);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Feed(Syn(-1)).reason, SegmentReason::kSynChallenged);
    PullOne();
  }
}

TEST_F(InputChecks, AckOfUnsentDataIsAnsweredAndDropped_RFC5961) {
  StartChecked();
  WireSegment segment = Data(0, 10);
  segment.ack = kOurs + 1;
  EXPECT_EQ(Feed(segment).reason, SegmentReason::kAckOfUnsentData);
  EXPECT_EQ(PullOne().ack, kTheirs);
}

TEST_F(InputChecks, AckFarBelowUnaIsAnsweredAndDropped_RFC5961) {
  state.delegated.snd_wnd = 1000;
  state.delegated.max_snd_wnd = 1000;
  StartChecked();
  EXPECT_EQ(Feed(Ack(kOurs - 1000)).reason, SegmentReason::kAckOld);
  EXPECT_EQ(Feed(Ack(kOurs - 1001)).reason, SegmentReason::kAckTooOld);
  PullOne();
}

TEST_F(InputChecks, WithoutTheAckBitASegmentIsDropped) {
  StartChecked();
  WireSegment segment = Data(0, 10);
  segment.flags = 0;
  EXPECT_EQ(Feed(segment).reason, SegmentReason::kAckFlagMissing);
  EXPECT_TRUE(Pull().empty());
}

TEST_F(InputChecks, BothSidesOfEveryWindowEdge) {
  StartChecked();
  EXPECT_EQ(Feed(At(-1, testing::kAck)).reason, SegmentReason::kOldDuplicate);
  EXPECT_EQ(PullOne().ack, kTheirs);
  // Two ends that disagree must not answer each other for ever.
  EXPECT_EQ(Feed(At(-1, testing::kAck)).reason, SegmentReason::kReplyThrottled);
  EXPECT_EQ(Feed(At(0, testing::kAck)).reason, SegmentReason::kAckUnchanged);
  EXPECT_EQ(Feed(At(10000, testing::kAck)).reason,
            SegmentReason::kAckUnchanged);
  now = now + Duration::Seconds(1);
  EXPECT_EQ(Feed(At(10001, testing::kAck)).reason,
            SegmentReason::kBeyondWindow);
  PullOne();
  EXPECT_EQ(Feed(Data(10000, 1)).reason, SegmentReason::kBeyondWindow);
  EXPECT_EQ(Feed(Data(9999, 1)).reason, SegmentReason::kDataOutOfOrder);
  WireSegment old = Data(0, 5);
  old.seq = kTheirs - 5;
  EXPECT_EQ(Feed(old).reason, SegmentReason::kOldDuplicate);
  old.seq = kTheirs - 4;
  EXPECT_EQ(Feed(old).reason, SegmentReason::kDataInOrder);
  EXPECT_EQ(tcb().rcv_nxt(), SeqNum(kTheirs + 1));
}

TEST_F(InputChecks, UrgentDataStopUnprocessed_R156) {
  StartChecked();
  WireSegment urgent = Data(0, 10);
  urgent.flags |= testing::kUrg;
  urgent.ack = kOurs + 1;
  EXPECT_EQ(Feed(urgent).reason, SegmentReason::kAckOfUnsentData);
  EXPECT_FALSE(Has(last_, kEventStopped));
  urgent.ack = kOurs;
  EXPECT_EQ(Feed(urgent).reason, SegmentReason::kUrgentData);
  EXPECT_EQ(last_.stop, StopReason::kUrgentData);
  EXPECT_EQ(tcb().state(), ConnectionState::kEstablished);
  EXPECT_EQ(tcb().rcv_nxt(), SeqNum(kTheirs));
  Pull();
  // Later segments are the host's, too.
  EXPECT_EQ(Feed(Data(10, 10)).reason, SegmentReason::kStopped);
  EXPECT_TRUE(Pull().empty());
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
}

// A probe of a closed window is answered, but not when it is the host's.
TEST_F(InputChecks, UrgentDataAtAClosedWindowAreNotAnswered_R156) {
  state.delegated.rcv_wnd = 0;
  state.cached.initial_rcv_wnd = 0;
  params.quick_ack_segments = 0;
  Start();
  FlushOwedAck(tcb());
  Pull();
  WireSegment urgent = Data(0, 1);
  urgent.flags |= testing::kUrg;
  EXPECT_EQ(Feed(urgent).stop, StopReason::kUrgentData);
  EXPECT_TRUE(Pull().empty());
}

class Paws : public InputChecks {
 protected:
  void SetUp() override {
    state.constant.timestamps_enabled = true;
    state.delegated.ts_recent = 0xFFFFFFF0;
    StartChecked();
  }
  WireSegment Stamped(uint32_t tsval) {
    WireSegment segment = Data(0, 10);
    segment.timestamps = WireSegment::Timestamps{tsval, 0};
    return segment;
  }
};

TEST_F(Paws, OlderTimestampIsRejectedAndAnswered_R199) {
  EXPECT_EQ(Feed(Stamped(0xFFFFFFEF)).reason, SegmentReason::kPawsRejected);
  EXPECT_EQ(PullOne().ack, kTheirs);
  EXPECT_EQ(Feed(Stamped(0xFFFFFFF0)).reason, SegmentReason::kDataInOrder);
}

TEST_F(Paws, TimestampsWrap_R199) {
  EXPECT_EQ(Feed(Stamped(3)).reason, SegmentReason::kDataInOrder);
  EXPECT_EQ(tcb().ts.recent, 3u);
  FlushOwedAck(tcb());
  EXPECT_EQ(PullOne().timestamps->echo, 3u);
}

// The clock of the peer may count microseconds; the kernel's limit as well.
TEST_F(Paws, AfterHalfARoundOfTheClockItMeansNothing_R199_RFC7323_5_5) {
  now = now + Duration::Micros(0x7fffffff);
  EXPECT_EQ(Feed(Stamped(5'000'000 - 1'000'000'000)).reason,
            SegmentReason::kPawsRejected);
  now = now + Duration::Nanos(1);
  EXPECT_EQ(Feed(Stamped(5'000'000 - 1'000'000'000)).reason,
            SegmentReason::kDataInOrder);
}

TEST_F(Paws, RstNeedsNoTimestamp_RFC7323_5_2) {
  EXPECT_EQ(Feed(Rst(0)).reason, SegmentReason::kRstAccepted);
}

TEST_F(Paws, ASynAtRcvNxtNeedsAGoodTimestamp_R157_RFC7323_5_3) {
  WireSegment syn = Syn(0);
  syn.timestamps.reset();
  EXPECT_EQ(Feed(syn).reason, SegmentReason::kSynChallenged);
  EXPECT_EQ(PullOne().ack, kTheirs);
  now = now + params.challenge_ack_interval;
  syn.timestamps = WireSegment::Timestamps{0xFFFFFFEF, 0};
  EXPECT_EQ(Feed(syn).reason, SegmentReason::kSynChallenged);
  EXPECT_EQ(Feed(syn).reason, SegmentReason::kSynThrottled);  // R159
  EXPECT_EQ(tcb().state(), ConnectionState::kEstablished);
  syn.timestamps = WireSegment::Timestamps{0xFFFFFFF0, 0};
  EXPECT_EQ(Feed(syn).reason, SegmentReason::kSynAtRcvNxt);
}

TEST_F(Paws, AMissingTimestampIsDropped_RFC7323_3_2) {
  WireSegment segment = Data(0, 10);
  segment.timestamps.reset();
  EXPECT_EQ(Feed(segment).reason, SegmentReason::kTimestampMissing);
}

TEST_F(Paws, OnlyASegmentAtTheLastAckMovesTsRecent_RFC7323_4_3) {
  WireSegment segment = Data(100, 10);
  segment.timestamps = WireSegment::Timestamps{50, 0};
  Feed(segment);
  EXPECT_EQ(tcb().ts.recent, 0xFFFFFFF0);
  Feed(Stamped(60));
  EXPECT_EQ(tcb().ts.recent, 60u);
}

}  // namespace
}  // namespace chimney::tcp
