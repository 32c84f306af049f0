// SPDX-License-Identifier: BSD-3-Clause
// sim_goodput: one simulated bulk transfer between two engines under the Linux
// profile, over a wire that treats the n-th frame of each way as
// integration_wire does after the order "restart LOSS SEED". Prints JSON.
#include <gflags/gflags.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "tests/integration/wire/draws.h"
#include "tests/sim/bulk.h"
#include "tests/sim/simulation.h"
#include "tests/support/engine_endpoint.h"

DEFINE_uint64(rate, 100'000'000, "bits per second each way");
DEFINE_uint32(delay_us, 10'000, "delay of every frame");
DEFINE_uint32(queue, 1'000, "frames that may wait for the rate each way");
DEFINE_double(loss, 0, "percent of frames that are lost each way");
DEFINE_uint64(seed, 1, "seed of the losses");
DEFINE_uint64(bytes, 8'000'000, "length of the transfer");
DEFINE_string(congestion_control, "cubic", "cubic or newreno");

namespace chimney::testing {
namespace {

// What is lost has not used the line, as in the wire program.
DropRule Losses(uint64_t seed) {
  wire::Draws::Percent percent;
  percent.loss = FLAGS_loss;
  return [draws = wire::Draws(percent, seed)](const WireSegment&,
                                              uint64_t) mutable {
    return draws.Next().is_lost;
  };
}

int Run() {
  const tcp::Parameters parameters = LinuxWith(
      FLAGS_congestion_control == "cubic" ? tcp::CongestionControl::kCubic
                                          : tcp::CongestionControl::kNewReno);
  Scenario scenario = BulkScenario(parameters, FLAGS_seed, FLAGS_bytes);
  scenario.a_to_b = scenario.b_to_a = BottleneckLink(
      FLAGS_rate, Duration::Micros(int64_t{2} * FLAGS_delay_us), FLAGS_queue);
  Simulation simulation(scenario);
  simulation.wire().a_to_b.AddDropRule(Losses(wire::SeedFromA(FLAGS_seed)));
  simulation.wire().b_to_a.AddDropRule(Losses(wire::SeedFromB(FLAGS_seed)));
  tcp::ConnectionCounters counters;
  tcp::TroubleCounters troubles;
  auto* sender = static_cast<EngineEndpoint*>(simulation.a());
  simulation.set_hook([&](uint64_t) {
    const tcp::ConnectionCounters& now = sender->tcb().counters;
    // They end with the engine's part of the connection.
    if (now.segments_out < counters.segments_out) return;
    counters = now;
    troubles = sender->tcb().trouble_counters();
  });
  const SimulationResult result = simulation.Run();
  if (!result.problem.empty()) {
    fprintf(stderr, "%s\n%s", result.problem.c_str(), result.details.c_str());
    return 1;
  }
  const BulkResult judged = Judge(result, FLAGS_bytes);
  printf(
      "{\"kbit_per_s\": %lld, \"steady_kbit_per_s\": %lld, \"resent\": %lld, "
      "\"recoveries\": %u, \"timeouts\": %u, \"tail_probes\": %u}\n",
      static_cast<long long>(judged.goodput_kbit_per_s),
      static_cast<long long>(judged.steady_kbit_per_s),
      static_cast<long long>(judged.segments_resent), troubles.fast_retransmits,
      troubles.retransmit_timeouts, troubles.tail_probes);
  return 0;
}

}  // namespace
}  // namespace chimney::testing

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  const bool known = FLAGS_congestion_control == "cubic" ||
                     FLAGS_congestion_control == "newreno";
  if (argc != 1 || !known || FLAGS_bytes == 0 || FLAGS_queue == 0 ||
      !(FLAGS_loss >= 0) || FLAGS_loss > 100) {
    fprintf(stderr, "usage: sim_goodput [flags]\n");
    return 2;
  }
  return chimney::testing::Run();
}
