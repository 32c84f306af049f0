// SPDX-License-Identifier: BSD-3-Clause
// A scenario's end run by the model peer.
#include <algorithm>

#include "tests/sim/simulation.h"
#include "tests/support/model_endpoint.h"

namespace chimney::testing {

std::unique_ptr<StreamEndpoint> MakeModelEnd(const EndContext& context) {
  const EndSpec& own = context.own();
  const EndSpec& other = context.other();
  const Scenario& scenario = *context.scenario;
  const uint32_t option_bytes = scenario.timestamps ? 12 : 0;

  ModelPeer::Config config;
  config.first_send_seq = own.first_seq;
  config.first_receive_seq = other.first_seq;
  config.sender.mss_bytes = scenario.mss_bytes - option_bytes;
  config.sender.flight_limit_bytes = own.flight_limit_bytes;
  config.sender.peer_edge = other.initial_window_bytes;
  config.receiver.buffer_bytes = own.buffer_bytes;
  config.receiver.mss_bytes = scenario.mss_bytes;
  config.receiver.shift = own.window_shift;
  config.receiver.silly_windows = own.silly_windows;
  config.initial_window_bytes = own.initial_window_bytes;
  config.peer_shift = other.window_shift;
  config.timestamps = scenario.timestamps;
  config.sack = scenario.sack;
  config.timestamp_unit = scenario.timestamp_unit;
  config.first_tsval = own.first_tsval;
  config.ts_recent = other.first_tsval;
  config.delayed_ack = own.delayed_ack;
  const Duration round_trip = scenario.a_to_b.delay + scenario.b_to_a.delay;
  config.sender.rto = Duration::Millis(250) + round_trip * 2;
  return std::make_unique<ModelEndpoint>(context.clock, config,
                                         context.transmit);
}

}  // namespace chimney::testing
