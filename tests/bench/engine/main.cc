// SPDX-License-Identifier: BSD-3-Clause
// Cycles of the engine's calls, on crowds of 1 to 1,000,000 connections visited
// at random. Google Benchmark's flags: --benchmark_filter=REGEX,
// --benchmark_format=json, --benchmark_out=FILE.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/bench/engine/batch.h"
#include "worker/flow.h"
#include "worker/timing_wheel.h"

namespace chimney::bench {
namespace {

constexpr size_t kCrowds[] = {1, 1'000, 100'000, 1'000'000};

// Benchmarks come in the order of crowds, so that one is there at a time.
Connections* Crowd(size_t count) {
  static std::unique_ptr<Connections> crowd;
  if (crowd == nullptr || crowd->count() != count) {
    crowd.reset();
    crowd = std::make_unique<Connections>(count);
  }
  return crowd.get();
}

template <typename Body>
void Register(const char* name, size_t count, Body body) {
  auto* registered = benchmark::RegisterBenchmark(
      (std::string(name) + "/" + std::to_string(count)).c_str(), body);
  registered->UseManualTime();
  // Under callgrind, which counts and does not time, one round is enough.
  const char* iterations = std::getenv("CHIMNEY_BENCH_ITERATIONS");
  if (iterations != nullptr) registered->Iterations(std::atoi(iterations));
}

void RegisterAll(size_t count) {
  using benchmark::State;
  Register("pure_ack", count,
           [=](State& state) { PureAck(state, Crowd(count)); });
  Register("ack_with_sack", count,
           [=](State& state) { AckWithSack(state, Crowd(count)); });
  Register("in_order_64", count,
           [=](State& state) { InOrder(state, Crowd(count), 64); });
  Register("in_order_1448", count,
           [=](State& state) { InOrder(state, Crowd(count), kMss); });
  Register("out_of_order_1448", count,
           [=](State& state) { OutOfOrder(state, Crowd(count)); });
  Register("deliver_1448", count,
           [=](State& state) { Deliver(state, Crowd(count)); });
  Register("send_64", count,
           [=](State& state) { Send(state, Crowd(count), 64); });
  Register("send_1448", count,
           [=](State& state) { Send(state, Crowd(count), kMss); });
  Register("import", count, [=](State& state) { Import(state, Crowd(count)); });
  Register("export", count, [=](State& state) { Export(state, Crowd(count)); });
  Register("timer_set_cancel", count,
           [=](State& state) { TimerSetCancel(state, count); });
  Register("timer_fire", count, [=](State& state) { TimerFire(state, count); });
}

}  // namespace

void Batches::Report(benchmark::State& state) {
  if (each_.empty()) return;
  const auto middle =
      each_.begin() + static_cast<std::ptrdiff_t>(each_.size() / 2);
  std::nth_element(each_.begin(), middle, each_.end());
  state.counters["cycles"] = static_cast<double>(*middle);
  state.counters["cycles_mean"] =
      static_cast<double>(cycles_) / static_cast<double>(operations_);
  state.counters["operations"] = static_cast<double>(operations_);
}

}  // namespace chimney::bench

int main(int argc, char** argv) {
  for (const size_t count : chimney::bench::kCrowds) {
    chimney::bench::RegisterAll(count);
  }
  benchmark::AddCustomContext("bytes_control_block",
                              std::to_string(sizeof(chimney::tcp::Tcb)));
  benchmark::AddCustomContext(
      "bytes_idle_connection",
      std::to_string(chimney::worker::kBytesPerIdleFlow));
  benchmark::AddCustomContext(
      "bytes_timer", std::to_string(sizeof(chimney::worker::TimerNode)));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
