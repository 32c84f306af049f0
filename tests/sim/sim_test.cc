// SPDX-License-Identifier: BSD-3-Clause
// Random connections by seed. A failing run prints the one command that repeats
// it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

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
  return "repeat with: CHIMNEY_SIM_RUNS=1 CHIMNEY_SIM_SEED=" +
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

// R94, R100, R102, R107, R110, R111, R122, R162, R174, R176 hold at every step
// (tests/support/engine_turn.cc, output_witness.cc).
TEST_P(Sim, EveryByteArrivesOnceAndBothEndsFinish) {
  const Pairing& pairing = GetParam();
  const uint64_t runs =
      FromEnvironment("CHIMNEY_SIM_RUNS", pairing.default_runs);
  const uint64_t first = FromEnvironment("CHIMNEY_SIM_SEED", 1);
  uint64_t segments = 0;
  uint64_t handovers = 0;
  int64_t virtual_seconds = 0;
  int failures = 0;
  for (uint64_t seed = first; seed < first + runs && failures < 5; ++seed) {
    Simulation simulation(RandomScenario(seed, pairing.a, pairing.b));
    const SimulationResult result = simulation.Run();
    segments += result.segments;
    handovers += result.handovers;
    virtual_seconds += result.virtual_time.millis() / 1000;
    if (result.problem.empty()) continue;
    ++failures;
    ADD_FAILURE() << result.problem << "\n"
                  << HowToRepeat(pairing, seed) << "\n"
                  << result.details;
    WriteCapture(simulation, pairing, seed);
  }
  RecordProperty("segments", std::to_string(segments));
  std::printf("%s: %llu runs, %llu segments, %llu hand-overs, %lld virtual s\n",
              pairing.name, static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(segments),
              static_cast<unsigned long long>(handovers),
              static_cast<long long>(virtual_seconds));
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
