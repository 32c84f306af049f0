// SPDX-License-Identifier: BSD-3-Clause
// The run loop, its watchdogs and the verdict.
#include "tests/sim/simulation.h"

#include <cstdio>
#include <sstream>

namespace chimney::testing {
namespace {

// Longer than a few back-offs at the largest RTO (120 s).
constexpr Duration kStuckAfter = Duration::Seconds(1500);
constexpr uint64_t kMaxEvents = 5'000'000;
constexpr Duration kAftermath = Duration::Seconds(300);
constexpr uint64_t kMaxAftermathEvents = 20'000;
constexpr size_t kTraceSegments = 60;

const char* FateName(Fate fate) {
  switch (fate) {
    case Fate::kDelivered:
      return "";
    case Fate::kLost:
      return " LOST";
    case Fate::kCorrupted:
      return " CORRUPTED";
    case Fate::kQueueFull:
      return " QUEUE FULL";
    case Fate::kTooBig:
      return " TOO BIG";
    case Fate::kRuleDropped:
      return " DROPPED BY RULE";
  }
  return "";
}

}  // namespace

Simulation::Simulation(const Scenario& scenario)
    : scenario_(scenario),
      wire_(&clock_, scenario.a_to_b, scenario.b_to_a, scenario.seed) {
  a_ = MakeEnd(true);
  b_ = MakeEnd(false);
  wire_.a_to_b.set_receiver([this](const WireSegment& segment) {
    if (!problem_.empty()) return;
    b_->OnSegment(segment);
    NoteDelivery();
  });
  wire_.b_to_a.set_receiver([this](const WireSegment& segment) {
    if (problem_.empty()) a_->OnSegment(segment);
  });
  wire_.a_to_b.set_tap([this](Instant, const WireSegment& segment, Fate fate) {
    Trace(true, segment, fate);
  });
  wire_.b_to_a.set_tap([this](Instant, const WireSegment& segment, Fate fate) {
    Trace(false, segment, fate);
  });
  ScheduleMtuChange();
  app_a_ = std::make_unique<StreamApp>(&clock_, a_.get(), scenario.a.plan,
                                       scenario.seed * 3 + 1);
  app_b_ = std::make_unique<StreamApp>(&clock_, b_.get(), scenario.b.plan,
                                       scenario.seed * 3 + 2);
}

void Simulation::ScheduleMtuChange() {
  wire_.a_to_b.set_too_big([this](uint32_t mtu) { a_->OnPathMtu(mtu); });
  wire_.b_to_a.set_too_big([this](uint32_t mtu) { b_->OnPathMtu(mtu); });
  if (scenario_.late_mtu_bytes == 0) return;
  clock_.After(scenario_.mtu_changes_after, [this] {
    // The model peer has no path MTU discovery.
    if (scenario_.a.kind == EndKind::kEngine) {
      scenario_.a_to_b.mtu_bytes = scenario_.late_mtu_bytes;
      wire_.a_to_b.set_config(scenario_.a_to_b);
    }
    if (scenario_.b.kind == EndKind::kEngine) {
      scenario_.b_to_a.mtu_bytes = scenario_.late_mtu_bytes;
      wire_.b_to_a.set_config(scenario_.b_to_a);
    }
  });
}

std::unique_ptr<StreamEndpoint> Simulation::MakeEnd(bool is_a) {
  EndContext context;
  context.clock = &clock_;
  context.scenario = &scenario_;
  context.is_a = is_a;
  context.transmit = [this, is_a](const WireSegment& segment) {
    (is_a ? wire_.a_to_b : wire_.b_to_a).Send(segment);
  };
  context.fail = [this, is_a](const std::string& problem) {
    Fail(is_a ? "A" : "B", problem);
  };
  const bool is_model = context.own().kind == EndKind::kModel;
  return is_model ? MakeModelEnd(context) : MakeEngineEnd(context);
}

void Simulation::Fail(const std::string& who, const std::string& problem) {
  if (problem_.empty()) problem_ = who + ": " + problem;
}

void Simulation::Trace(bool from_a, const WireSegment& segment, Fate fate) {
  capture_.Record(clock_.now(), from_a, segment);
  last_segments_.push_back({clock_.now(), from_a, segment, fate});
  if (last_segments_.size() > kTraceSegments) last_segments_.pop_front();
}

// An application that has had nothing to read for long looks seldom.
void Simulation::NoteDelivery() {
  const uint64_t wanted = scenario_.b.plan.bytes_to_read;
  if (!delivered_at_.IsNever() || wanted == 0) return;
  const uint64_t there = app_b_->bytes_read() + b_->readable();
  if (quarter_at_.IsNever() && there >= wanted / 4) quarter_at_ = clock_.now();
  if (there >= wanted) delivered_at_ = clock_.now();
}

bool Simulation::BothDone() const {
  return app_a_->done() && app_b_->done() && a_->finished() && b_->finished();
}

uint64_t Simulation::Progress() const {
  return app_a_->progress() + app_b_->progress() + (a_->finished() ? 1 : 0) +
         (b_->finished() ? 1 : 0);
}

void Simulation::RunToCompletion() {
  uint64_t progress = Progress();
  Instant progress_at = clock_.now();
  while (problem_.empty() && !BothDone()) {
    if (hook_) hook_(events_);
    if (!clock_.RunOne()) {
      Fail("both", "stuck: nothing will ever happen again");
    } else if (clock_.now() - progress_at > kStuckAfter) {
      Fail("both", "stuck: no progress in 1500 virtual seconds");
    } else if (++events_ > kMaxEvents) {
      Fail("both", "more events than any honest run needs");
    }
    if (!app_a_->error().empty()) Fail("A reads", app_a_->error());
    if (!app_b_->error().empty()) Fail("B reads", app_b_->error());
    if (a_->broken()) Fail("A", "connection broke");
    if (b_->broken()) Fail("B", "connection broke");
    if (const uint64_t now_at = Progress(); now_at != progress) {
      progress = now_at;
      progress_at = clock_.now();
    }
  }
}

void Simulation::RunAftermath() {
  // Late duplicates arrive; then there must be silence.
  const Instant limit = clock_.now() + kAftermath;
  uint64_t count = 0;
  while (problem_.empty() && clock_.NextEvent() <= limit && clock_.RunOne()) {
    if (++count > kMaxAftermathEvents) Fail("both", "no silence after the end");
  }
}

void Simulation::TearDown() {
  const std::string left_by_a = a_->TearDown();
  const std::string left_by_b = b_->TearDown();
  if (!left_by_a.empty()) Fail("A", left_by_a);
  if (!left_by_b.empty()) Fail("B", left_by_b);
}

std::string Simulation::Details() const {
  std::ostringstream out;
  out << Describe(scenario_) << "  A " << a_->Status() << "; app wrote "
      << app_a_->bytes_written() << " read " << app_a_->bytes_read() << "\n  B "
      << b_->Status() << "; app wrote " << app_b_->bytes_written() << " read "
      << app_b_->bytes_read() << "\n  last segments:\n";
  for (const Traced& traced : last_segments_) {
    char time[32];
    std::snprintf(time, sizeof(time), "%12.6f",
                  static_cast<double>(traced.when.nanos()) / 1e9);
    out << time << (traced.from_a ? " A> " : " B> ") << Describe(traced.segment)
        << FateName(traced.fate) << "\n";
  }
  return out.str();
}

SimulationResult Simulation::Run() {
  const Instant start = clock_.now();
  app_a_->Start();
  app_b_->Start();
  RunToCompletion();
  SimulationResult result;
  result.virtual_time = clock_.now() - start;
  if (!delivered_at_.IsNever()) {
    result.delivery_time = delivered_at_ - start;
    result.quarter_time = quarter_at_ - start;
  }
  if (problem_.empty()) RunAftermath();
  if (problem_.empty()) TearDown();
  result.problem = problem_;
  if (!problem_.empty()) result.details = Details();
  result.events = events_;
  result.segments_from_a = wire_.a_to_b.counters().sent;
  result.segments = wire_.a_to_b.counters().sent + wire_.b_to_a.counters().sent;
  result.handovers = a_->handovers() + b_->handovers();
  return result;
}

}  // namespace chimney::testing
