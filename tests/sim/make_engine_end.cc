// SPDX-License-Identifier: BSD-3-Clause
// A scenario's end run by the engine, with hand-overs at random moments.
#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "tests/sim/simulation.h"
#include "tests/support/engine_endpoint.h"

namespace chimney::testing {
namespace {

// A simulated application may be silent for longer than R177 lets a half-closed
// connection be; unit tests cover that timer.
constexpr tcp::Parameters Patient(tcp::Parameters parameters) {
  parameters.fin_wait2_timeout = Duration::Seconds(3600);
  return parameters;
}

constexpr tcp::Parameters kLinux = Patient(tcp::LinuxProfile());
constexpr tcp::Parameters kChimney = Patient(tcp::ChimneyProfile());

tcp::TcpState StateFor(const EndContext& context) {
  const EndSpec& own = context.own();
  const EndSpec& other = context.other();
  const Scenario& scenario = *context.scenario;
  const bool is_ms = scenario.timestamp_unit == Duration::Millis(1);

  tcp::TcpState state;
  tcp::TcpConstState& constant = state.constant;
  constant.timestamps_enabled = scenario.timestamps;
  constant.sack_enabled = scenario.sack;
  constant.window_scaling_enabled = scenario.window_scaling;
  constant.snd_wind_scale = other.window_shift;
  constant.rcv_wind_scale = own.window_shift;
  constant.timestamp_unit = is_ms ? tcp::TimestampUnit::kMillisecond
                                  : tcp::TimestampUnit::kMicrosecond;
  constant.remote_mss = static_cast<uint16_t>(scenario.mss_bytes);
  state.cached.nagle_enabled = own.nagle;
  state.cached.initial_rcv_wnd = own.buffer_bytes;
  state.cached.keepalive_enabled = own.keepalive;
  state.cached.ka_timeout = Duration::Seconds(3);
  state.cached.ka_interval = Duration::Seconds(1);

  tcp::TcpDelegatedState& delegated = state.delegated;
  delegated.rcv_nxt = SeqNum(other.first_seq);
  delegated.rcv_wnd = own.initial_window_bytes;
  delegated.snd_una = SeqNum(own.first_seq);
  delegated.snd_nxt = delegated.snd_una;
  delegated.snd_max = delegated.snd_una;
  delegated.snd_wnd = other.initial_window_bytes;
  delegated.max_snd_wnd = other.initial_window_bytes;
  delegated.snd_wl1 = delegated.rcv_nxt;
  delegated.ts_recent = other.first_tsval;
  delegated.ts_time = own.first_tsval;
  return state;
}

OutputWitness::Config WitnessFor(const EndContext& context) {
  const EndSpec& own = context.own();
  const EndSpec& other = context.other();
  const Scenario& scenario = *context.scenario;
  OutputWitness::Config config;
  config.first_send_seq = own.first_seq;
  config.first_receive_seq = other.first_seq;
  config.stream_seed = own.plan.write_seed;
  config.peer_edge_bytes = other.initial_window_bytes;
  config.own_edge_bytes = own.initial_window_bytes;
  config.own_shift = own.window_shift;
  config.peer_shift = other.window_shift;
  config.timestamps = scenario.timestamps;
  config.sack = scenario.sack;
  config.ts_recent = other.first_tsval;
  config.timestamp_unit = scenario.timestamp_unit;
  config.mss_bytes = scenario.mss_bytes;
  return config;
}

// Does something to the connection again and again until it is finished.
class Whim {
 public:
  using Action = std::function<void(Random*)>;

  Whim(VirtualClock* clock, EngineEndpoint* endpoint, Duration mean_gap,
       uint64_t seed, Action action)
      : clock_(clock),
        endpoint_(endpoint),
        mean_gap_(mean_gap),
        random_(seed),
        action_(std::move(action)) {
    if (mean_gap > Duration()) Schedule();
  }

 private:
  // Without an end, whims would keep a stuck run going for ever.
  static constexpr uint32_t kMaxTimes = 2'000;

  void Schedule() {
    const auto twice_us = static_cast<uint32_t>(mean_gap_.micros() * 2);
    clock_->After(Duration::Micros(1 + random_.Below(twice_us)), [this] {
      if (endpoint_->finished() || endpoint_->broken()) return;
      action_(&random_);
      if (++count_ < kMaxTimes) Schedule();
    });
  }

