// SPDX-License-Identifier: BSD-3-Clause
// How every engine benchmark runs: connections are prepared, a batch of them
// is measured at a time, and when all were, they are put back to rest.
#ifndef CHIMNEY_TESTS_BENCH_ENGINE_BATCH_H_
#define CHIMNEY_TESTS_BENCH_ENGINE_BATCH_H_

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prefetch.h"
#include "tcp/prefetch.h"
#include "tests/bench/engine/connections.h"
#include "tests/bench/engine/cycles.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

namespace chimney::bench {

// Collects one benchmark's batches.
class Batches {
 public:
  // Measures run(), which does as many `operations`. Under callgrind (with
  // --collect-atstart=no) the instructions of run() alone are counted.
  template <typename Run>
  void Measure(benchmark::State& state, size_t operations, Run run) {
    MeasureCounted(state, run, [operations] { return operations; });
  }
  // The same where count() tells afterwards how many it were.
  template <typename Run, typename Operations>
  void MeasureCounted(benchmark::State& state, Run run, Operations count) {
    const auto began = std::chrono::steady_clock::now();
    CALLGRIND_TOGGLE_COLLECT;
    const uint64_t before = ReadCycles();
    run();
    const uint64_t cycles = ReadCycles() - before;
    CALLGRIND_TOGGLE_COLLECT;
    const std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - began;
    state.SetIterationTime(took.count());
    const uint64_t operations = count();
    operations_ += operations;
    cycles_ += cycles;
    if (operations != 0) each_.push_back(cycles / operations);
  }
  // Sets the counters of one operation: "cycles" is that of the median batch,
  // since whatever else the machine does shows in "cycles_mean".
  void Report(benchmark::State& state);

 private:
  std::vector<uint64_t> each_;
  uint64_t cycles_ = 0;
  uint64_t operations_ = 0;
};

// The steps of one benchmark in the order of a walk through the crowd: a crowd
// of one takes kBatch in a row.
template <typename Step>
class Walk {
 public:
  explicit Walk(Connections* connections)
      : connections_(connections),
        repeats_(connections->count() < kBatch ? kBatch : 1) {
    const size_t most = std::min(connections->count(), kMostPrepared);
    steps_.resize(repeats_ == 1 ? most / kBatch * kBatch : kBatch);
  }

  // Steps of one connection that come one behind the other.
  size_t repeats() const { return repeats_; }

  // Calls prepare(tcb, &step, index in a row) for each step, and measures
  // run(step) on all of them, batch by batch; then restore(tcb, step).
  template <typename Prepare, typename Run, typename Restore>
  void Measure(benchmark::State& state, Prepare prepare, Run run,
               Restore restore) {
    Batches batches;
    size_t at = steps_.size();  // measured so far
    bool prepared = false;
    for (auto _ : state) {
      if (at == steps_.size()) {
        if (prepared) PutBack(restore);
        Choose(prepare);
        prepared = true;
        at = 0;
      }
      batches.Measure(state, kBatch, [&] {
        AskFor(at);
        for (size_t i = at; i < at + kBatch; ++i)
          run(*steps_[i].tcb, steps_[i]);
      });
      at += kBatch;
    }
    // What was prepared is also done, or it could not be put back.
    for (; at < steps_.size(); ++at) run(*steps_[at].tcb, steps_[at]);
    if (prepared) PutBack(restore);
    batches.Report(state);
  }

 private:
  // As a worker does with a burst of frames, once it has found their flows.
  void AskFor(size_t at) {
    for (size_t i = at; i < at + kBatch; ++i) PrefetchObject(steps_[i].tcb);
    for (size_t i = at; i < at + kBatch; ++i) {
      tcp::PrefetchParts(*steps_[i].tcb);
    }
    for (size_t i = at; i < at + kBatch; ++i) {
      tcp::PrefetchRecords(*steps_[i].tcb);
    }
  }
  template <typename Prepare>
  void Choose(Prepare prepare) {
    for (size_t i = 0; i < steps_.size(); i += repeats_) {
      tcp::Tcb& tcb = connections_->Next();
      for (size_t k = 0; k < repeats_; ++k) {
        steps_[i + k].tcb = &tcb;
        prepare(tcb, &steps_[i + k], k);
      }
    }
  }
  template <typename Restore>
  void PutBack(Restore restore) {
    for (const Step& step : steps_) restore(*step.tcb, step);
  }

  Connections* connections_;
  size_t repeats_;
  std::vector<Step> steps_;
};

// Each takes the crowd that it works on.
void PureAck(benchmark::State& state, Connections* connections);
void AckWithSack(benchmark::State& state, Connections* connections);
void InOrder(benchmark::State& state, Connections* connections, size_t bytes);
void OutOfOrder(benchmark::State& state, Connections* connections);
void Deliver(benchmark::State& state, Connections* connections);
void Send(benchmark::State& state, Connections* connections, uint32_t bytes);
void Import(benchmark::State& state, Connections* connections);
void Export(benchmark::State& state, Connections* connections);

// Of a worker's timing wheel with `armed` timers in it.
void TimerSetCancel(benchmark::State& state, size_t armed);
void TimerFire(benchmark::State& state, size_t armed);

}  // namespace chimney::bench

#endif  // CHIMNEY_TESTS_BENCH_ENGINE_BATCH_H_
