// SPDX-License-Identifier: BSD-3-Clause
// How an image is turned into the kernel's numbers and the segments it must
// hear (design D3; R43).
#include "kernel/restore_plan.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace chimney::kernel {
namespace {

using tcp::ConnectionState;

// 100 bytes in flight, `fin` of them plus our FIN.
SocketImage Image(ConnectionState state, uint32_t in_flight, size_t queued) {
  SocketImage image;
  tcp::TcpState& tcp_state = image.snapshot.tcp;
  tcp_state.constant.timestamps_enabled = true;
  tcp_state.constant.window_scaling_enabled = true;
  tcp_state.constant.snd_wind_scale = 4;
  tcp_state.delegated.state = state;
  tcp_state.delegated.snd_una = SeqNum(0xfffffff0);
  tcp_state.delegated.snd_max = tcp_state.delegated.snd_una + in_flight;
  tcp_state.delegated.snd_nxt = tcp_state.delegated.snd_max;
  tcp_state.delegated.rcv_nxt = SeqNum(7000);
  tcp_state.delegated.snd_wnd = 32000;
  tcp_state.delegated.ts_recent = 99;
  image.ts_recent_known = true;
  image.send_bytes.resize(queued);
  return image;
}

RestorePlan Plan(const SocketImage& image) {
  RestorePlan plan;
  const KernelError error = PlanRestore(image, &plan);
  EXPECT_TRUE(error.ok()) << error.ToString();
  return plan;
}

TEST(RestorePlan, EstablishedTellsOnlyTsRecent) {
  const SocketImage image = Image(ConnectionState::kEstablished, 100, 150);
  const RestorePlan plan = Plan(image);
  EXPECT_EQ(plan.sent_bytes, 100u);
  EXPECT_EQ(plan.snd_una, SeqNum(0xfffffff0));
  EXPECT_EQ(plan.rcv_nxt, SeqNum(7000));
  ASSERT_EQ(plan.inject.count, 1u);
  const PeerSegment& ack = plan.inject.segments[0];
  EXPECT_EQ(ack.seq, SeqNum(7000));
  EXPECT_EQ(ack.ack, SeqNum(0xfffffff0));
  EXPECT_FALSE(ack.fin);
  EXPECT_TRUE(ack.has_timestamps);
  EXPECT_EQ(ack.tsval, 99u);
  EXPECT_EQ(ack.window_raw, 2000);  // 32000 >> 4
  EXPECT_FALSE(plan.inject.fin_in_repair);
  EXPECT_FALSE(plan.inject.fin_after_segments);
}

TEST(RestorePlan, NothingToTellWithoutTimestamps) {
  SocketImage image = Image(ConnectionState::kEstablished, 0, 0);
  image.ts_recent_known = false;
  EXPECT_EQ(Plan(image).inject.count, 0u);
  image.ts_recent_known = true;
  image.snapshot.tcp.constant.timestamps_enabled = false;
  EXPECT_EQ(Plan(image).inject.count, 0u);
}

TEST(RestorePlan, SmallWindowIsAskedForOnceThereIsRoom) {
  for (const ConnectionState state :
       {ConnectionState::kEstablished, ConnectionState::kFinWait1,
        ConnectionState::kFinWait2}) {
    const uint32_t in_flight = state == ConnectionState::kFinWait1 ? 1 : 0;
    SocketImage image = Image(state, in_flight, 0);
    image.options.receive_buffer_bytes = 128 << 10;
    image.snapshot.tcp.delegated.rcv_wnd = 32 << 10;
    ASSERT_EQ(Plan(image).inject.count, 1u) << "half of what is free";
    image.snapshot.tcp.delegated.rcv_wnd = (32 << 10) - 1;
    const RestorePlan plan = Plan(image);
    ASSERT_EQ(plan.inject.count, 2u);
    // Not acceptable, so answered with an ACK (RFC 9293 section 3.10.7.4), and
    // empty, so there is nothing to report as received twice.
    EXPECT_EQ(plan.inject.segments[1].seq, SeqNum(6999));
    EXPECT_EQ(plan.inject.segments[1].ack, plan.inject.segments[0].ack);
    EXPECT_FALSE(plan.inject.segments[1].fin);
    image.receive_bytes.resize(100);
    EXPECT_EQ(Plan(image).inject.count, 1u) << "unread bytes take room";
  }
}

TEST(RestorePlan, PeerThatHasClosedNeedsNoWindow) {
  SocketImage image = Image(ConnectionState::kCloseWait, 0, 0);
  image.options.receive_buffer_bytes = 128 << 10;
  EXPECT_EQ(Plan(image).inject.count, 1u);
}

TEST(RestorePlan, QueuedFinFollowsTheUnsentBytes) {
  SocketImage image = Image(ConnectionState::kEstablished, 100, 150);
  image.snapshot.tcp.delegated.fin_queued = true;
  EXPECT_TRUE(Plan(image).inject.fin_after_segments);
}

TEST(RestorePlan, FinWait1CountsTheFin) {
  const RestorePlan plan = Plan(Image(ConnectionState::kFinWait1, 101, 100));
  EXPECT_EQ(plan.sent_bytes, 100u);
  EXPECT_TRUE(plan.inject.fin_in_repair);
  EXPECT_FALSE(plan.inject.await_peer_fin);
}

TEST(RestorePlan, FinWait2HearsTheAckOfTheFin) {
  const RestorePlan plan = Plan(Image(ConnectionState::kFinWait2, 0, 0));
  EXPECT_EQ(plan.snd_una, SeqNum(0xffffffef));
  ASSERT_EQ(plan.inject.count, 1u);
  EXPECT_EQ(plan.inject.segments[0].ack, SeqNum(0xfffffff0));
  EXPECT_TRUE(plan.inject.fin_in_repair);
}

TEST(RestorePlan, ReceivedFinIsHeardAgain) {
  for (const ConnectionState state :
       {ConnectionState::kCloseWait, ConnectionState::kClosing,
        ConnectionState::kLastAck}) {
    const bool ours = state != ConnectionState::kCloseWait;
    const RestorePlan plan = Plan(Image(state, ours ? 101 : 100, 100));
    EXPECT_EQ(plan.rcv_nxt, SeqNum(6999));
    ASSERT_EQ(plan.inject.count, 1u);
    EXPECT_TRUE(plan.inject.segments[0].fin);
    EXPECT_EQ(plan.inject.segments[0].seq, SeqNum(6999));
    EXPECT_EQ(plan.inject.segments[0].ack, SeqNum(0xfffffff0));
    EXPECT_TRUE(plan.inject.await_peer_fin);
    EXPECT_EQ(plan.inject.fin_in_repair, state == ConnectionState::kClosing);
    EXPECT_EQ(plan.inject.fin_after_segments,
              state == ConnectionState::kLastAck);
  }
}

TEST(RestorePlan, TimeWaitAndClosedHearFinWithTheLastAck) {
  for (const ConnectionState state :
       {ConnectionState::kTimeWait, ConnectionState::kClosed}) {
    const RestorePlan plan = Plan(Image(state, 0, 0));
    ASSERT_EQ(plan.inject.count, 1u);
    EXPECT_TRUE(plan.inject.segments[0].fin);
    EXPECT_EQ(plan.inject.segments[0].ack, SeqNum(0xfffffff0));
    EXPECT_EQ(plan.snd_una, SeqNum(0xffffffef));
    EXPECT_EQ(plan.rcv_nxt, SeqNum(6999));
  }
}

TEST(RestorePlan, ContradictionsAreRefused) {
  RestorePlan plan;
  const auto expect_bad = [&plan](const SocketImage& image) {
    EXPECT_EQ(PlanRestore(image, &plan).code, KernelErrorCode::kBadImage);
  };
  expect_bad(Image(ConnectionState::kSynSent, 0, 0));
  expect_bad(Image(ConnectionState::kListen, 0, 0));
  expect_bad(Image(ConnectionState::kEstablished, 10, 9));
  expect_bad(Image(ConnectionState::kFinWait1, 0, 0));
  expect_bad(Image(ConnectionState::kFinWait1, 10, 10));
  expect_bad(Image(ConnectionState::kFinWait2, 1, 0));
  expect_bad(Image(ConnectionState::kTimeWait, 0, 3));
  SocketImage queued = Image(ConnectionState::kFinWait1, 1, 0);
  queued.snapshot.tcp.delegated.fin_queued = true;
  expect_bad(queued);
  SocketImage backwards = Image(ConnectionState::kEstablished, 0, 0);
  backwards.snapshot.tcp.delegated.snd_max =
      backwards.snapshot.tcp.delegated.snd_una - 1;
  expect_bad(backwards);
}

TEST(RestorePlan, ResetIsInTheWindow) {
  const SocketImage image = Image(ConnectionState::kEstablished, 100, 100);
  const PeerSegment reset = PlanReset(image);
  EXPECT_TRUE(reset.rst);
  EXPECT_EQ(reset.seq, SeqNum(7000));  // RFC 5961 section 3.2: exactly RCV.NXT
}

}  // namespace
}  // namespace chimney::kernel
