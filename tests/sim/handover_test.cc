// SPDX-License-Identifier: BSD-3-Clause
// A hand-over at every single event of small connections, in every style: so
// each state, each timer and each half-sent thing is met on the move
// (R44-R46, R94, R95, R100-R102).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/simulation.h"
#include "tests/support/engine_endpoint.h"

namespace chimney::testing {
namespace {

enum class Close { kEngineFirst, kPeerFirst, kAtOnce };

struct Case {
  const char* name;
  bool timestamps;
  bool sack;
  uint32_t loss_ppm;
  Close close;
};

Scenario SmallScenario(const Case& c) {
  Scenario scenario;
  scenario.seed = 11;
  scenario.timestamps = c.timestamps;
  scenario.sack = c.sack;
  scenario.a.kind = EndKind::kEngine;
  scenario.a.first_seq = 0xffffff00;
  scenario.b.first_seq = 0x7fffff00;
  scenario.a.first_tsval = 0xfffffff0;
  scenario.b.first_tsval = 0x7ffffff0;
  scenario.a.buffer_bytes = 8'192;
  scenario.b.buffer_bytes = 6'000;
  scenario.a.initial_window_bytes = 8'192;
  scenario.b.initial_window_bytes = 6'000;
  for (LinkConfig* link : {&scenario.a_to_b, &scenario.b_to_a}) {
    link->delay = Duration::Millis(10);
    link->rate_bits_per_second = 100'000'000;
    link->loss_ppm = c.loss_ppm;
  }
  for (StreamApp::Plan* plan : {&scenario.a.plan, &scenario.b.plan}) {
    plan->bytes_to_write = plan->bytes_to_read = 24'000;
    plan->max_write_bytes = 5'000;
    plan->max_read_bytes = 6'000;
    plan->max_read_gap = Duration::Millis(30);
  }
  scenario.a.plan.read_seed = scenario.b.plan.write_seed = 21;
  scenario.b.plan.read_seed = scenario.a.plan.write_seed = 22;
  scenario.a.plan.close_last = c.close == Close::kPeerFirst;
  scenario.b.plan.close_last = c.close == Close::kEngineFirst;
  return scenario;
}

const HandOverStyle kStyles[] = {
    {false, false, Duration()},
    {true, false, Duration()},
    {false, true, Duration()},
    {true, true, Duration::Millis(7)},
};

class HandOverEverywhere : public ::testing::TestWithParam<Case> {};

TEST_P(HandOverEverywhere, LosesNothing) {
  const Scenario scenario = SmallScenario(GetParam());
  Simulation undisturbed(scenario);
  const SimulationResult base = undisturbed.Run();
  ASSERT_EQ(base.problem, "") << base.details;
  for (uint64_t event = 0; event < base.events; ++event) {
    for (size_t style = 0; style < std::size(kStyles); ++style) {
      Simulation simulation(scenario);
      auto* engine = static_cast<EngineEndpoint*>(simulation.a());
      simulation.set_hook([&](uint64_t number) {
        if (number == event) engine->HandOver(kStyles[style]);
      });
      const SimulationResult result = simulation.Run();
      ASSERT_EQ(result.problem, "")
          << "hand-over before event " << event << " of " << base.events
          << " in style " << style << "\n"
          << result.details;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, HandOverEverywhere,
    ::testing::Values(
        Case{"CleanEngineClosesFirst", true, true, 0, Close::kEngineFirst},
        Case{"CleanPeerClosesFirst", false, false, 0, Close::kPeerFirst},
        Case{"LossyBothCloseAtOnce", true, true, 50'000, Close::kAtOnce},
        Case{"LossyWithoutSack", true, false, 50'000, Close::kEngineFirst},
        Case{"LossyWithoutTimestamps", false, true, 50'000, Close::kPeerFirst}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

}  // namespace
}  // namespace chimney::testing
