// SPDX-License-Identifier: BSD-3-Clause
// The timing wheel under the load of a worker: most timers are moved before
// they fire.
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <random>
#include <vector>

#include "tests/bench/engine/batch.h"
#include "worker/timing_wheel.h"

namespace chimney::bench {
namespace {

constexpr uint32_t kLongestMicros = 400'000;

class Wheel {
 public:
  explicit Wheel(size_t count)
      : count_(count), nodes_(new worker::TimerNode[count]), wheel_(now_) {
    for (size_t i = 0; i < count; ++i) wheel_.Arm(&nodes_[i], Later());
  }
  ~Wheel() {
    for (size_t i = 0; i < count_; ++i) wheel_.Cancel(&nodes_[i]);
  }
  worker::TimerNode* Any() { return &nodes_[random_() % count_]; }
  Instant Later() {
    return now_ + Duration::Micros(
                      1 + static_cast<int64_t>(random_() % kLongestMicros));
  }
  worker::TimingWheel& wheel() { return wheel_; }
  Instant now() const { return now_; }
  void Advance(Duration by) { now_ = now_ + by; }

 private:
  size_t count_;
  std::minstd_rand random_{1};
  Instant now_ = Instant::FromNanos(1'000'000'000'000);
  std::unique_ptr<worker::TimerNode[]> nodes_;
  worker::TimingWheel wheel_;
};

}  // namespace

void TimerSetCancel(benchmark::State& state, size_t armed) {
  Wheel wheel(armed);
  std::array<worker::TimerNode*, kBatch> nodes;
  std::array<Instant, kBatch> deadlines;
  Batches batches;
  for (auto _ : state) {
    for (size_t i = 0; i < kBatch; ++i) {
      nodes[i] = wheel.Any();
      deadlines[i] = wheel.Later();
    }
    batches.Measure(state, kBatch, [&] {
      for (size_t i = 0; i < kBatch; ++i) {
        wheel.wheel().Cancel(nodes[i]);
        wheel.wheel().Arm(nodes[i], deadlines[i]);
      }
    });
  }
  batches.Report(state);
}

// Time goes on until about a batch of timers is due; what fires is armed again.
void TimerFire(benchmark::State& state, size_t armed) {
  Wheel wheel(armed);
  const auto batches_armed =
      static_cast<int64_t>(std::max<size_t>(armed / kBatch, 1));
  const Duration step = Duration::Micros(kLongestMicros) / batches_armed;
  std::vector<worker::TimerNode*> fired;
  fired.reserve(armed);
  Batches batches;
  for (auto _ : state) {
    fired.clear();
    // Each fired timer was armed anew: there is one within that time.
    while (wheel.wheel().NextDeadline() > wheel.now() + step) {
      wheel.Advance(step);
    }
    wheel.Advance(step);
    size_t budget = 2 * armed + kBatch;
    const auto fire = [&] {
      while (worker::TimerNode* node =
                 wheel.wheel().PopDue(wheel.now(), &budget)) {
        fired.push_back(node);
      }
    };
    batches.MeasureCounted(state, fire, [&] { return fired.size(); });
    for (worker::TimerNode* node : fired) {
      wheel.wheel().Arm(node, wheel.Later());
    }
  }
  batches.Report(state);
}

}  // namespace chimney::bench
