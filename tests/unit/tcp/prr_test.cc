// SPDX-License-Identifier: BSD-3-Clause
// Proportional rate reduction (RFC 6937).
#include "tcp/prr.h"

#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Prr : public EngineTest {
 protected:
  void StartSending(uint32_t segments) {
    state.constant.sack_enabled = true;
    state.delegated.cwnd = segments * kMss;
    params.congestion_control = CongestionControl::kNewReno;
    params.cwnd_validation = false;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send(200 * kMss);
    ASSERT_EQ(Pull().size(), segments);
    now = now + Duration::Millis(50);
  }
  static uint32_t At(uint32_t segment) { return kOurs + segment * kMss; }
  // The peer reports everything from `from` to `to`; returns what leaves.
  size_t Report(uint32_t from, uint32_t to) {
    Feed(WithSack(Ack(kOurs), {{At(from), At(to)}}));
    return Pull().size();
  }
};

// RFC 6937 section 4: one segment is lost of twenty, ssthresh is half.
TEST_F(Prr, OneLossHalvesTheRateEvenlyOverARoundTrip_RFC6937_4) {
  StartSending(20);
  size_t sent = Report(1, 2) + Report(1, 3);
  EXPECT_EQ(sent, 2u);          // limited transmit
  EXPECT_EQ(Report(1, 4), 1u);  // the lost one
  EXPECT_EQ(tcb().snd.ssthresh, 10 * kMss);
  // 22 segments were out, and half of 20 is to be left: 10 of 22 delivered ones
  // let one go, until that is reached.
  sent = 1;
  for (uint32_t end = 5; end <= 22; ++end) {
    const size_t now_sent = Report(1, end);
    EXPECT_LE(now_sent, 2u) << "a burst";
    sent += now_sent;
    const double delivered = end - 3;
    if (Sending().flight.in_flight_bytes() > 10 * kMss) {
      EXPECT_NEAR(static_cast<double>(sent), delivered * 10 / 22, 1.0);
    }
  }
  EXPECT_NEAR(Sending().flight.in_flight_bytes(), 10.0 * kMss, kMss);
  Feed(Ack(tcb().snd_max().value()));
  EXPECT_EQ(tcb().snd.cwnd, 10 * kMss);
}

// Section 3.1: below ssthresh it grows again, by one segment an ACK at most.
TEST_F(Prr, AfterHeavyLossItSlowStartsUpToTheThreshold_RFC6937_3) {
  StartSending(20);
  // Only the last four arrive.
  EXPECT_GE(Report(16, 20), 1u);
  EXPECT_EQ(Sending().recovery.phase, RecoveryPhase::kFastRecovery);
  EXPECT_LE(Sending().flight.in_flight_bytes(), 10 * kMss);
  uint32_t repaired = 1;
  while (Sending().recovery.phase == RecoveryPhase::kFastRecovery &&
         repaired < 16) {
    const uint32_t before = Sending().flight.in_flight_bytes();
    Feed(WithSack(Ack(At(repaired)), {{At(16), At(20)}}));
    Pull();
    EXPECT_LE(Sending().flight.in_flight_bytes(), before + kMss);
    EXPECT_LE(Sending().flight.in_flight_bytes(), 10 * kMss);
    ++repaired;
  }
  EXPECT_EQ(tcb().trouble_counters().retransmit_timeouts, 0u);
}

TEST_F(Prr, AnAckThatDeliversNothingReleasesNothing) {
  StartSending(20);
  Report(1, 4);
  const uint32_t cwnd = tcb().snd.cwnd;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Report(1, 4), 0u);
  EXPECT_EQ(tcb().snd.cwnd, cwnd);
}

// RFC 6937 section 3: CEIL(prr_delivered * ssthresh / RecoverFS).
TEST_F(Prr, AShareIsRoundedUp_RFC6937_3) {
  StartSending(20);
  Report(1, 4);
  ASSERT_EQ(Sending().recovery.phase, RecoveryPhase::kFastRecovery);
  PrrState& prr = TakeOutgoing(tcb()).recovery.prr;
  prr = PrrState{};
  prr.recover_fs = 22 * kMss;
  OnAckPrr(tcb(), 1);
  EXPECT_EQ(tcb().snd.cwnd, Sending().flight.in_flight_bytes() + 1);
}

}  // namespace
}  // namespace chimney::tcp
