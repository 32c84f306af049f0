// SPDX-License-Identifier: BSD-3-Clause
// The delivery algorithm (R125-R147, spec section 4.3) and the peer's FIN
// (R174).
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::Status;

class ReceiveTest : public WorkerTest {
 protected:
  void SetUp() override {
    WorkerTest::SetUp();
    ASSERT_TRUE(Offload());
    Poll();
    session.notices.clear();
  }
  Bytes PeerFin(uint32_t at) const {
    SegmentSpec spec;
    spec.seq = kRemoteSeq + at;
    spec.ack = kLocalSeq;
    spec.flags = packet::kTcpAck | packet::kTcpFin;
    spec.options.has_timestamps = true;
    spec.options.tsval = kPeerTs;
    spec.options.tsecr = kTsNow;
    return PeerFrame(spec);
  }
  uint32_t LastWindow() const {
    return uint32_t{Parsed(frames.to_wire.back()).segment.raw_window} << 7;
  }
};

TEST_F(ReceiveTest, R127PostedReceivesAreFilledInOrder) {
  Bytes first(4), second(6);
  EXPECT_EQ(Post(1, &first), RequestVerdict::kAccepted);
  EXPECT_EQ(Post(2, &second), RequestVerdict::kAccepted);
  FromWire(PeerData(Text("0123456789")));
  Poll();
  ASSERT_EQ(session.notices.size(), 2u);
  EXPECT_EQ(session.notices[0].id, 1u);
  EXPECT_EQ(session.notices[1].id, 2u);
  EXPECT_EQ(first, Text("0123"));
  EXPECT_EQ(second, Text("456789"));
  EXPECT_TRUE(Of(Notice::Kind::kReceiveIndication).empty());
}

TEST_F(ReceiveTest, R127WhatDoesNotFitIsIndicated) {
  Bytes buffer(4);
  Post(1, &buffer);
  FromWire(PeerData(Text("0123456789")));
  Poll();
  ASSERT_EQ(session.notices.size(), 2u);
  EXPECT_EQ(session.notices[0].kind, Notice::Kind::kReceiveComplete);
  EXPECT_EQ(session.Lent(session.notices[1]), Text("456789"));
}

TEST_F(ReceiveTest, R130PushReceiveCompletesWithAPushedSegment) {
  Bytes buffer(1000);
  Post(1, &buffer);
  FromWire(PeerData(Text("part"), 0, 0, true));
  Poll();
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].status, Status::kSuccess);
  EXPECT_EQ(session.notices[0].bytes, 4u);
}

TEST_F(ReceiveTest, R130PushTimerRestartsWithEachSegment) {
  Bytes buffer(1000);
  Post(1, &buffer);
  FromWire(PeerData(Text("aa"), 0, 0, false));
  Poll();
  Advance(Duration::Millis(30));
  FromWire(PeerData(Text("bb"), 2, 0, false));
  Poll();
  Advance(Duration::Millis(30));
  EXPECT_TRUE(session.notices.empty());
  Advance(Duration::Millis(11));
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].bytes, 4u);
}

TEST_F(ReceiveTest, R131NonPushReceiveOnlyCompletesWhenFull) {
  Bytes buffer(8);
  Post(1, &buffer, true);
  FromWire(PeerData(Text("part"), 0, 0, true));
  Advance(Duration::Seconds(1));
  EXPECT_TRUE(session.notices.empty());
  FromWire(PeerData(Text("rest"), 4));
  Poll();
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(buffer, Text("partrest"));
}

TEST_F(ReceiveTest, R128ZeroByteReceiveCompletes) {
  Bytes none;
  EXPECT_EQ(Post(1, &none), RequestVerdict::kAccepted);
  Poll();
  ASSERT_EQ(session.notices.size(), 1u);
  EXPECT_EQ(session.notices[0].status, Status::kSuccess);
}

