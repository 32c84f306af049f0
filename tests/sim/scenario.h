// SPDX-License-Identifier: BSD-3-Clause
// One simulated connection, all of it drawn from a seed: who runs each end, the
// wire between them, what was negotiated, what the applications do and how
// often either end changes hands.
#ifndef CHIMNEY_TESTS_SIM_SCENARIO_H_
#define CHIMNEY_TESTS_SIM_SCENARIO_H_

#include <cstdint>
#include <string>

#include "base/time.h"
#include "tcp/parameters.h"
#include "tests/support/stream_app.h"
#include "tests/support/virtual_wire.h"

namespace chimney::testing {

enum class EndKind : uint8_t { kModel, kEngine };

struct EndSpec {
  EndKind kind = EndKind::kModel;
  uint32_t first_seq = 0;  // of its stream
  uint32_t first_tsval = 0;
  uint8_t window_shift = 0;  // of the windows that it advertises
  uint32_t buffer_bytes = 65536;
  uint32_t initial_window_bytes = 65535;  // known to the other end at the start
  Duration delayed_ack;                   // model only
  uint32_t flight_limit_bytes = 1u << 20;  // model only
  bool silly_windows = false;              // model only
  bool nagle = true;                       // engine only
  bool chimney_profile = false;            // engine only
  // Instead of a profile, engine only; outlives the run.
  const tcp::Parameters* parameters = nullptr;
  bool keepalive = false;  // engine only
  // Mean time between changes of the receive buffer and of Nagle, engine only;
  // zero = never.
  Duration update_gap;
  // Mean time between forged segments that reach this end, engine only.
  Duration forgery_gap;
  // Too little receive memory for the windows that are offered, engine only.
  bool tight_memory = false;
  // Mean time between hand-overs, engine only; zero = never.
  Duration handover_gap;
  StreamApp::Plan plan;
};

struct Scenario {
  uint64_t seed = 0;
  EndSpec a;
  EndSpec b;
  LinkConfig a_to_b;
  LinkConfig b_to_a;
  bool timestamps = true;
  bool sack = true;
  Duration timestamp_unit = Duration::Millis(1);
  uint32_t mss_bytes = 1460;  // without options
  bool window_scaling = true;
  bool ipv6 = false;  // for the engine's arithmetic; the wire is the same
  // A router on the way of an engine's segments shrinks its MTU; 0 = never.
  uint32_t late_mtu_bytes = 0;
  Duration mtu_changes_after;
};

Scenario RandomScenario(uint64_t seed, EndKind a, EndKind b);

std::string Describe(const Scenario& scenario);

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SIM_SCENARIO_H_
