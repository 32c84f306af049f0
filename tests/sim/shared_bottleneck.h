// SPDX-License-Identifier: BSD-3-Clause
// Several connections over one virtual wire: each has two ends and two
// applications of its own, all share the rate and the queue of each way.
#ifndef CHIMNEY_TESTS_SIM_SHARED_BOTTLENECK_H_
#define CHIMNEY_TESTS_SIM_SHARED_BOTTLENECK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/scenario.h"
#include "tests/sim/simulation.h"
#include "tests/support/stream_app.h"
#include "tests/support/stream_endpoint.h"
#include "tests/support/virtual_clock.h"
#include "tests/support/virtual_wire.h"

namespace chimney::testing {

class SharedBottleneck {
 public:
  SharedBottleneck(const LinkConfig& a_to_b, const LinkConfig& b_to_a,
                   uint64_t seed);
  SharedBottleneck(const SharedBottleneck&) = delete;
  SharedBottleneck& operator=(const SharedBottleneck&) = delete;

  // Its applications start now. Of `scenario` the links do not count. Returns
  // the flow's number, from 0.
  size_t AddFlow(const Scenario& scenario);

  // Stops at the first violation.
  void RunFor(Duration time);

  // In order at B, read or not.
  uint64_t delivered_bytes(size_t flow) const;
  // Empty if all went well.
  const std::string& problem() const { return problem_; }
  VirtualClock& clock() { return clock_; }
  VirtualWire& wire() { return wire_; }

 private:
  struct Flow {
    Scenario scenario;
    std::unique_ptr<StreamEndpoint> a;
    std::unique_ptr<StreamEndpoint> b;
    std::unique_ptr<StreamApp> app_a;
    std::unique_ptr<StreamApp> app_b;
  };

  std::unique_ptr<StreamEndpoint> MakeEnd(const Flow& flow, uint32_t number,
                                          bool is_a);
  void Fail(size_t flow, const std::string& problem);
  void CheckApps();

  VirtualClock clock_;
  VirtualWire wire_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::string problem_;
};

// Jain's index of fairness of some shares: 1 if all are equal, 1/n if one has
// everything.
double JainIndex(const std::vector<double>& shares);

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SIM_SHARED_BOTTLENECK_H_
