// SPDX-License-Identifier: BSD-3-Clause
// Import, then query or export, is the identity for every state that a
// connection can be handed over in (R43-R46, R86, R101-R103).
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "base/random.h"
#include "tests/support/byte_stream.h"
#include "tests/support/state_comparison.h"
#include "tests/support/test_tcb.h"

namespace chimney::testing {
namespace {

using tcp::ConnectionState;

struct Sample {
  tcp::TcpState state;
  std::vector<uint8_t> unacked;
  std::vector<uint8_t> unread;
};

bool FinSent(ConnectionState state) {
  return state == ConnectionState::kFinWait1 ||
         state == ConnectionState::kFinWait2 ||
         state == ConnectionState::kClosing ||
         state == ConnectionState::kLastAck;
}

Duration RandomDuration(Random* random, int64_t max_ms) {
  return Duration::Micros(random->Below(static_cast<uint32_t>(max_ms * 1000)) +
                          1);
}

void RandomConstants(Random* random, tcp::TcpState* state) {
  tcp::TcpConstState& constant = state->constant;
  constant.timestamps_enabled = random->Chance(1, 2);
  constant.sack_enabled = random->Chance(1, 2);
  constant.window_scaling_enabled = random->Chance(1, 2);
  if (constant.window_scaling_enabled) {
    constant.snd_wind_scale = static_cast<uint8_t>(random->Below(15));
    constant.rcv_wind_scale = static_cast<uint8_t>(random->Below(15));
  }
  if (random->Chance(1, 2)) {
    constant.timestamp_unit = tcp::TimestampUnit::kMicrosecond;
  }
  constant.remote_mss = static_cast<uint16_t>(536 + random->Below(1'000));
  constant.local_port = static_cast<uint16_t>(random->Next32());
  constant.remote_port = static_cast<uint16_t>(random->Next32());
  constant.hash_value = random->Next32();
  state->cached.nagle_enabled = random->Chance(1, 2);
  state->cached.ttl_or_hop_limit = static_cast<uint8_t>(random->Below(256));
  state->cached.initial_rcv_wnd = 65'536 + random->Below(1u << 20);
}

// SND.UNA .. SND.NXT .. SND.MAX within what is queued, FIN included.
void RandomSendSide(Random* random, Sample* sample) {
  tcp::TcpDelegatedState& d = sample->state.delegated;
  const bool fin_sent = FinSent(d.state);
  uint32_t queued = random->Chance(1, 3) ? 0 : random->Below(30'000);
  if (d.state == ConnectionState::kFinWait2) queued = 0;
  sample->unacked = ByteStream(1).Bytes(0, queued);
  d.snd_una = SeqNum(0u - random->Below(40'000));
  uint32_t outstanding = queued == 0 ? 0 : random->Below(queued + 1);
  if (fin_sent) outstanding = queued + 1;
  if (d.state == ConnectionState::kFinWait2) outstanding = 0;
  d.snd_max = d.snd_una + outstanding;
  d.snd_nxt = d.snd_max;
  if (random->Chance(1, 4))
    d.snd_nxt = d.snd_una + random->Below(outstanding + 1);
  d.fin_queued = !fin_sent && random->Chance(1, 4);
  const uint8_t shift = sample->state.constant.snd_wind_scale;
  d.snd_wnd = (1 + random->Below(65'535)) << shift;
  d.max_snd_wnd = d.snd_wnd + (random->Below(1'000) << shift);
  d.cwnd = sample->state.constant.remote_mss * (1 + random->Below(100));
  d.ssthresh = random->Chance(1, 2) ? 0xffffffff : d.cwnd;
  if (random->Chance(2, 3)) {
    d.srtt = RandomDuration(random, 500);
    d.rttvar = RandomDuration(random, 200);
  }
  if (outstanding == 0) return;
  d.retransmit.running = true;
  d.retransmit.delta = RandomDuration(random, 1'000);
  if (random->Chance(1, 3)) {
    d.retransmit.count = static_cast<uint8_t>(1 + random->Below(5));
    d.total_rt = RandomDuration(random, 5'000);
  } else if (random->Chance(1, 2)) {
    d.dup_ack_count = static_cast<uint8_t>(random->Below(3));
  }
}

void RandomReceiveSide(Random* random, Sample* sample) {
  tcp::TcpDelegatedState& d = sample->state.delegated;
  sample->unread =
      ByteStream(2).Bytes(0, random->Chance(1, 2) ? 0 : random->Below(30'000));
  d.rcv_nxt = SeqNum(0u - random->Below(40'000));
  d.rcv_wnd = random->Below(60'000);
  d.snd_wl1 = d.rcv_nxt - random->Below(1'000);
  if (!sample->state.constant.timestamps_enabled) return;
  d.ts_recent = random->Next32();
  d.ts_recent_age = RandomDuration(random, 100'000);
  d.ts_time = random->Next32();
}

Sample RandomSample(uint64_t seed) {
  const ConnectionState kStates[] = {
      ConnectionState::kEstablished, ConnectionState::kEstablished,
      ConnectionState::kFinWait1,    ConnectionState::kFinWait2,
      ConnectionState::kCloseWait,   ConnectionState::kClosing,
      ConnectionState::kLastAck};
  Random random(seed);
  Sample sample;
  sample.state.delegated.state = kStates[random.Below(std::size(kStates))];
  RandomConstants(&random, &sample.state);
  RandomSendSide(&random, &sample);
  RandomReceiveSide(&random, &sample);
  if (sample.state.delegated.state == ConnectionState::kFinWait2) {
    // The shared timer is the FIN_WAIT_2 timer (R177).
    sample.state.delegated.retransmit = {true, RandomDuration(&random, 50'000),
                                         0};
  }
  return sample;
}

std::vector<uint8_t> Bytes(const EngineStore& store, tcp::FragmentList* list) {
  std::vector<uint8_t> bytes;
  for (const tcp::Fragment& fragment : *list) {
    const ByteSpan span = store.Bytes(fragment);
    bytes.insert(bytes.end(), span.begin(), span.end());
  }
  return bytes;
}

std::vector<uint8_t> Bytes(tcp::RecordList* list) {
  std::vector<uint8_t> bytes;
  for (const tcp::SendRecord& record : *list) {
    bytes.insert(bytes.end(), record.data + record.acked_bytes,
                 record.data + record.length);
  }
  return bytes;
}

class StateRoundTrip : public ::testing::TestWithParam<uint64_t> {};

TEST_P(StateRoundTrip, IsTheIdentity) {
  for (uint64_t i = 0; i < 20; ++i) {
    const Sample sample = RandomSample(GetParam() * 1'000 + i);
    const Instant now = Instant::FromNanos(5'000'000'123);
    TestTcb engine(tcp::LinuxProfile());
    ASSERT_TRUE(
        engine.Import(now, sample.state, sample.unacked, sample.unread, 7'000));
    ASSERT_EQ(tcp::CheckInvariants(engine.tcb()), nullptr);
    EXPECT_EQ(Difference(sample.state, tcp::Query(engine.tcb(), now)), "");
    tcp::Exported exported;
    tcp::Export(engine.tcb(), now, &exported);
    EXPECT_EQ(Difference(sample.state, exported.state), "");
    EXPECT_EQ(Bytes(&exported.send_data), sample.unacked);
    EXPECT_EQ(Bytes(engine.store(), &exported.receive_data), sample.unread);
    EXPECT_TRUE(exported.out_of_order.empty());
    EXPECT_TRUE(tcp::NextDeadline(engine.tcb()).IsNever());
    engine.store().FreeAll(&exported.receive_data);
    exported.send_data.Clear();
    EXPECT_EQ(engine.store().Leftovers(), "");
    if (HasFailure()) {
      FAIL() << "sample " << i << " of seed " << GetParam() << ", state "
             << tcp::ConnectionStateName(sample.state.delegated.state);
    }
  }
}

// What time does to a state while it is held, and nothing else.
TEST_P(StateRoundTrip, LaterOnlyClocksAndTimersHaveMoved) {
  const Sample sample = RandomSample(GetParam());
  const Instant now = Instant::FromNanos(5'000'000'000);
  const Instant later = now + Duration::Micros(1);
  TestTcb engine(tcp::LinuxProfile());
  ASSERT_TRUE(engine.Import(now, sample.state, sample.unacked, sample.unread));
  tcp::TcpState expected = sample.state;
  tcp::TcpDelegatedState& d = expected.delegated;
  if (expected.constant.timestamp_unit == tcp::TimestampUnit::kMicrosecond) {
    d.ts_time += 1;
  }
  d.ts_recent_age = d.ts_recent_age + Duration::Micros(1);
  if (d.retransmit.running) {
    d.retransmit.delta = d.retransmit.delta - Duration::Micros(1);
  }
  tcp::TcpState after = tcp::Query(engine.tcb(), later);
  // TotalRT runs while the segment is being retransmitted.
  after.delegated.total_rt = d.total_rt;
  if (!expected.constant.timestamps_enabled) {
    d.ts_time = after.delegated.ts_time;
    d.ts_recent_age = after.delegated.ts_recent_age;
  }
  EXPECT_EQ(Difference(expected, after), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, StateRoundTrip,
                         ::testing::Range<uint64_t>(1, 51));

}  // namespace
}  // namespace chimney::testing
