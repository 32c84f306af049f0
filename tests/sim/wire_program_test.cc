// SPDX-License-Identifier: BSD-3-Clause
// The bottleneck of the wire program is that of the virtual wire, so that what
// real stacks do over the one can be held against the engine over the other.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "base/random.h"
#include "tests/integration/wire/line.h"
#include "tests/support/virtual_wire.h"

namespace chimney::testing {
namespace {

TEST(WireProgram, ItsLineDelaysAndDropsAsTheVirtualLinkDoes) {
  VirtualClock clock;
  LinkConfig config;
  config.rate_bits_per_second = 100'000'000;
  config.delay = Duration();
  config.queue_limit_segments = 10;
  VirtualLink link(&clock, config, 1);
  wire::Line line(config.rate_bits_per_second, config.queue_limit_segments);
  std::vector<int64_t> arrivals_ns;
  link.set_receiver(
      [&](const WireSegment&) { arrivals_ns.push_back(clock.now().nanos()); });
  std::vector<int64_t> expected_ns;
  Random random(3);
  constexpr uint32_t kFrames = 5'000;
  for (uint32_t i = 0; i < kFrames; ++i) {
    // A frame takes about 63 us, so the queue fills and empties.
    clock.Advance(Duration::Micros(random.Below(115)));
    WireSegment segment;
    segment.payload.resize(random.Below(1'449));
    const std::optional<int64_t> leaves =
        line.Leaves(segment.DatagramBytes() + 14, clock.now().nanos());
    if (leaves) expected_ns.push_back(*leaves);
    link.Send(segment);
  }
  while (clock.RunOne()) {
  }
  EXPECT_EQ(arrivals_ns, expected_ns);
  EXPECT_GT(expected_ns.size(), kFrames / 2);
  EXPECT_LT(expected_ns.size(), kFrames);
}

}  // namespace
}  // namespace chimney::testing
