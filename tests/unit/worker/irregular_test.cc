// SPDX-License-Identifier: BSD-3-Clause
// Frames of a running flow that the engine may not see (R153-R158, R166,
// R167), and the uploads they cause (R178, R179).
#include "packet/checksum.h"
#include "packet/ipv4.h"
#include "worker_fixture.h"

namespace chimney::worker {
namespace {

using offload::UploadReason;

constexpr size_t kIp = packet::kEthernetHeaderBytes;

class IrregularTest : public WorkerTest {
 protected:
  void SetUp() override {
    WorkerTest::SetUp();
    ASSERT_TRUE(Offload());
    Poll();
    session.notices.clear();
  }
  static void FixIpChecksum(Bytes* frame) {
    const size_t length = size_t{(*frame)[kIp] & 0x0fu} * 4;
    (*frame)[kIp + 10] = (*frame)[kIp + 11] = 0;
    const uint16_t sum = packet::FinishChecksum(
        packet::PartialSum(ByteSpan(*frame).subspan(kIp, length)));
    (*frame)[kIp + 10] = static_cast<uint8_t>(sum >> 8);
    (*frame)[kIp + 11] = static_cast<uint8_t>(sum);
  }
  // A router's "fragmentation needed" about a frame of ours: it quotes the IP
  // header and 8 bytes.
  Bytes TooBig(const Bytes& ours, uint16_t mtu_bytes) const {
    Bytes icmp = {3,
                  4,
                  0,
                  0,
                  0,
                  0,
                  static_cast<uint8_t>(mtu_bytes >> 8),
                  static_cast<uint8_t>(mtu_bytes)};
    icmp.insert(icmp.end(), ours.begin() + kIp, ours.begin() + kIp + 28);
    const uint16_t sum =
        packet::FinishChecksum(packet::PartialSum(ByteSpan(icmp)));
    icmp[2] = static_cast<uint8_t>(sum >> 8);
    icmp[3] = static_cast<uint8_t>(sum);
    Bytes frame = PeerData({});
    frame.resize(kIp + 20);
    frame[kIp + 9] = packet::kIpProtocolIcmp;
    frame[kIp + 2] = 0;
    frame[kIp + 3] = static_cast<uint8_t>(20 + icmp.size());
    FixIpChecksum(&frame);
    frame.insert(frame.end(), icmp.begin(), icmp.end());
    return frame;
  }
  static Bytes AsFragment(Bytes frame) {
    frame[kIp + 6] = 0x20;  // more fragments
    FixIpChecksum(&frame);
    return frame;
  }
  // Four option bytes (NOP) behind the IPv4 header.
  static Bytes WithIpOptions(Bytes frame) {
    frame.insert(frame.begin() + kIp + 20, 4, 1);
    frame[kIp] = 0x46;
    const size_t total = frame.size() - kIp;
    frame[kIp + 2] = static_cast<uint8_t>(total >> 8);
    frame[kIp + 3] = static_cast<uint8_t>(total);
    FixIpChecksum(&frame);
    return frame;
  }
  void ExpectRetrieve(UploadReason reason) {
    Poll();
    ASSERT_EQ(control.notices.size(), 1u);
    EXPECT_EQ(control.notices[0].kind, ControlNotice::Kind::kRetrieve);
    EXPECT_EQ(control.notices[0].reason, reason);
    EXPECT_EQ(control.notices[0].session_id, kSessionId);
    const std::vector<Notice> told = Of(Notice::Kind::kRetrieveEvent);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].reason, reason);
  }
  // The frame waits for the upload, all behind it too, and the host gets them
  // in this order, unacknowledged.
  void ExpectDiverted(const Bytes& frame, UploadReason reason) {
    const size_t sent = frames.to_wire.size();
    EXPECT_EQ(FromWire(frame), Disposition::kHeld);
    const Bytes follower = PeerData(Text("follower"), 50);
    EXPECT_EQ(FromWire(follower), Disposition::kHeld);
    ExpectRetrieve(reason);
    Advance(Duration::Seconds(1));
    EXPECT_EQ(frames.to_wire.size(), sent);
    ASSERT_TRUE(Upload());
    ASSERT_EQ(frames.to_host.size(), 2u);
    EXPECT_EQ(frames.to_host[0], frame);
    EXPECT_EQ(frames.to_host[1], follower);
  }
};