TEST_F(ReceiveTest, R143WindowShrinksWhileDataIsLentAndOpensOnReturn) {
  for (uint32_t i = 0; i < 20; ++i) {
    FromWire(PeerData(Pattern(1400, i * 1400), i * 1400));
    Poll();
  }
  Advance(Duration::Millis(50));  // the last one's delayed ACK
  // Each ACK may round the window up by a unit of its scale.
  EXPECT_LE(LastWindow(), 65536u - 20 * 1400 + 20 * 128);
  Bytes all;
  const std::vector<Notice> lent = Of(Notice::Kind::kReceiveIndication);
  for (const Notice& notice : lent) {
    const Bytes piece = session.Lent(notice);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(all, Pattern(28000));
  for (const Notice& notice : lent) {
    EXPECT_EQ(Return(notice, notice.bytes), RequestVerdict::kAccepted);
  }
  FromWire(PeerData(Pattern(1, 28000), 28000));
  Advance(Duration::Millis(50));
  EXPECT_GE(LastWindow(), 60000u);
  const Notice last = session.notices.back();
  EXPECT_EQ(Return(last, 1), RequestVerdict::kAccepted);
  EXPECT_EQ(session.chunks()->in_use(), 0u);
}

// What it was lent before an upload counts, too: no window stands for that.
TEST_F(ReceiveTest, SessionThatConsumesNothingIsLentHalfItsMemory) {
  const uint32_t most = session.chunks()->chunk_count() / 2;
  uint32_t at = 0;
  for (uint32_t i = 0; i < most + 4; ++i) {
    FromWire(PeerData(Pattern(1400, at), at));
    at += 1400;
    Poll();
  }
  const auto lent_bytes = [this] {
    uint32_t bytes = 0;
    for (const Notice& n : Of(Notice::Kind::kReceiveIndication))
      bytes += n.bytes;
    return bytes;
  };
  EXPECT_LE(worker->TakeCensus().lent_pieces, most);
  const std::vector<Notice> lent = Of(Notice::Kind::kReceiveIndication);
  for (const Notice& n : lent) Return(n, n.bytes);
  Poll();
  EXPECT_EQ(lent_bytes(), at);
  const std::vector<Notice> all = Of(Notice::Kind::kReceiveIndication);
  for (size_t i = lent.size(); i < all.size(); ++i) {
    Return(all[i], all[i].bytes);
  }
}

TEST_F(ReceiveTest, R145ReturnsOfWhatIsNotLentBreakTheRules) {
  FromWire(PeerData(Text("0123456789")));
  Poll();
  const Notice lent = session.notices.at(0);
  EXPECT_EQ(Return(lent, 11), RequestVerdict::kBadRequest);
  EXPECT_EQ(Return(lent, 0), RequestVerdict::kBadRequest);
  Notice wrong = lent;
  wrong.chunk = 5;
  EXPECT_EQ(Return(wrong, 1), RequestVerdict::kBadRequest);
  wrong = lent;
  wrong.flow.generation += 1;
  EXPECT_EQ(Return(wrong, 1), RequestVerdict::kBadRequest);
  EXPECT_EQ(Return(lent, 4), RequestVerdict::kAccepted);
  EXPECT_EQ(Return(lent, 7), RequestVerdict::kBadRequest);
  EXPECT_EQ(Return(lent, 6), RequestVerdict::kAccepted);
  EXPECT_EQ(Return(lent, 1), RequestVerdict::kBadRequest);
}

TEST_F(ReceiveTest, R174DisconnectEventAfterTheLastByteWasReturned) {
  FromWire(PeerData(Text("last words")));
  FromWire(PeerFin(10));
  Poll();
  ASSERT_EQ(session.notices.size(), 1u);
  const Notice lent = session.notices[0];
  Return(lent, 9);
  Poll();
  EXPECT_TRUE(Of(Notice::Kind::kDisconnectEvent).empty());
  Return(lent, 1);
  Poll();
  ASSERT_EQ(Of(Notice::Kind::kDisconnectEvent).size(), 1u);
  // Our half stays open (R200).
  Bytes data = Text("still here");
  EXPECT_EQ(Send(1, data), RequestVerdict::kAccepted);
  Poll();
  EXPECT_EQ(WirePayload(), data);
}

TEST_F(ReceiveTest, R147ReceivesAfterTheDisconnectEventAreTooLate) {
  FromWire(PeerFin(0));
  Poll();
  ASSERT_EQ(Of(Notice::Kind::kDisconnectEvent).size(), 1u);
  Bytes buffer(10);
  EXPECT_EQ(Post(3, &buffer), RequestVerdict::kAccepted);
  ASSERT_EQ(Of(Notice::Kind::kReceiveComplete).size(), 1u);
  EXPECT_EQ(session.notices.back().status, Status::kInvalidState);
  EXPECT_EQ(session.notices.back().bytes, 0u);
}

TEST_F(ReceiveTest, FinEndsReceivesThatNothingWillFill) {
  Bytes partly(10), empty(10);
  Post(1, &partly, true);
  Post(2, &empty, true);
  FromWire(PeerData(Text("abc")));
  FromWire(PeerFin(3));
  Poll();
  ASSERT_EQ(session.notices.size(), 3u);
  EXPECT_EQ(session.notices[0].bytes, 3u);
  EXPECT_EQ(session.notices[0].status, Status::kSuccess);
  EXPECT_EQ(session.notices[1].bytes, 0u);
  EXPECT_EQ(session.notices[2].kind, Notice::Kind::kDisconnectEvent);
}

TEST_F(ReceiveTest, DataBeforeAResetIsHandedOutFirst) {
  FromWire(PeerData(Text("answer")));
  SegmentSpec reset;
  reset.seq = kRemoteSeq + 6;
  reset.flags = packet::kTcpRst;
  FromWire(PeerFrame(reset));
  Poll();
  ASSERT_EQ(session.notices.size(), 2u);
  EXPECT_EQ(session.Lent(session.notices[0]), Text("answer"));
  EXPECT_EQ(session.notices[1].kind, Notice::Kind::kAbortEvent);
}

TEST_F(ReceiveTest, OutOfOrderDataIsDeliveredInOrder) {
  FromWire(PeerData(Pattern(100, 100), 100));
  Poll();
  EXPECT_TRUE(session.notices.empty());
  FromWire(PeerData(Pattern(100, 0), 0));
  Poll();
  Bytes all;
  for (const Notice& notice : session.notices) {
    const Bytes piece = session.Lent(notice);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(all, Pattern(200));
}

TEST_F(ReceiveTest, EchoOfALongStream) {
  constexpr uint32_t kTotal = 300 * 1000;
  std::vector<Bytes> echoes(300);
  uint32_t received = 0, acked = 0;
  size_t done = 0;
  for (uint32_t i = 0; i < 300; ++i) {
    FromWire(PeerData(Pattern(1000, i * 1000), i * 1000, acked));
    Poll();
    while (done < session.notices.size()) {
      const Notice notice = session.notices[done++];
      session.room = 1000;
      if (notice.kind != Notice::Kind::kReceiveIndication) continue;
      echoes[i] = session.Lent(notice);
      received += notice.bytes;
      ASSERT_EQ(Return(notice, notice.bytes), RequestVerdict::kAccepted);
      ASSERT_EQ(Send(i, echoes[i]), RequestVerdict::kAccepted);
    }
    Poll();
    frames.wire_room = 1000;
    acked = received;
  }
  FromWire(PeerAck(kTotal, kTotal));
  Poll();
  EXPECT_EQ(received, kTotal);
  EXPECT_EQ(WirePayload(), Pattern(kTotal));
  EXPECT_EQ(Of(Notice::Kind::kSendComplete).size(), 300u);
}

}  // namespace
}  // namespace chimney::worker
