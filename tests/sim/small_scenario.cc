// SPDX-License-Identifier: BSD-3-Clause
// The small connection.
#include "tests/sim/small_scenario.h"

namespace chimney::testing {

Scenario SmallScenario(CloseOrder order) {
  Scenario scenario;
  scenario.seed = 11;
  scenario.a.kind = EndKind::kEngine;
  scenario.a.first_seq = 0xffffff00;
  scenario.b.first_seq = 0x7fffff00;
  scenario.a.first_tsval = 0xfffffff0;
  scenario.b.first_tsval = 0x7ffffff0;
  scenario.a.buffer_bytes = scenario.a.initial_window_bytes = 8'192;
  scenario.b.buffer_bytes = scenario.b.initial_window_bytes = 6'000;
  for (LinkConfig* link : {&scenario.a_to_b, &scenario.b_to_a}) {
    link->delay = Duration::Millis(10);
    link->rate_bits_per_second = 100'000'000;
  }
  for (StreamApp::Plan* plan : {&scenario.a.plan, &scenario.b.plan}) {
    plan->bytes_to_write = plan->bytes_to_read = 24'000;
    plan->max_write_bytes = 5'000;
    plan->max_read_bytes = 6'000;
    plan->max_read_gap = Duration::Millis(30);
  }
  scenario.a.plan.read_seed = scenario.b.plan.write_seed = 21;
  scenario.b.plan.read_seed = scenario.a.plan.write_seed = 22;
  scenario.a.plan.close_last = order == CloseOrder::kPeerFirst;
  scenario.b.plan.close_last = order == CloseOrder::kEngineFirst;
  return scenario;
}

}  // namespace chimney::testing
