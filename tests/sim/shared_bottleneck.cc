// SPDX-License-Identifier: BSD-3-Clause
// Plumbing of several connections into one wire.
#include "tests/sim/shared_bottleneck.h"

namespace chimney::testing {

SharedBottleneck::SharedBottleneck(const LinkConfig& a_to_b,
                                   const LinkConfig& b_to_a, uint64_t seed)
    : wire_(&clock_, a_to_b, b_to_a, seed) {
  wire_.a_to_b.set_receiver([this](const WireSegment& segment) {
    if (problem_.empty()) flows_[segment.flow]->b->OnSegment(segment);
  });
  wire_.b_to_a.set_receiver([this](const WireSegment& segment) {
    if (problem_.empty()) flows_[segment.flow]->a->OnSegment(segment);
  });
}

size_t SharedBottleneck::AddFlow(const Scenario& scenario) {
  const size_t number = flows_.size();
  flows_.push_back(std::make_unique<Flow>());
  Flow& flow = *flows_.back();
  flow.scenario = scenario;
  flow.a = MakeEnd(flow, static_cast<uint32_t>(number), true);
  flow.b = MakeEnd(flow, static_cast<uint32_t>(number), false);
  flow.app_a = std::make_unique<StreamApp>(
      &clock_, flow.a.get(), scenario.a.plan, scenario.seed * 3 + 1);
  flow.app_b = std::make_unique<StreamApp>(
      &clock_, flow.b.get(), scenario.b.plan, scenario.seed * 3 + 2);
  flow.app_a->Start();
  flow.app_b->Start();
  return number;
}

std::unique_ptr<StreamEndpoint> SharedBottleneck::MakeEnd(const Flow& flow,
                                                          uint32_t number,
                                                          bool is_a) {
  EndContext context;
  context.clock = &clock_;
  context.scenario = &flow.scenario;
  context.is_a = is_a;
  context.transmit = [this, number, is_a](const WireSegment& segment) {
    WireSegment marked = segment;
    marked.flow = number;
    (is_a ? wire_.a_to_b : wire_.b_to_a).Send(marked);
  };
  context.fail = [this, number](const std::string& problem) {
    Fail(number, problem);
  };
  const bool is_model = context.own().kind == EndKind::kModel;
  return is_model ? MakeModelEnd(context) : MakeEngineEnd(context);
}

void SharedBottleneck::Fail(size_t flow, const std::string& problem) {
  if (problem_.empty()) {
    problem_ = "flow " + std::to_string(flow) + ": " + problem;
  }
}

void SharedBottleneck::CheckApps() {
  for (size_t i = 0; i < flows_.size(); ++i) {
    const Flow& flow = *flows_[i];
    if (!flow.app_b->error().empty()) Fail(i, flow.app_b->error());
    if (flow.a->broken() || flow.b->broken()) Fail(i, "connection broke");
  }
}

void SharedBottleneck::RunFor(Duration time) {
  const Instant end = clock_.now() + time;
  while (problem_.empty() && clock_.NextEvent() <= end) clock_.RunOne();
  CheckApps();
  if (problem_.empty()) clock_.RunUntil(end);
}

uint64_t SharedBottleneck::delivered_bytes(size_t flow) const {
  return flows_[flow]->app_b->bytes_read() + flows_[flow]->b->readable();
}

double JainIndex(const std::vector<double>& shares) {
  double sum = 0;
  double squares = 0;
  for (const double share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares == 0
             ? 1
             : sum * sum / (static_cast<double>(shares.size()) * squares);
}

}  // namespace chimney::testing
