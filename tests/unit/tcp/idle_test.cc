// SPDX-License-Identifier: BSD-3-Clause
// The congestion window over a pause (RFC 2861, RFC 9438 section 5.8).
#include "tcp/rtt.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kSegments = 1000;
constexpr Duration kRoundTrip = Duration::Millis(100);

class Idle : public EngineTest {
 protected:
  // Ten bytes have been acknowledged; the congestion window is wide open.
  void StartAndPause(Duration pause) {
    state.delegated.cwnd = kSegments * kMss;
    state.delegated.srtt = kRoundTrip;
    state.delegated.rttvar = Duration::Millis(1);
    params.quick_ack_segments = 0;
    Start();
    FlushOwedAck(tcb());
    Pull();
    Send(10);
    Pull();
    now = now + kRoundTrip;
    Feed(Ack(kOurs + 10));
    now = now + pause;
  }
  // One NBL in eight pieces, each of them a record.
  void SendInPieces() {
    for (int i = 0; i < 8; ++i) Send(2000, i == 7);
  }
};

TEST_F(Idle, TheWindowDecaysOnceAPause_RFC2861) {
  StartAndPause(Duration());
  now = now + RetransmitTimeout(tcb()) / 2 * 3;
  SendInPieces();
  EXPECT_EQ(tcb().snd.cwnd, kSegments / 2 * kMss);
}

TEST_F(Idle, APauseMovesTheCubicEpochAndNotBeyondNow_RFC9438_5_8) {
  params.cwnd_validation = false;
  state.delegated.ssthresh = kSegments * kMss;
  StartAndPause(Duration());
  const Instant before = Past().congestion.cubic.epoch_start;
  ASSERT_FALSE(before.IsNever());
  now = now + Duration::Seconds(10);
  SendInPieces();
  const Instant after = Past().congestion.cubic.epoch_start;
  EXPECT_GE(after, before + Duration::Seconds(10));
  EXPECT_LE(after, now);
}

TEST_F(Idle, SendsWithoutBytesEndNoPause_RFC2861) {
  StartAndPause(Duration());
  now = now + RetransmitTimeout(tcb()) / 2 * 3;
  for (int i = 0; i < 8; ++i) Send(0);
  EXPECT_EQ(tcb().snd.cwnd, kSegments * kMss);
  SendInPieces();
  EXPECT_EQ(tcb().snd.cwnd, kSegments / 2 * kMss);
}

TEST_F(Idle, TheThresholdRemembersThreeQuarters_RFC2861) {
  state.delegated.ssthresh = 10 * kMss;
  StartAndPause(Duration());
  now = now + RetransmitTimeout(tcb()) / 2 * 3;
  SendInPieces();
  EXPECT_EQ(tcb().snd.ssthresh, kSegments * kMss / 4 * 3);
}

}  // namespace
}  // namespace chimney::tcp
