// SPDX-License-Identifier: BSD-3-Clause
// The timestamp clock across hand-overs: a host whose clock stands and runs
// differently takes the connection and gives it back, a hundred times (R102,
// R199).
#include <algorithm>

#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

struct ClockCase {
  const char* name;
  uint32_t first;     // TSval at the first hand-over
  int64_t offset_ns;  // of the host's clock against ours
  int64_t drift_ppm;  // by which it runs faster
  TimestampUnit unit;
};

void PrintTo(const ClockCase& which, std::ostream* out) { *out << which.name; }

int64_t NanosPerTick(TimestampUnit unit) {
  return unit == TimestampUnit::kMicrosecond ? 1000 : 1'000'000;
}

// A host stack: its clock plus the offset that a restored socket is given.
class HostClock {
 public:
  explicit HostClock(const ClockCase& which) : which_(which) {}

  // The connection comes (back): from now on its clock shows `value`.
  void Set(Instant now, uint32_t value) { offset_ = value - Ticks(now); }
  uint32_t Show(Instant now) const { return Ticks(now) + offset_; }

 private:
  uint32_t Ticks(Instant now) const {
    const int64_t here = now.nanos() + which_.offset_ns;
    const int64_t ahead = here / 1'000'000 * which_.drift_ppm;
    return static_cast<uint32_t>((here + ahead) / NanosPerTick(which_.unit));
  }

  const ClockCase& which_;
  uint32_t offset_ = 0;
};

class HandOverClock : public EngineTest,
                      public ::testing::WithParamInterface<ClockCase> {
 protected:
  // TSval of a segment on the wire, whoever sent it.
  void OnWire(uint32_t value) {
    EXPECT_LT(value - last_, 1u << 31) << last_ << " then " << value;
    last_ = value;
    ++seen_;
  }
  void SendByTarget() {
    Send(1);
    FlushOwedAck(tcb());
    for (const WireSegment& segment : Pull()) {
      ASSERT_TRUE(segment.timestamps.has_value());
      OnWire(segment.timestamps->value);
      EXPECT_EQ(segment.timestamps->echo, peer_clock_);
    }
  }
  // The peer acknowledges `rtt` later and echoes what it saw last.
  void Answer(Duration rtt) {
    now = now + rtt;
    WireSegment ack = Ack(tcb().snd_max().value());
    ack.timestamps = WireSegment::Timestamps{++peer_clock_, last_};
    EXPECT_EQ(Feed(ack).reason, SegmentReason::kAckAdvanced);
  }
  // Upload, some time with the host, offload.
  void Cycle(HostClock& host) {
    now = now + Duration::Micros(5700);
    Exported out;
    Export(tcb(), now, &out);
    TcpDelegatedState& d = out.state.delegated;
    EXPECT_LE(d.ts_time - last_, 1u << 20);  // not behind what was sent
    EXPECT_EQ(d.ts_recent, peer_clock_);
    host.Set(now, d.ts_time);
    now = now + Duration::Micros(300);
    OnWire(host.Show(now));
    now = now + Duration::Micros(8100);
    OnWire(host.Show(now));
    d.ts_time = host.Show(now);
    ASSERT_TRUE(Import(tcb(), now, out.state, out.send_data, out.receive_data));
    Check();
  }

  uint32_t last_ = 0;
  uint32_t peer_clock_ = 0xFFFFFFC0;  // wraps on the way
  int seen_ = 0;
};

TEST_P(HandOverClock, NeverGoesBackOverAHundredHandOvers_R102_R199) {
  const ClockCase& which = GetParam();
  state.constant.timestamps_enabled = true;
  state.constant.timestamp_unit = which.unit;
  state.delegated.ts_time = which.first;
  state.delegated.ts_recent = peer_clock_;
  last_ = which.first;
  HostClock host(which);
  const Instant begin = now;
  Start();
  for (int i = 0; i < 100; ++i) {
    SendByTarget();
    Answer(Duration::Millis(2));
    SendByTarget();
    Answer(Duration::Millis(2));
    Cycle(host);
  }
  EXPECT_GE(seen_, 400);
  // Nor does it run away: it kept time, by the two clocks' own rates.
  const int64_t elapsed = (now - begin).nanos() / NanosPerTick(which.unit);
  const auto shown = static_cast<int64_t>(last_ - which.first);
  const int64_t drift = elapsed * std::abs(which.drift_ppm) / 1'000'000;
  EXPECT_NEAR(static_cast<double>(shown), static_cast<double>(elapsed),
              static_cast<double>(drift + 202));  // a tick for each rounding
}