  VirtualClock* clock_;
  EngineEndpoint* endpoint_;
  Duration mean_gap_;
  Random random_;
  Action action_;
  uint32_t count_ = 0;
};

void HandOverSomehow(EngineEndpoint* endpoint, Random* random) {
  HandOverStyle style;
  style.other_store = random->Chance(1, 2);
  style.kernel_between = random->Chance(1, 2);
  if (random->Chance(1, 4)) {
    style.away = Duration::Micros(random->Below(50'000));
  }
  endpoint->HandOver(style);
}

void UpdateSomehow(EngineEndpoint* endpoint, uint32_t buffer_bytes,
                   Random* random) {
  tcp::TcpCachedState cached = endpoint->cached();
  cached.nagle_enabled = random->Chance(1, 2);
  cached.initial_rcv_wnd = buffer_bytes / 2 + random->Below(buffer_bytes);
  endpoint->Update(cached, endpoint->path_mtu_bytes());
}

// What somebody who knows the ports and guesses numbers may send (RFC 5961):
// never exactly RCV.NXT, never an acceptable ACK with data.
void ForgeSegment(EngineEndpoint* endpoint, Random* random) {
  tcp::Tcb& tcb = endpoint->tcb();
  const bool inside = random->Chance(1, 2);
  const uint32_t window = std::max(tcb.rcv_wnd(), 2u);
  WireSegment segment;
  segment.seq = tcb.rcv_nxt().value() + 1 + random->Below(window - 1);
  if (!inside) segment.seq += 0x20000000 + random->Below(0x40000000);
  segment.ack = tcb.snd_max().value() + 1 + random->Below(1'000'000);
  segment.raw_window = static_cast<uint16_t>(random->Below(65'536));
  const uint8_t kFlags[] = {kRst, kRst | kAck, kSyn, kSyn | kAck, kAck};
  segment.flags = kFlags[random->Below(std::size(kFlags))];
  if (random->Chance(1, 2)) {
    segment.timestamps =
        WireSegment::Timestamps{random->Next32(), random->Next32()};
  }
  if (random->Chance(1, 4)) {
    segment.sack.push_back({random->Next32(), random->Next32()});
  }
  endpoint->OnForgery(segment);
}

class EngineEnd : public EngineEndpoint {
 public:
  EngineEnd(const EndContext& context, const Config& config)
      : EngineEndpoint(context.clock, config, context.transmit, context.fail),
        handovers_(context.clock, this, context.own().handover_gap,
                   config.seed * 2,
                   [this](Random* random) { HandOverSomehow(this, random); }),
        updates_(context.clock, this, context.own().update_gap,
                 config.seed * 2 + 1,
                 [this, bytes = context.own().buffer_bytes](Random* random) {
                   UpdateSomehow(this, bytes, random);
                 }),
        forgeries_(context.clock, this, context.own().forgery_gap,
                   config.seed * 2 + 3,
                   [this](Random* random) { ForgeSegment(this, random); }) {}

 private:
  Whim handovers_;
  Whim updates_;
  Whim forgeries_;
};

}  // namespace

std::unique_ptr<StreamEndpoint> MakeEngineEnd(const EndContext& context) {
  const EndSpec& own = context.own();
  EngineEndpoint::Config config;
  config.state = StateFor(context);
  config.parameters = own.chimney_profile ? &kChimney : &kLinux;
  if (own.parameters != nullptr) config.parameters = own.parameters;
  config.ipv6 = context.scenario->ipv6;
  config.path_mtu_bytes =
      context.scenario->mss_bytes + (context.scenario->ipv6 ? 60 : 40);
  config.witness = WitnessFor(context);
  config.chunk_bytes = 2'048;
  config.chunk_count = 64 + 6 * own.buffer_bytes / config.chunk_bytes;
  if (own.tight_memory) {
    config.chunk_count = 3 + own.buffer_bytes / config.chunk_bytes / 2;
  }
  config.fragment_count = 4'096;
  config.seed = context.scenario->seed * 5 + (context.is_a ? 1 : 2);
  return std::make_unique<EngineEnd>(context, config);
}

}  // namespace chimney::testing
