// SPDX-License-Identifier: BSD-3-Clause
// Bulk transfers from A to B between two engines that nothing but the network
// and congestion control limits.
#ifndef CHIMNEY_TESTS_SIM_BULK_H_
#define CHIMNEY_TESTS_SIM_BULK_H_

#include <cstdint>

#include "base/time.h"
#include "tcp/parameters.h"
#include "tests/sim/scenario.h"
#include "tests/sim/simulation.h"

namespace chimney::testing {

inline constexpr uint32_t kBulkMssBytes = 1'460;
// With the timestamps option.
inline constexpr uint32_t kBulkPayloadBytes = 1'448;

// The same both ways; the queue in segments.
LinkConfig BottleneckLink(uint64_t rate_bits_per_second, Duration round_trip,
                          uint32_t queue);

// Both ends with these parameters, which must outlive the run; A's stream has
// `bytes`. The links are the caller's.
Scenario BulkScenario(const tcp::Parameters& parameters, uint64_t seed,
                      uint64_t bytes);

// The Linux profile with another algorithm.
tcp::Parameters LinuxWith(tcp::CongestionControl algorithm);

struct BulkResult {
  int64_t goodput_kbit_per_s = 0;  // to the last byte in order at B
  // Without the first quarter of the bytes, which slow start decides.
  int64_t steady_kbit_per_s = 0;
  int64_t segments_resent = 0;  // beyond the least that the bytes need
};

// Of a finished run of a bulk scenario with this many bytes.
BulkResult Judge(const SimulationResult& result, uint64_t bytes);

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SIM_BULK_H_
