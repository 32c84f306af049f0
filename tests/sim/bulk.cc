// SPDX-License-Identifier: BSD-3-Clause
// The ends of a bulk transfer and what one has come to.
#include "tests/sim/bulk.h"

#include <algorithm>

namespace chimney::testing {

namespace {

int64_t KbitPerSecond(uint64_t bytes, Duration time) {
  return static_cast<int64_t>(bytes) * 8 * 1'000 /
         std::max<int64_t>(time.micros(), 1);
}

}  // namespace

LinkConfig BottleneckLink(uint64_t rate_bits_per_second, Duration round_trip,
                          uint32_t queue) {
  LinkConfig link;
  link.rate_bits_per_second = rate_bits_per_second;
  link.delay = round_trip / 2;
  link.queue_limit_segments = queue;
  return link;
}

Scenario BulkScenario(const tcp::Parameters& parameters, uint64_t seed,
                      uint64_t bytes) {
  Scenario scenario;
  scenario.seed = seed;
  scenario.mss_bytes = kBulkMssBytes;
  for (EndSpec* end : {&scenario.a, &scenario.b}) {
    end->kind = EndKind::kEngine;
    end->parameters = &parameters;
    end->window_shift = 8;
    end->buffer_bytes = end->initial_window_bytes = 4u << 20;
    end->plan.max_read_gap = end->plan.max_write_gap = Duration::Micros(100);
    end->plan.max_backlog_bytes = 8u << 20;
    end->plan.max_write_bytes = end->plan.max_read_bytes = 1u << 20;
  }
  scenario.a.plan.bytes_to_write = scenario.b.plan.bytes_to_read = bytes;
  scenario.b.plan.bytes_to_write = scenario.a.plan.bytes_to_read = 0;
  scenario.a.plan.write_seed = scenario.b.plan.read_seed = 21;
  scenario.b.plan.write_seed = scenario.a.plan.read_seed = 22;
  scenario.b.plan.close_last = true;
  return scenario;
}

tcp::Parameters LinuxWith(tcp::CongestionControl algorithm) {
  tcp::Parameters parameters = tcp::LinuxProfile();
  parameters.congestion_control = algorithm;
  return parameters;
}

BulkResult Judge(const SimulationResult& result, uint64_t bytes) {
  BulkResult judged;
  judged.goodput_kbit_per_s = KbitPerSecond(bytes, result.delivery_time);
  judged.steady_kbit_per_s = KbitPerSecond(
      bytes - bytes / 4, result.delivery_time - result.quarter_time);
  const uint64_t needed = bytes / kBulkPayloadBytes + 1;
  judged.segments_resent = static_cast<int64_t>(result.segments_from_a) -
                           static_cast<int64_t>(needed);
  return judged;
}

}  // namespace chimney::testing
