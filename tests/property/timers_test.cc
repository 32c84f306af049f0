// SPDX-License-Identifier: BSD-3-Clause
// Timers never fire early, never fire for nothing and are never lost, whatever
// is done to a connection (R53, R101, R187, R189, R195, R198; RFC 6298
// section 5). The test keeps its own account of what is owed to whom.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/support/byte_stream.h"
#include "tests/support/state_comparison.h"
#include "tests/support/test_tcb.h"

namespace chimney::testing {
namespace {

using tcp::ConnectionState;

// Firings in a row that may show nothing: several timers can be due one after
// the other, each finding that its reason is gone.
constexpr int kMostSilentFirings = 8;
// A silent peer is given up after so many firings, keepalive included.
constexpr int kMostFirings = 5'000;

class TimersProperty : public ::testing::TestWithParam<uint64_t> {
 protected:
  TimersProperty()
      : random_(GetParam()),
        stream_(GetParam()),
        parameters_(RandomParameters()),
        engine_(parameters_) {
    tcp::TcpState state = StateAtRest();
    state.constant.sack_enabled = random_.Chance(1, 2);
    state.constant.timestamps_enabled = timestamps_ = random_.Chance(1, 2);
    state.delegated.ts_recent = tsval_;
    state.cached.nagle_enabled = random_.Chance(1, 2);
    state.cached.keepalive_enabled = random_.Chance(1, 2);
    state.cached.ka_timeout = Duration::Seconds(1 + random_.Below(100));
    state.cached.ka_interval = Duration::Seconds(1 + random_.Below(20));
    if (random_.Chance(1, 2)) {
      state.delegated.srtt = Duration::Micros(1 + random_.Below(300'000));
      state.delegated.rttvar = state.delegated.srtt / 3;
    }
    EXPECT_TRUE(engine_.Import(now_, state));
    owed_since_ = now_;  // The host may have owed an ACK (R54).
    Settle();
  }

  tcp::Parameters RandomParameters() {
    tcp::Parameters parameters =
        random_.Chance(1, 2) ? tcp::LinuxProfile() : tcp::ChimneyProfile();
    parameters.pacing = random_.Chance(1, 4);
    parameters.max_retransmissions =
        static_cast<uint8_t>(2 + random_.Below(14));
    return parameters;
  }

  tcp::Tcb& tcb() { return engine_.tcb(); }
  bool Running() {
    return !stopped_ && tcb().state() != ConnectionState::kClosed &&
           tcb().state() != ConnectionState::kTimeWait;
  }

  // ---- what is done ----

  void Send() {
    const uint32_t bytes = 1 + random_.Below(random_.Chance(1, 3) ? 20'000 : 9);
    tcp::SendRecord* record = engine_.send_memory().Make(
        stream_.Bytes(0, bytes), 0, random_.Chance(3, 4));
    Note(tcp::OnSend(tcb(), now_, record));
  }
  WireSegment RandomSegment() {
    WireSegment segment;
    segment.flags = kAck;
    segment.seq = tcb().rcv_nxt().value();
    segment.ack = tcb().snd_una().value();
    const uint32_t in_flight = tcb().snd_max().BytesFrom(tcb().snd_una());
    if (random_.Chance(2, 3)) segment.ack += random_.Below(in_flight + 1);
    segment.raw_window =
        static_cast<uint16_t>(random_.Chance(1, 5) ? 0 : random_.Below(65'536));
    if (random_.Chance(1, 2)) {
      segment.payload = stream_.Bytes(0, 1 + random_.Below(1'448));
    }
    if (timestamps_) segment.timestamps = WireSegment::Timestamps{tsval_, 0};
    if (random_.Chance(1, 6)) segment.seq += random_.Below(4'000) - 1'000;
    if (random_.Chance(1, 4) && in_flight > 2) {
      const uint32_t left = segment.ack + 1 + random_.Below(in_flight);
      segment.sack.push_back({left, left + 1 + random_.Below(3'000)});
    }
    if (random_.Chance(1, 60)) segment.flags |= kFin;
    if (random_.Chance(1, 100)) segment.flags = kSyn;
    if (random_.Chance(1, 100)) {
      segment.flags = kRst;
      segment.seq += 1 + random_.Below(1'000);
    }
    return segment;
  }
  void Feed() {
    tsval_ += random_.Below(2);
    const WireSegment segment = RandomSegment();
    const uint32_t nxt = tcb().rcv_nxt().value();
    Note(engine_.Feed(now_, segment));
    const bool moved = tcb().rcv_nxt().value() != nxt;
    if (moved && !owed_since_.has_value()) owed_since_ = now_;
  }
  void Update() {
    tcp::TcpCachedState cached = tcb().cached;
    cached.keepalive_enabled = random_.Chance(1, 2);
    cached.ka_timeout = Duration::Seconds(1 + random_.Below(100));
    Note(
        tcp::OnUpdate(tcb(), now_, cached, random_.Chance(1, 4) ? 600 : 1'500));
  }
  // To the host and back, after some time there.
  void HandOver() {
    Settle();
    tcp::Exported out;
    tcp::Export(tcb(), now_, &out);
    engine_.store().FreeAll(&out.out_of_order);
    ASSERT_TRUE(
        tcp::Import(tcb(), now_, out.state, out.send_data, out.receive_data));
    owed_since_ = now_;
    last_sent_.clear();  // Only the timer's delta crosses.
  }

  // ---- what is seen ----

  void Note(const tcp::Outcome& outcome) {
    if ((outcome.events & tcp::kEventStopped) != 0) stopped_ = true;
    if ((outcome.events & tcp::kEventReceiveReady) != 0) unread_ = true;
  }
  // Sends all that may be sent. How many segments that were.
  size_t Settle() {
    const std::vector<WireSegment> sent = engine_.Pull(now_);
    for (const WireSegment& segment : sent) {
      if (segment.ack == tcb().rcv_nxt().value()) PayAck(segment);
      if (segment.SequenceLength() != 0) last_sent_[segment.seq] = now_;
    }
    highest_ = tcb().snd_max().value();
    return sent.size();
  }
  // The peer need not look at the ACK of what it has seen before.
  void PayAck(const WireSegment& segment) {
    const bool seen_before = segment.SequenceLength() != 0 &&
                             static_cast<int32_t>(segment.seq - highest_) < 0;
    const bool probe = segment.SequenceLength() == 0 &&
                       segment.seq + 1 == tcb().snd_una().value();
    if (!seen_before && !probe) owed_since_.reset();
  }

  // Before its deadline a timer does nothing at all.
  void ExpectNothingEarly() {
    const Instant due = tcp::NextDeadline(tcb());
    const tcp::TcpState before = tcp::Query(tcb(), now_);
    const tcp::Outcome outcome = tcp::OnTimer(tcb(), now_);
    ASSERT_EQ(outcome.events, 0u);
    ASSERT_TRUE(engine_.Pull(now_).empty());
    ASSERT_EQ(Difference(before, tcp::Query(tcb(), now_)), "");
    ASSERT_EQ(tcp::NextDeadline(tcb()), due);
  }
  // Every timer that is due fires, and none is due afterwards.
  void Fire() {
    const uint32_t timeouts = tcb().trouble_counters().retransmit_timeouts;
    const uint32_t una = tcb().snd_una().value();
    const auto sent = last_sent_.find(una);
    const bool known = sent != last_sent_.end();
    const Instant sent_at = known ? sent->second : now_;
    Note(tcp::OnTimer(tcb(), now_));
    // RFC 6298 (2.4), R190: the timeout is never shorter than its minimum.
    if (tcb().trouble_counters().retransmit_timeouts != timeouts && known) {
      ASSERT_GE(now_ - sent_at, parameters_.rto_min);
    }
    Settle();
    ASSERT_GT(tcp::NextDeadline(tcb()), now_) << "due again at once";
    if (Running() && owed_since_.has_value()) {
      ASSERT_LT(now_, *owed_since_ + parameters_.delayed_ack) << "ACK is late";
    }
  }
  void PassTime() {
    const Instant due = tcp::NextDeadline(tcb());
    Instant to = now_ + Duration::Micros(random_.Below(
                            random_.Chance(1, 4) ? 5'000'000 : 30'000));
    if (!due.IsNever() && random_.Chance(1, 2)) {
      const Duration off =
          random_.Chance(1, 3) ? Duration::Nanos(1) : Duration::Nanos(0);
      to = std::max(now_, due - off);
    }
    now_ = to;
    if (due > now_) {
      ExpectNothingEarly();
    } else {
      Fire();
    }
  }

  // Whatever waits for something has a timer that ends the wait.
  void ExpectNoTimerLost() {
    ASSERT_STREQ(tcp::CheckInvariants(tcb()), nullptr);
    const Instant due = tcp::NextTimer(tcb());
    if (!Running()) {
      if (tcb().state() != ConnectionState::kTimeWait) {
        ASSERT_TRUE(due.IsNever());
      }
      return;
    }
    const tcp::TcpDelegatedState shown = tcp::Query(tcb(), now_).delegated;
    const tcp::TimerState& shared = shown.retransmit;
    if (shown.snd_una != shown.snd_max) {
      ASSERT_TRUE(shared.running) << "in flight without a timer";
      ASSERT_LE(shared.delta, parameters_.rto_max);
    } else if (tcb().unacked_send_bytes() != 0) {
      ASSERT_FALSE(due.IsNever()) << "data wait without a timer";
      if (shown.snd_wnd == 0) {
        // Paced, it is looked at when the pause is over.
        ASSERT_TRUE(shared.running || !OutgoingOf(tcb()).timers.pace.IsNever())
            << "no persist timer";
        ASSERT_LE(shared.delta, parameters_.rto_max);
      }
    } else if (shown.fin_queued) {
      ASSERT_TRUE(shared.running) << "FIN waits without a timer";
    }
    if (owed_since_.has_value()) {
      ASSERT_LE(due, *owed_since_ + parameters_.delayed_ack)
          << "ACK owed without a timer";
    }
    if (tcb().cached.keepalive_enabled) {
      ASSERT_TRUE(shown.keepalive.running) << "no keepalive";
    }
    if (shown.state == ConnectionState::kFinWait2 &&
        parameters_.fin_wait2_timeout > Duration()) {
      ASSERT_TRUE(shared.running) << "no FIN_WAIT_2 timer";
    }
  }

  void Step() {
    const uint32_t what = random_.Below(40);
    if (what < 10) {
      PassTime();
    } else if (what < 17) {
      Send();
    } else if (what < 33) {
      Feed();
    } else if (what < 36) {
      if (unread_) engine_.Read(now_, random_.Below(9'000));
    } else if (what < 37) {
      Update();
    } else if (what < 38) {
      tcp::FlushOwedAck(tcb());
    } else if (what < 39) {
      HandOver();
    } else if (random_.Chance(1, 8)) {
      Note(tcp::OnDisconnect(tcb(), now_, false));
    }
    Settle();
  }

  // What a firing may leave as a sign that it was not for nothing.
  bool FiresSilently() {
    now_ = tcp::NextDeadline(tcb());
    const bool asks_later =
        tcb().timers.keepalive == now_ && tcb().snd_una() != tcb().snd_max();
    const uint64_t out = tcb().counters.segments_out;
    Fire();
    const bool seen = tcb().counters.segments_out != out || !Running();
    return !seen && !asks_later;
  }

  Instant now_ = Instant::FromNanos(1'000'000'000'000);
  Random random_;
  ByteStream stream_;
  tcp::Parameters parameters_;
  TestTcb engine_;
  bool timestamps_ = false;
  bool stopped_ = false;
  bool unread_ = false;
  uint32_t tsval_ = 100;
  uint32_t highest_ = 0;  // SND.MAX before the last call
  std::optional<Instant> owed_since_;
  std::map<uint32_t, Instant> last_sent_;  // by first sequence number
};

TEST_P(TimersProperty, NeitherEarlyNorForNothingNorLost) {
  for (int step = 0; step < 500 && Running(); ++step) {
    Step();
    if (!HasFatalFailure()) ExpectNoTimerLost();
    if (HasFatalFailure()) FAIL() << "step " << step;
  }
}

// With a silent peer everything comes to an end: what waits is sent, probed and
// given up, and then no timer runs.
TEST_P(TimersProperty, ASilentPeerLeavesNothingWaiting) {
  const uint32_t steps = random_.Below(200);
  for (uint32_t step = 0; step < steps && Running(); ++step) Step();
  int firings = 0;
  int silent = 0;
  while (!tcp::NextDeadline(tcb()).IsNever()) {
    silent = FiresSilently() ? silent + 1 : 0;
    if (HasFatalFailure()) return;
    ASSERT_LE(silent, kMostSilentFirings) << "a timer runs for nothing";
    ASSERT_LE(++firings, kMostFirings) << "nobody gives up";
  }
  if (!Running()) return;
  EXPECT_EQ(tcb().unacked_send_bytes(), 0u);
  EXPECT_FALSE(owed_since_.has_value());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimersProperty,
                         ::testing::Range<uint64_t>(1, 301));

}  // namespace
}  // namespace chimney::testing
