// SPDX-License-Identifier: BSD-3-Clause
// Pacing: a window leaves over a round trip.
#include "tcp/pacing.h"

#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Pacing : public EngineTest {
 protected:
  void StartPaced() {
    params.pacing = true;
    params.quick_ack_segments = 0;
    params.tail_loss_probe = false;
    state.delegated.srtt = Duration::Millis(100);
    state.delegated.cwnd = 20 * kMss;
    state.delegated.ssthresh = 20 * kMss;
    Start();
    FlushOwedAck(tcb());
    Pull();
  }
};

TEST_F(Pacing, TheRateIsSomewhatAboveAWindowARoundTrip) {
  StartPaced();
  EXPECT_EQ(PacingRate(tcb()), 20u * kMss * 12);  // 120 % in 100 ms
  tcb().snd.ssthresh = 0xFFFFFFFF;
  EXPECT_EQ(PacingRate(tcb()), 20u * kMss * 20);  // 200 %
}

TEST_F(Pacing, AWindowLeavesEvenly) {
  StartPaced();
  Send(100 * kMss);
  const Instant start = now;
  size_t sent = Pull().size();
  EXPECT_LE(sent, 3u) << "a burst";
  while (sent < 20) {
    FireNext();
    const size_t more = Pull().size();
    EXPECT_LE(more, 2u);
    sent += more;
    ASSERT_LE(now, start + Duration::Millis(100));
  }
  // 20 segments at 120 % of 20 in 100 ms, less the first burst.
  EXPECT_GE(now, start + Duration::Millis(70));
  EXPECT_LE(now, start + Duration::Millis(84));
}

TEST_F(Pacing, AcksDoNotWait) {
  StartPaced();
  Send(100 * kMss);
  Pull();
  Feed(Data(0, kMss));
  Feed(Data(kMss, kMss));
  const std::vector<WireSegment> segments = Pull();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_TRUE(segments[0].payload.empty());
}

TEST_F(Pacing, WithoutARoundTripNothingWaits) {
  params.pacing = true;
  state.delegated.cwnd = 10 * kMss;
  Start();
  Send(20 * kMss);
  EXPECT_EQ(Pull().size(), 10u);
}

}  // namespace
}  // namespace chimney::tcp