TEST_F(IrregularTest, R155FragmentGoesToTheHost) {
  ExpectDiverted(AsFragment(PeerData(Text("frag"))),
                 UploadReason::kUploadRequested);
}

TEST_F(IrregularTest, R154IpOptionsGoToTheHost) {
  ExpectDiverted(WithIpOptions(PeerData(Text("opts"))),
                 UploadReason::kUploadRequested);
}

TEST_F(IrregularTest, R156UrgentDataGoesToTheHost) {
  SegmentSpec spec;
  spec.seq = kRemoteSeq;
  spec.ack = kLocalSeq;
  spec.flags = packet::kTcpAck | packet::kTcpUrg;
  spec.urgent_pointer = 1;
  spec.payload = Text("!");
  spec.options.has_timestamps = true;
  spec.options.tsval = kPeerTs;
  spec.options.tsecr = kTsNow;
  ExpectDiverted(PeerFrame(spec), UploadReason::kReceivedUrgentData);
}

TEST_F(IrregularTest, R156UrgentDataOutsideTheWindowChangesNothing) {
  SegmentSpec spec;
  spec.seq = kRemoteSeq + (1u << 30);
  spec.ack = kLocalSeq;
  spec.flags = packet::kTcpAck | packet::kTcpUrg;
  spec.payload = Text("!");
  EXPECT_EQ(FromWire(PeerFrame(spec)), Disposition::kConsumed);
  Poll();
  EXPECT_TRUE(control.notices.empty());
}

TEST_F(IrregularTest, ScatteredFrameGoesToTheHost) {
  const Bytes whole = PeerData(Pattern(1000));
  Frame frame = frames.Receive(whole);
  frame.bytes = frame.bytes.first(60);
  frame.contiguous = false;
  Disposition disposition = Disposition::kForward;
  worker->ProcessFrames(now, Side::kWire, {&frame, 1}, {&disposition, 1});
  EXPECT_EQ(disposition, Disposition::kHeld);
  ExpectRetrieve(UploadReason::kUploadRequested);
  ASSERT_TRUE(Upload());
  ASSERT_EQ(frames.to_host.size(), 1u);
  EXPECT_EQ(frames.to_host[0], whole);
}

TEST_F(IrregularTest, R166WrongChecksumsAreDroppedAndCounted) {
  Bytes frame = PeerData(Text("data"));
  frame.back() ^= 1;
  EXPECT_EQ(FromWire(frame), Disposition::kConsumed);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kFlowBadTcpChecksum), 1u);
  frame = PeerData(Text("data"));
  frame[kIp + 8] ^= 1;  // TTL
  EXPECT_EQ(FromWire(frame), Disposition::kConsumed);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kFlowBadIpChecksum), 1u);
  frame = WithIpOptions(PeerData(Text("data")));
  frame.back() ^= 1;
  EXPECT_EQ(FromWire(frame), Disposition::kConsumed);
  Poll();
  EXPECT_TRUE(session.notices.empty());
  EXPECT_TRUE(control.notices.empty());
}

TEST_F(IrregularTest, TrustedChecksumsAreNotComputedAgain) {
  Bytes bytes = PeerData(Text("data"));
  bytes[kIp + 20 + packet::kTcpChecksumOffset] ^= 1;
  Frame frame = frames.Receive(bytes);
  frame.ip_checksum_trusted = frame.l4_checksum_trusted = true;
  Disposition disposition = Disposition::kForward;
  worker->ProcessFrames(now, Side::kWire, {&frame, 1}, {&disposition, 1});
  frames.Settle(Side::kWire, frame, disposition);
  Poll();
  EXPECT_EQ(Of(Notice::Kind::kReceiveIndication).size(), 1u);
}

TEST_F(IrregularTest, ImpossibleTcpHeaderIsDropped) {
  Bytes frame = PeerData(Text("data"));
  frame[kIp + 20 + 12] = 0x10;  // data offset 1
  EXPECT_EQ(FromWire(frame), Disposition::kConsumed);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kFlowBadTcpHeader), 1u);
}

TEST_F(IrregularTest, FramesForOtherStationsPass) {
  Bytes frame = PeerData(Text("data"));
  frame[5] ^= 0x40;
  EXPECT_EQ(FromWire(frame), Disposition::kForward);
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kForeignMac), 1u);
}

