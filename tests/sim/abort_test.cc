// SPDX-License-Identifier: BSD-3-Clause
// Connections that end badly, at every single event of a small one: by a reset
// of either side (R112, R169, R175) or because the network is gone (R191).
#include <gtest/gtest.h>

#include "tests/sim/simulation.h"
#include "tests/sim/small_scenario.h"
#include "tests/support/engine_endpoint.h"
#include "tests/support/model_endpoint.h"

namespace chimney::testing {
namespace {

uint64_t EventsOf(const Scenario& scenario) {
  Simulation undisturbed(scenario);
  const SimulationResult result = undisturbed.Run();
  EXPECT_EQ(result.problem, "") << result.details;
  return result.events;
}

// Every send came back, and no memory is held.
void ExpectNothingLeft(Simulation* simulation) {
  // Drivers let go of the last frames.
  simulation->clock().Advance(Duration::Seconds(1));
  EXPECT_EQ(simulation->a()->TearDown(), "");
}

TEST(Abort, ByTheEngineSendsOneResetAndGivesEverythingBack) {
  const Scenario scenario = SmallScenario(CloseOrder::kAtOnce);
  const uint64_t events = EventsOf(scenario);
  for (uint64_t event = 0; event < events; ++event) {
    Simulation simulation(scenario);
    auto* engine = static_cast<EngineEndpoint*>(simulation.a());
    bool was_alive = false;
    simulation.set_hook([&](uint64_t number) {
      if (number != event) return;
      was_alive = !engine->finished() &&
                  engine->tcb().state() != tcp::ConnectionState::kTimeWait &&
                  engine->tcb().state() != tcp::ConnectionState::kClosed;
      engine->Abort();
    });
    const SimulationResult result = simulation.Run();
    if (!was_alive) continue;
    EXPECT_EQ(result.problem, "A: connection broke") << "event " << event;
    EXPECT_EQ(engine->resets_sent(), 1u) << "event " << event;
    ExpectNothingLeft(&simulation);
    if (HasFailure()) return;
  }
}

TEST(Abort, ByThePeerIsTakenAndGivesEverythingBack) {
  const Scenario scenario = SmallScenario(CloseOrder::kAtOnce);
  const uint64_t events = EventsOf(scenario);
  for (uint64_t event = 0; event < events; ++event) {
    Simulation simulation(scenario);
    auto* engine = static_cast<EngineEndpoint*>(simulation.a());
    auto* peer = static_cast<ModelEndpoint*>(simulation.b());
    // The model peer is told not to count as broken: only its segment matters.
    bool sent = false;
    simulation.set_hook([&](uint64_t number) {
      if (number != event || peer->finished()) return;
      WireSegment reset = peer->peer().CurrentAck();
      reset.sack.clear();
      reset.flags = kRst | kAck;
      peer->peer().Send(reset);
      sent = true;
    });
    const SimulationResult result = simulation.Run();
    if (!sent || engine->finished()) continue;
    // The peer went on sending, so the reset may be old when it arrives.
    if (result.problem.empty()) continue;
    EXPECT_EQ(result.problem, "A: connection broke") << "event " << event;
    EXPECT_EQ(engine->resets_sent(), 0u);
    ExpectNothingLeft(&simulation);
    if (HasFailure()) return;
  }
}

// The network dies, the engine gives up, the connection is uploaded, the
// network comes back: not a byte is lost.
TEST(Abort, GivingUpKeepsEveryByteForTheUpload) {
  const Scenario scenario = SmallScenario(CloseOrder::kPeerFirst);
  const uint64_t events = EventsOf(scenario);
  uint32_t stops = 0;
  for (uint64_t event = 0; event < events; event += 3) {
    Simulation simulation(scenario);
    auto* engine = static_cast<EngineEndpoint*>(simulation.a());
    bool dead = false;
    simulation.wire().a_to_b.AddDropRule(
        [&dead](const WireSegment&, uint64_t) { return dead; });
    engine->ExpectStop();
    simulation.set_hook([&](uint64_t number) {
      if (number == event) dead = true;
      if (!dead || !engine->stopped()) return;
      dead = false;
      ++stops;
      EXPECT_EQ(engine->stop_reason(), tcp::StopReason::kRetransmitTimeout);
      engine->HandOver({false, true, Duration()});
    });
    const SimulationResult result = simulation.Run();
    // Without anything to send there is no way to notice.
    if (dead) continue;
    EXPECT_EQ(result.problem, "") << "event " << event << result.details;
    if (HasFailure()) return;
  }
  EXPECT_GT(stops, 0u);
}

}  // namespace
}  // namespace chimney::testing
