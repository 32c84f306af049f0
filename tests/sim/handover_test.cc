// SPDX-License-Identifier: BSD-3-Clause
// A hand-over at every single event of small connections, in every style: so
// each state, each timer and each half-sent thing is met on the move
// (R44-R46, R94, R95, R100-R102).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/simulation.h"
#include "tests/sim/small_scenario.h"
#include "tests/support/engine_endpoint.h"

namespace chimney::testing {
namespace {

struct Case {
  const char* name;
  bool timestamps;
  bool sack;
  uint32_t loss_ppm;
  CloseOrder order;
};

Scenario ScenarioOf(const Case& c) {
  Scenario scenario = SmallScenario(c.order);
  scenario.timestamps = c.timestamps;
  scenario.sack = c.sack;
  scenario.a_to_b.loss_ppm = scenario.b_to_a.loss_ppm = c.loss_ppm;
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
  const Scenario scenario = ScenarioOf(GetParam());
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
        Case{"CleanEngineClosesFirst", true, true, 0, CloseOrder::kEngineFirst},
        Case{"CleanPeerClosesFirst", false, false, 0, CloseOrder::kPeerFirst},
        Case{"LossyBothCloseAtOnce", true, true, 50'000, CloseOrder::kAtOnce},
        Case{"LossyWithoutSack", true, false, 50'000, CloseOrder::kEngineFirst},
        Case{"LossyWithoutTimestamps", false, true, 50'000,
             CloseOrder::kPeerFirst}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

}  // namespace
}  // namespace chimney::testing
