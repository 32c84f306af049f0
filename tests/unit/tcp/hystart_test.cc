// SPDX-License-Identifier: BSD-3-Clause
// HyStart++ (RFC 9406): slow start ends when the delay grows, not at a loss.
#include "tcp/congestion.h"
#include "tcp/recovery.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Hystart : public EngineTest {
 protected:
  void Begin() {
    state.delegated.cwnd = 16 * kMss;
    state.constant.window_scaling_enabled = true;
    state.constant.snd_wind_scale = 14;
    state.delegated.snd_wnd = 65535u << 14;
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send(4'000 * kMss);
    Pull();
  }
  // Everything in flight is acknowledged segment by segment after `delay`.
  void Round(Duration delay) {
    const uint32_t end = tcb().snd_max().value();
    now = now + delay;
    uint32_t at = tcb().snd_una().value();
    while (at != end) {
      at = std::min(at + kMss, end);
      host_->Feed(now, Ack(at));
    }
    Pull();
  }
  double Window() { return static_cast<double>(tcb().snd.cwnd) / kMss; }
};

TEST_F(Hystart, AConstantDelayLeavesSlowStartAlone) {
  Begin();
  for (int i = 0; i < 4; ++i) Round(Duration::Millis(100));
  EXPECT_FALSE(Past().congestion.hystart.in_css);
  EXPECT_NEAR(Window(), 16 * 16, 16);
}

// Growth by an eighth of the round trip, at least 4 ms.
TEST_F(Hystart, ADelayThatGrowsSlowsTheGrowth_RFC9406_4_2) {
  Begin();
  Round(Duration::Millis(80));
  Round(Duration::Millis(80));
  const double before = Window();
  Round(Duration::Millis(91));
  EXPECT_TRUE(Past().congestion.hystart.in_css);
  // The first eight samples of the round still count in full.
  EXPECT_LT(Window(), before * 1.5);
  // After five rounds of this, congestion avoidance.
  for (int i = 0; i < 6; ++i) Round(Duration::Millis(91));
  EXPECT_LE(tcb().snd.ssthresh, tcb().snd.cwnd);
}

// The round in which it began counts, and each ends with the first ACK of the
// next: windowEnd is the first byte that had not been sent.
TEST_F(Hystart, FiveRoundsAreConservative_RFC9406_4_2) {
  Begin();
  Round(Duration::Millis(80));
  Round(Duration::Millis(80));
  int rounds = 0;
  do {
    Round(Duration::Millis(91));
    ++rounds;
    ASSERT_TRUE(rounds > 9 || Past().congestion.hystart.in_css ||
                tcb().snd.ssthresh <= tcb().snd.cwnd);
  } while (tcb().snd.ssthresh > tcb().snd.cwnd && rounds < 10);
  EXPECT_EQ(rounds, 1 + 5);
}

TEST_F(Hystart, ADelayThatShrinksAgainResumesSlowStart_RFC9406_4_2) {
  Begin();
  Round(Duration::Millis(80));
  Round(Duration::Millis(80));
  Round(Duration::Millis(95));
  ASSERT_TRUE(Past().congestion.hystart.in_css);
  Round(Duration::Millis(80));
  EXPECT_FALSE(Past().congestion.hystart.in_css);
  const double before = Window();
  Round(Duration::Millis(80));
  EXPECT_NEAR(Window(), 2 * before, before / 8);
}

TEST_F(Hystart, SmallGrowthIsNoise_RFC9406_4_2) {
  Begin();
  Round(Duration::Millis(10));
  Round(Duration::Millis(10));
  Round(Duration::Millis(13));
  EXPECT_FALSE(Past().congestion.hystart.in_css);
}

// While the application limits, no round ends; its mark must not fall so far
// behind that it seems to lie ahead.
TEST_F(Hystart, TheMarkOfARoundIsNotLeftBehind_RFC9406_4_2) {
  Start();
  TakeOutgoing(tcb()).cwnd_limited = false;
  HystartState& hystart = TakeHistory(tcb()).congestion.hystart;
  hystart.in_round = true;
  hystart.window_end = tcb().snd.una;
  AckNews news;
  news.acked = kMss;
  // Three gigabytes, acknowledged megabyte by megabyte.
  for (int i = 0; i < 3000; ++i) {
    tcb().snd.una += 1u << 20;
    tcb().snd.max = tcb().snd.una;
    GrowWindow(tcb(), now, news, false);
  }
  EXPECT_EQ(hystart.window_end, tcb().snd.una);
  tcb().snd.una = SeqNum(kOurs);  // what else is checked needs no such numbers
  tcb().snd.max = tcb().snd.una;
}

}  // namespace
}  // namespace chimney::tcp
