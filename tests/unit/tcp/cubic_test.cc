// SPDX-License-Identifier: BSD-3-Clause
// CUBIC (RFC 9438) against its own formulas, computed here by hand.
#include <cmath>

#include "tcp/congestion.h"
#include "tcp/recovery.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Cubic : public EngineTest {
 protected:
  void StartAt(uint32_t segments, Duration round_trip) {
    state.delegated.cwnd = segments * kMss;
    state.delegated.srtt = round_trip;
    params.congestion_control = CongestionControl::kCubic;
    params.cwnd_validation = false;
    Start();
    tcb().snd.wnd = 1u << 30;
    TakeOutgoing(tcb());
    round_trip_ = round_trip;
  }
  // One round trip in which every segment of the window is acknowledged.
  void RoundTrip() {
    const uint32_t segments = tcb().snd.cwnd / kMss;
    AckNews news;
    news.acked = kMss;
    for (uint32_t i = 0; i < segments; ++i) {
      now = now + round_trip_ / segments;
      GrowWindow(tcb(), now, news, false);
    }
  }
  double Window() { return static_cast<double>(tcb().snd.cwnd) / kMss; }

  Duration round_trip_;
};

TEST_F(Cubic, ALossCutsToSeventyPercent_RFC9438_4_6) {
  StartAt(100, Duration::Millis(100));
  CutWindow(tcb());
  EXPECT_EQ(tcb().snd.ssthresh, 70 * kMss);
}

// W_cubic(t) = C (t - K)^3 + W_max with K = cbrt(W_max (1 - beta) / C).
TEST_F(Cubic, TheWindowFollowsTheCubicFunction_RFC9438_4_2) {
  StartAt(1000, Duration::Millis(100));
  CutWindow(tcb());
  tcb().snd.cwnd = tcb().snd.ssthresh;
  const double k = std::cbrt(1000.0 * 0.3 / 0.4);
  const Instant start = now;
  for (int i = 0; i < 150; ++i) {
    RoundTrip();
    const double t = static_cast<double>((now - start).nanos()) * 1e-9;
    // Within what one round trip ahead and one behind may differ.
    const double low = 0.4 * std::pow(t - 0.1 - k, 3) + 1000.0;
    const double high = 0.4 * std::pow(t + 0.1 - k, 3) + 1000.0;
    ASSERT_GE(Window(), std::max(700.0, low) - 2.0) << "after " << t;
    ASSERT_LE(Window(), std::max(700.0, high) + 2.0) << "after " << t;
  }
  EXPECT_GT(Window(), 1000.0);
}

// On short paths it is as fast as Reno: about 0.53 segments a round trip, then
// one (section 4.3).
TEST_F(Cubic, OnAShortPathItGrowsLikeReno_RFC9438_4_3) {
  StartAt(20, Duration::Millis(1));
  CutWindow(tcb());
  tcb().snd.cwnd = tcb().snd.ssthresh;
  ASSERT_EQ(Window(), 14.0);
  for (int i = 0; i < 10; ++i) RoundTrip();
  EXPECT_NEAR(Window(), 14.0 + 10 * 0.53, 0.6);
  for (int i = 0; i < 20; ++i) RoundTrip();
  const double before = Window();
  for (int i = 0; i < 10; ++i) RoundTrip();
  EXPECT_NEAR(Window() - before, 10.0, 1.0);
}

TEST_F(Cubic, ASmallerPeakMakesRoomForOthers_RFC9438_4_7) {
  StartAt(100, Duration::Millis(100));
  CutWindow(tcb());
  tcb().snd.cwnd = 80 * kMss;
  CutWindow(tcb());
  // W_max = cwnd (1 + beta) / 2.
  EXPECT_NEAR(Past().congestion.cubic.w_max, 80.0 * kMss * 0.85, 1.0);
}

TEST_F(Cubic, TheThresholdIsTwoSegmentsAtLeast) {
  StartAt(2, Duration::Millis(100));
  CutWindow(tcb());
  EXPECT_EQ(tcb().snd.ssthresh, 2 * kMss);
}

TEST_F(Cubic, GrowthOfLessThanAByteAnAckIsNotLost) {
  StartAt(1000, Duration::Millis(10));
  tcb().snd.ssthresh = tcb().snd.cwnd;
  const uint32_t before = tcb().snd.cwnd;
  // An app-limited Reno grows one segment a round trip; so does this.
  for (int i = 0; i < 4; ++i) RoundTrip();
  EXPECT_NEAR(tcb().snd.cwnd, before + 4.0 * kMss, kMss);
}

// Section 4.8: growth after a timeout goes by where it began.
TEST_F(Cubic, AfterATimeoutKIsZero_RFC9438_4_8) {
  params.f_rto = false;
  params.tail_loss_probe = false;
  state.delegated.ssthresh = 50 * kMss;
  StartAt(100, Duration::Millis(100));
  EnterLossRecovery(tcb());
  ASSERT_EQ(tcb().snd.ssthresh, 70 * kMss);
  tcb().snd.cwnd = tcb().snd.ssthresh;  // slow start has come this far
  AckNews news;
  news.acked = kMss;
  GrowWindow(tcb(), now, news, false);
  EXPECT_EQ(Past().congestion.cubic.k_seconds, 0.0);
  EXPECT_NEAR(Past().congestion.cubic.w_max, 70.0 * kMss, kMss);
}

// Section 4.9: what a cut that was none forgot comes back.
TEST_F(Cubic, AnUndoneCutRestoresWMax_RFC9438_4_9) {
  StartAt(100, Duration::Millis(100));
  CutWindow(tcb());
  const double w_max = Past().congestion.cubic.w_max;
  ASSERT_EQ(w_max, 100.0 * kMss);
  tcb().snd.cwnd = tcb().snd.ssthresh;
  CutWindowOnTimeout(tcb());
  UndoCut(tcb());
  EXPECT_EQ(Past().congestion.cubic.w_max, w_max);
}

// However long ago the epoch began.
TEST_F(Cubic, ARoundTripAddsHalfTheWindowAtMost_RFC9438_4_2) {
  StartAt(100, Duration::Millis(100));
  CutWindow(tcb());
  tcb().snd.cwnd = tcb().snd.ssthresh;
  RoundTrip();
  now = now + Duration::Seconds(60);
  const double before = Window();
  RoundTrip();
  EXPECT_NEAR(Window(), before * 1.5, 2.0);
}

}  // namespace
}  // namespace chimney::tcp