TEST_F(IrregularTest, R167FramesOfAnotherVlanAreNotOurs) {
  ASSERT_TRUE(Upload());
  control.completed.clear();
  ASSERT_TRUE(Hold());
  initiate = *NewInitiate();
  initiate.snapshot.neighbor.vlan_id = 5;
  ASSERT_TRUE(Initiate(&initiate));
  Bytes frame = PeerData(Text("data"));
  EXPECT_EQ(FromWire(frame), Disposition::kForward);
  const uint8_t tag[4] = {0x81, 0x00, 0x00, 0x05};
  frame.insert(frame.begin() + 12, tag, tag + 4);
  EXPECT_EQ(FromWire(frame), Disposition::kConsumed);
  frame[15] = 6;
  EXPECT_EQ(FromWire(frame), Disposition::kForward);
}

TEST_F(IrregularTest, R153IcmpErrorGoesToTheHostAndIsTold) {
  Bytes data = Pattern(100);
  Send(1, data);
  Poll();
  const Bytes frame = TooBig(frames.to_wire.back(), 1200);
  EXPECT_EQ(FromWire(frame), Disposition::kForward);
  ASSERT_EQ(frames.to_host.size(), 1u);
  EXPECT_EQ(frames.to_host[0], frame);
  ASSERT_EQ(control.notices.size(), 1u);
  const ControlNotice& notice = control.notices[0];
  EXPECT_EQ(notice.kind, ControlNotice::Kind::kIcmpError);
  EXPECT_EQ(notice.flow, flow);
  EXPECT_TRUE(notice.icmp.is_too_big);
  EXPECT_EQ(notice.icmp.next_hop_mtu_bytes, 1200u);
  EXPECT_EQ(notice.icmp.quoted_seq.value(), kLocalSeq);
  EXPECT_EQ(notice.snd_una.value(), kLocalSeq);
  EXPECT_EQ(notice.snd_max.value(), kLocalSeq + 100);
}

// RFC 5927 section 4: the quoted sequence number is the only proof there is.
TEST_F(IrregularTest, IcmpErrorAboutNothingInFlightWakesNobody) {
  Bytes data = Pattern(100);
  Send(1, data);
  Poll();
  const Bytes frame = TooBig(frames.to_wire.back(), 1200);
  FromWire(PeerAck(100));
  EXPECT_EQ(FromWire(frame), Disposition::kForward);
  EXPECT_TRUE(control.notices.empty());
  EXPECT_EQ(worker->counters().Get(WorkerCounter::kIcmpOutsideFlight), 1u);
}

TEST_F(IrregularTest, R191RetransmissionTimeoutAsksForTheUpload) {
  Bytes data = Pattern(100);
  Send(1, data);
  for (int i = 0; i < 10000 && control.notices.empty(); ++i) {
    frames.wire_room = 1000;
    Poll();
    if (!control.notices.empty()) break;
    ASSERT_FALSE(worker->NextDeadline().IsNever());
    now = std::max(now, worker->NextDeadline());
  }
  ExpectRetrieve(UploadReason::kTimeoutExpiration);
  EXPECT_GE(worker->counters().Get(WorkerCounter::kRetransmissions), 5u);
}

TEST_F(IrregularTest, RetrieveIsRaisedAgainWhenTheControlCoreIsBehind) {
  control.room = 0;
  FromWire(AsFragment(PeerData(Text("frag"))));
  Poll();
  EXPECT_TRUE(control.notices.empty());
  control.room = 1;
  ExpectRetrieve(UploadReason::kUploadRequested);
}

TEST_F(IrregularTest, R92SendsWhileWaitingForTheUploadComeBack) {
  FromWire(AsFragment(PeerData(Text("frag"))));
  Poll();
  Bytes data = Pattern(10);
  EXPECT_EQ(Send(4, data), RequestVerdict::kAccepted);
  EXPECT_EQ(session.notices.back().status, offload::Status::kUploadInProgress);
  EXPECT_EQ(session.notices.back().bytes, 0u);
  EXPECT_EQ(Disconnect(5, false), RequestVerdict::kAccepted);
  EXPECT_EQ(session.notices.back().status, offload::Status::kUploadInProgress);
}

}  // namespace
}  // namespace chimney::worker
