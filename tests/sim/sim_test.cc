// SPDX-License-Identifier: BSD-3-Clause
// Random connections by seed. A failing run prints the one command that repeats
// it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "tests/sim/simulation.h"

namespace chimney::testing {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Pairing {
  const char* name;
  EndKind a;
  EndKind b;
  uint64_t default_runs;
};

void PrintTo(const Pairing& pairing, std::ostream* out) {
  *out << pairing.name;
}

class Sim : public ::testing::TestWithParam<Pairing> {};

std::string HowToRepeat(const Pairing& pairing, uint64_t seed) {
  return "repeat with: CHIMNEY_SIM_PCAP=. CHIMNEY_SIM_RUNS=1 "
         "CHIMNEY_SIM_SEED=" +
         std::to_string(seed) + " build/tests/sim/sim_test --gtest_filter='*/" +
         pairing.name + "'";
}

void WriteCapture(const Simulation& simulation, const Pairing& pairing,
                  uint64_t seed) {
  const char* folder = std::getenv("CHIMNEY_SIM_PCAP");
  if (folder == nullptr) return;
  const std::string path = std::string(folder) + "/sim-" + pairing.name + "-" +
                           std::to_string(seed) + ".pcap";
  if (simulation.capture().WriteTo(path)) {
    ADD_FAILURE() << "capture written to " << path;
  }
}

// What all runs of a pairing came to.
struct Totals {
  uint64_t runs = 0;
  uint64_t segments = 0;
  uint64_t handovers = 0;
  uint64_t runs_with_handovers = 0;
  uint64_t violations = 0;
  Duration virtual_time;

  void Add(const SimulationResult& result) {
    ++runs;
    segments += result.segments;
    handovers += result.handovers;
    if (result.handovers > 0) ++runs_with_handovers;
    if (!result.problem.empty()) ++violations;
    virtual_time = virtual_time + result.virtual_time;
  }
};

// Into the report, where the long runs of the simulator are added up.
void Record(const Totals& totals) {
  const std::pair<const char*, uint64_t> numbers[] = {
      {"runs", totals.runs},
      {"segments", totals.segments},
      {"handovers", totals.handovers},
      {"runs_with_handovers", totals.runs_with_handovers},
      {"violations", totals.violations},
      {"virtual_ms", static_cast<uint64_t>(totals.virtual_time.millis())}};
  for (const auto& [name, number] : numbers) {
    ::testing::Test::RecordProperty(name, std::to_string(number));
  }
}

// R94, R100, R102, R107, R110, R111, R122, R162, R174, R176 hold at every step
// (tests/support/engine_turn.cc, output_witness.cc).
TEST_P(Sim, EveryByteArrivesOnceAndBothEndsFinish) {
  const Pairing& pairing = GetParam();
  const uint64_t runs =
      FromEnvironment("CHIMNEY_SIM_RUNS", pairing.default_runs);
  const uint64_t first = FromEnvironment("CHIMNEY_SIM_SEED", 1);
  Totals totals;
  for (uint64_t seed = first; seed < first + runs && totals.violations < 5;
       ++seed) {
    Simulation simulation(RandomScenario(seed, pairing.a, pairing.b));
    const SimulationResult result = simulation.Run();
    totals.Add(result);
    if (result.problem.empty()) continue;
    ADD_FAILURE() << result.problem << "\n"
                  << HowToRepeat(pairing, seed) << "\n"
                  << result.details;
    WriteCapture(simulation, pairing, seed);
  }
  Record(totals);
}

INSTANTIATE_TEST_SUITE_P(
    Seeded, Sim,
    ::testing::Values(
        Pairing{"ModelAndModel", EndKind::kModel, EndKind::kModel, 100},
        Pairing{"EngineAndModel", EndKind::kEngine, EndKind::kModel, 200},
        Pairing{"EngineAndEngine", EndKind::kEngine, EndKind::kEngine, 200}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

}  // namespace
}  // namespace chimney::testing