constexpr TimestampUnit kMs = TimestampUnit::kMillisecond;
constexpr TimestampUnit kUs = TimestampUnit::kMicrosecond;
constexpr int64_t kDay = 86'400'000'000'000;

INSTANTIATE_TEST_SUITE_P(
    Hosts, HandOverClock,
    ::testing::Values(
        ClockCase{"SameClock", 1000, 0, 0, kMs},
        ClockCase{"AheadAndFast", 0xFFFFFF00, 3 * kDay, 200, kMs},
        ClockCase{"BehindAndSlow", 0x7FFFFF00, -999'000'000'000, -200, kMs},
        ClockCase{"VeryFast", 5, kDay, 20'000, kMs},
        ClockCase{"Microseconds", 0xFFFF0000, kDay, 200, kUs},
        ClockCase{"MicrosecondsSlow", 0xFFFF0000, 77, -20'000, kUs}),
    [](const auto& host) { return std::string(host.param.name); });

class TimestampDelta : public EngineTest {
 protected:
  // Our clock shows 1,000,000 ms; the host's stood 100 lower.
  void SetUp() override {
    state.constant.timestamps_enabled = true;
    state.delegated.ts_time = 1'000'000 - 100;
    state.delegated.ts_recent = 9;
  }
};

TEST_F(TimestampDelta, IsTheHostsTimeLessOurs_R199) {
  Start();
  EXPECT_EQ(static_cast<int32_t>(tcb().ts.delta), -100);
  now = now + Duration::Millis(250);
  Send(1);
  EXPECT_EQ(PullOne().timestamps->value, 1'000'250u - 100);
  EXPECT_EQ(Query(tcb(), now).delegated.ts_time, 1'000'250u - 100);
}

// Clock + delta - TSecr, though the host sent the segment.
TEST_F(TimestampDelta, ARoundTripOfFive_R199) {
  InFlight(100);
  Start(Stream(100));
  now = now + Duration::Millis(3);
  WireSegment ack = Ack(kOurs + 100);
  ack.timestamps = WireSegment::Timestamps{9, 1'000'003 - 100 - 5};
  Feed(ack);
  EXPECT_EQ(tcb().rtt.srtt, Duration::Millis(5));
}

TEST_F(TimestampDelta, AnOldTsvalIsDroppedAfterTheOffload_R199) {
  Start();
  WireSegment old = Data(0, 10);
  old.timestamps = WireSegment::Timestamps{8, 0};
  EXPECT_EQ(Feed(old).reason, SegmentReason::kPawsRejected);
}

// RFC 7323 section 5.5, the age counted from where the host had it.
TEST_F(TimestampDelta, TheAgeOfTsRecentComesFromTheHost_R199) {
  state.delegated.ts_recent_age = Duration::Seconds(2000);
  Start();
  WireSegment old = Data(0, 10);
  old.timestamps = WireSegment::Timestamps{8, 0};
  EXPECT_EQ(Feed(old).reason, SegmentReason::kPawsRejected);
  now = now + Duration::Seconds(148);
  EXPECT_EQ(Feed(old).reason, SegmentReason::kDataInOrder);
  EXPECT_EQ(Query(tcb(), now).delegated.ts_recent_age, Duration());
  now = now + Duration::Seconds(5);
  EXPECT_EQ(Query(tcb(), now).delegated.ts_recent_age, Duration::Seconds(5));
}

}  // namespace
}  // namespace chimney::tcp
