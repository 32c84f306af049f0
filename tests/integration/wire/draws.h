// SPDX-License-Identifier: BSD-3-Clause
// What chance does to the frames of one way. The simulator draws the same, so
// that a simulated transfer loses what the real one has lost.
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_DRAWS_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_DRAWS_H_

#include <cstdint>

#include "base/random.h"

namespace chimney::wire {

// Of one way; the other one has the next seed.
constexpr uint64_t SeedFromA(uint64_t seed) { return 2 * seed; }
constexpr uint64_t SeedFromB(uint64_t seed) { return 2 * seed + 1; }

class Draws {
 public:
  struct Percent {
    double loss = 0;
    double duplicate = 0;
    double reorder = 0;
  };
  struct Fate {
    bool is_lost = false;
    bool is_doubled = false;
    bool is_late = false;
  };

  Draws(const Percent& percent, uint64_t seed)
      : percent_(percent), random_(seed) {}

  // All three are drawn for every frame, so that the fate of one does not shift
  // that of the others.
  Fate Next() {
    Fate fate;
    fate.is_lost = Happens(percent_.loss);
    fate.is_doubled = Happens(percent_.duplicate);
    fate.is_late = Happens(percent_.reorder);
    return fate;
  }

 private:
  bool Happens(double percent) {
    return random_.Below(1u << 30) <
           static_cast<uint32_t>(percent / 100.0 * (1u << 30));
  }

  Percent percent_;
  Random random_;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_DRAWS_H_
