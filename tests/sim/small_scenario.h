// SPDX-License-Identifier: BSD-3-Clause
// A small connection between the engine (A) and the model peer (B) that can be
// run again with a disturbance at each of its events.
#ifndef CHIMNEY_TESTS_SIM_SMALL_SCENARIO_H_
#define CHIMNEY_TESTS_SIM_SMALL_SCENARIO_H_

#include "tests/sim/scenario.h"

namespace chimney::testing {

enum class CloseOrder { kEngineFirst, kPeerFirst, kAtOnce };

// 24,000 bytes each way, 20 ms round trip, windows of 8,192 and 6,000 bytes;
// both sequence spaces and timestamps wrap around.
Scenario SmallScenario(CloseOrder order);

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SIM_SMALL_SCENARIO_H_
