// SPDX-License-Identifier: BSD-3-Clause
// New cached values for a running connection (R65, R73-R75), and sends of no
// bytes between others (R108, R110).
#include "tcp/timers.h"
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

class Update : public EngineTest {
 protected:
  Outcome Apply(const TcpCachedState& cached) {
    const Outcome outcome = OnUpdate(tcb(), now, cached, 1500);
    Check();
    return outcome;
  }
  TcpDelegatedState Shown() { return Query(tcb(), now).delegated; }
};

TEST_F(Update, SettingMaxRtZeroesTotalRt_R75) {
  state.cached.max_rt = Duration::Seconds(10);
  state.delegated.total_rt = Duration::Seconds(9);
  state.delegated.retransmit = {true, Duration::Seconds(1), 1};
  InFlight(1'000);
  Start(Stream(1'000));
  now = now + Duration::Millis(300);
  EXPECT_EQ(Shown().total_rt, Duration::Millis(9'300));
  TcpCachedState cached = state.cached;
  Apply(cached);
  EXPECT_EQ(Shown().total_rt, Duration::Millis(9'300)) << "nothing was set";
  cached.max_rt = Duration::Seconds(20);
  Apply(cached);
  EXPECT_EQ(Shown().total_rt, Duration());
  now = now + Duration::Millis(200);
  EXPECT_EQ(Shown().total_rt, Duration::Millis(200));
}

TEST_F(Update, KeepaliveTimesStartItsTimerAnew_R73_R74) {
  state.cached.keepalive_enabled = true;
  Start();
  now = now + Duration::Seconds(60);
  TcpCachedState cached = state.cached;
  cached.ka_timeout = Duration::Seconds(100);
  Apply(cached);
  EXPECT_EQ(Shown().keepalive.delta, Duration::Seconds(100));
  now = now + Duration::Seconds(1);
  cached.ka_interval = Duration::Seconds(3);
  Apply(cached);
  EXPECT_EQ(Shown().keepalive.delta, Duration::Seconds(100));
  now = now + Duration::Seconds(1);
  cached.ka_probe_count = 2;
  Apply(cached);
  EXPECT_EQ(Shown().keepalive.delta, Duration::Seconds(100));
  now = now + Duration::Seconds(1);
  Apply(cached);
  EXPECT_EQ(Shown().keepalive.delta, Duration::Seconds(99));
}

// A stranger's limits do not lead outside of what time can be (R65).
TEST_F(Update, TimesBeyondAllMeasureAreCut) {
  state.cached.keepalive_enabled = true;
  state.cached.ka_timeout = Duration::Nanos(INT64_MAX);
  Start();
  EXPECT_EQ(Shown().keepalive.delta, kLongestTimer);
  state.cached.ka_timeout = Duration::Seconds(1);
  state.cached.ka_interval = Duration::Nanos(INT64_MAX);
  Apply(state.cached);
  now = now + Duration::Seconds(1);
  OnTimer(tcb(), now);
  EXPECT_EQ(Shown().keepalive.delta, kLongestTimer);
}

TEST_F(Update, AClosedConnectionTakesThemAndStaysQuiet) {
  Start();
  Close(true);
  Pull();
  TcpCachedState cached = state.cached;
  cached.keepalive_enabled = true;
  cached.initial_rcv_wnd = 1;
  EXPECT_EQ(Apply(cached).events, 0u);
  EXPECT_TRUE(NextTimer(tcb()).IsNever());
  EXPECT_TRUE(Pull().empty());
}

using EmptySends = EngineTest;

TEST_F(EmptySends, HoldNothingUpAndCompleteInTheirTurn_R108_R110) {
  state.cached.nagle_enabled = false;
  Start();
  FlushOwedAck(tcb());
  Pull();
  Feed(Ack(kOurs, 0));
  Send(1);
  for (int i = 0; i < 40; ++i) Send(0);
  Send(100);
  EXPECT_TRUE(Pull().empty());
  EXPECT_EQ(host_->send_memory().live(), 42u);
  Feed(Ack(kOurs, 65'535));
  Bytes sent;
  for (const WireSegment& segment : Pull()) {
    EXPECT_EQ(segment.seq, kOurs + sent.size());
    sent.insert(sent.end(), segment.payload.begin(), segment.payload.end());
  }
  EXPECT_EQ(sent, Stream(101));
  Feed(Ack(kOurs + 1));
  Pull();
  EXPECT_EQ(host_->send_memory().live(), 1u);
  Feed(Ack(kOurs + 101));
  Pull();
  EXPECT_EQ(host_->send_memory().live(), 0u);
}

TEST_F(Update, NoWindowIsLargerThanAnImportTakes_RFC7323_2_3) {
  Start();
  TcpCachedState cached = state.cached;
  cached.initial_rcv_wnd = 0xffffffff;
  OnUpdate(tcb(), now, cached, 1500);
  EXPECT_EQ(Query(tcb(), now).cached.initial_rcv_wnd, 65535u << 14);
}

}  // namespace
}  // namespace chimney::tcp
