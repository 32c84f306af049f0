// SPDX-License-Identifier: BSD-3-Clause
// The kernel's numbers as RFC 9293's, the window that a buffer can hold, and
// what is carried past the kernel.
#include "kernel/read_state.h"

#include <gtest/gtest.h>

#include "kernel/carried_state.h"
#include "kernel/socket_options.h"

namespace chimney::kernel {
namespace {

using tcp::ConnectionState;
using tcp::TcpDelegatedState;

struct Interpreted {
  bool ok = false;
  TcpDelegatedState state;
  uint32_t data_bytes = 0;
};

Interpreted Interpret(uint8_t kernel_state, uint32_t unacked, uint32_t unsent) {
  Interpreted result;
  result.ok = InterpretSendQueue(kernel_state, {SeqNum(1000), unacked, unsent},
                                 &result.state, &result.data_bytes);
  return result;
}

TEST(SendQueue, EstablishedWithSentAndUnsentBytes) {
  const Interpreted got = Interpret(kKernelEstablished, 300, 100);
  ASSERT_TRUE(got.ok);
  EXPECT_EQ(got.state.snd_una, SeqNum(700));
  EXPECT_EQ(got.state.snd_max, SeqNum(900));
  EXPECT_EQ(got.data_bytes, 300u);
  EXPECT_FALSE(got.state.fin_queued);
}

TEST(SendQueue, SentFinCountsInSndMaxButIsNoData) {
  const Interpreted got = Interpret(kKernelFinWait1, 11, 0);
  ASSERT_TRUE(got.ok);
  EXPECT_EQ(got.state.state, ConnectionState::kFinWait1);
  EXPECT_EQ(got.state.snd_max, SeqNum(1000));
  EXPECT_EQ(got.data_bytes, 10u);
}

TEST(SendQueue, UnsentFinIsAQueuedFinInTheStateBefore) {
  for (const auto& [kernel, rfc] :
       {std::pair{kKernelFinWait1, ConnectionState::kEstablished},
        std::pair{kKernelLastAck, ConnectionState::kCloseWait},
        std::pair{kKernelClosing, ConnectionState::kCloseWait}}) {
    const Interpreted got = Interpret(kernel, 11, 6);
    ASSERT_TRUE(got.ok);
    EXPECT_EQ(got.state.state, rfc);
    EXPECT_TRUE(got.state.fin_queued);
    EXPECT_EQ(got.data_bytes, 10u);
    EXPECT_EQ(got.state.snd_max, SeqNum(994));
  }
}

TEST(SendQueue, OtherStatesAndNonsenseAreRefused) {
  for (const uint8_t state : {0, 2, 3, 6, 7, 10, 12, 200}) {
    EXPECT_FALSE(Interpret(state, 0, 0).ok) << int{state};
  }
  EXPECT_FALSE(Interpret(kKernelEstablished, 5, 6).ok);
  EXPECT_FALSE(Interpret(kKernelFinWait1, 0, 0).ok);
}

TEST(ReceiveWindow, FixedBufferIsTheBound) {
  SavedSocketOptions options;
  options.receive_buffer_bytes = 200000;
  options.window_clamp_bytes = 100000;
  options.buffer_lock_bits = kBufLockReceive;
  EXPECT_EQ(ReceiveWindowBound(options, {6000000}, 10), 100000u);
}

TEST(ReceiveWindow, AutomaticBufferMayGrowToTheLimit) {
  SavedSocketOptions options;
  options.receive_buffer_bytes = 131072;
  options.window_clamp_bytes = 65536;
  EXPECT_EQ(ReceiveWindowBound(options, {6000000}, 10), 3000000u);
  EXPECT_EQ(ReceiveWindowBound(options, {}, 10), 65536u);
}

TEST(ReceiveWindow, NeverMoreThanTheScaleExpresses) {
  SavedSocketOptions options;
  options.receive_buffer_bytes = 131072;
  EXPECT_EQ(ReceiveWindowBound(options, {6000000}, 0), 65535u);
  EXPECT_EQ(ReceiveWindowBound(options, {6000000}, 2), 262140u);
}

TEST(ReceiveWindow, SmallClampIsObeyed) {
  SavedSocketOptions options;
  options.receive_buffer_bytes = 131072;
  options.window_clamp_bytes = 5000;
  EXPECT_EQ(ReceiveWindowBound(options, {6000000}, 10), 5000u);
}

TcpDelegatedState InFlight(Duration timer) {
  TcpDelegatedState state;
  state.snd_una = SeqNum(5);
  state.retransmit.running = true;
  state.retransmit.delta = timer;
  return state;
}

TEST(Carried, TimerGoesOnWhileNothingIsAcknowledged) {  // R53
  TcpDelegatedState uploaded = InFlight(Duration::Millis(150));
  uploaded.retransmit.count = 2;
  const CarriedState carried =
      Carry(uploaded, Instant::FromNanos(1'000'000'000));
  TcpDelegatedState frozen = InFlight(Duration::Seconds(1));
  ApplyCarried(carried, Instant::FromNanos(1'020'000'000), &frozen);
  EXPECT_EQ(frozen.retransmit.delta, Duration::Millis(130));
  EXPECT_EQ(frozen.retransmit.count, 2);
  ApplyCarried(carried, Instant::FromNanos(2'000'000'000), &frozen);
  EXPECT_EQ(frozen.retransmit.delta, Duration());  // overdue: due now
}

TEST(Carried, TimerStartsAnewAfterProgress) {
  const CarriedState carried =
      Carry(InFlight(Duration::Millis(150)), Instant());
  TcpDelegatedState frozen = InFlight(Duration::Seconds(1));
  frozen.snd_una = SeqNum(6);
  ApplyCarried(carried, Instant::FromNanos(1), &frozen);
  EXPECT_EQ(frozen.retransmit.delta, Duration::Seconds(1));
}

TEST(Carried, EstimatesFillInWhatTheKernelDoesNotKnow) {
  TcpDelegatedState uploaded;
  uploaded.srtt = Duration::Millis(30);
  uploaded.rttvar = Duration::Millis(4);
  uploaded.ssthresh = 50000;
  const CarriedState carried = Carry(uploaded, Instant());
  TcpDelegatedState ignorant;
  ApplyCarried(carried, Instant(), &ignorant);
  EXPECT_EQ(ignorant.srtt, Duration::Millis(30));
  EXPECT_EQ(ignorant.rttvar, Duration::Millis(4));
  EXPECT_EQ(ignorant.ssthresh, 50000u);
  TcpDelegatedState knowing;
  knowing.srtt = Duration::Millis(10);
  knowing.ssthresh = 7000;
  ApplyCarried(carried, Instant(), &knowing);
  EXPECT_EQ(knowing.srtt, Duration::Millis(10));
  EXPECT_EQ(knowing.ssthresh, 7000u);
}

}  // namespace
}  // namespace chimney::kernel
