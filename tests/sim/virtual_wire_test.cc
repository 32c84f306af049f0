// SPDX-License-Identifier: BSD-3-Clause
// The wire and the clock do what their configuration says, and the same again
// with the same seed.
#include "tests/support/virtual_wire.h"

#include <gtest/gtest.h>

#include <vector>

namespace chimney::testing {
namespace {

WireSegment Numbered(uint32_t number, size_t payload_bytes = 1) {
  WireSegment segment;
  segment.seq = number;
  segment.flags = kAck;
  segment.payload.assign(payload_bytes, uint8_t{7});
  return segment;
}

// Sends `count` segments at once and returns what arrives, in order.
std::vector<uint32_t> Arrivals(const LinkConfig& config, uint64_t seed,
                               uint32_t count,
                               std::vector<DropRule> rules = {}) {
  VirtualClock clock;
  VirtualLink link(&clock, config, seed);
  std::vector<uint32_t> arrived;
  link.set_receiver(
      [&](const WireSegment& segment) { arrived.push_back(segment.seq); });
  for (DropRule& rule : rules) link.AddDropRule(std::move(rule));
  for (uint32_t i = 0; i < count; ++i) link.Send(Numbered(i));
  while (clock.RunOne()) {
  }
  return arrived;
}

TEST(VirtualClock, RunsInOrderOfTimeAndThenOfScheduling) {
  VirtualClock clock;
  std::vector<int> order;
  clock.After(Duration::Millis(2), [&] { order.push_back(3); });
  clock.After(Duration::Millis(1), [&] { order.push_back(1); });
  clock.After(Duration::Millis(1), [&] { order.push_back(2); });
  const auto cancelled =
      clock.After(Duration::Millis(1), [&] { order.push_back(9); });
  clock.Cancel(cancelled);
  while (clock.RunOne()) {
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(VirtualLink, DelaysAndSerialises) {
  VirtualClock clock;
  LinkConfig config;
  config.rate_bits_per_second = 8'000'000;  // 1 byte per microsecond
  config.delay = Duration::Millis(10);
  VirtualLink link(&clock, config, 1);
  std::vector<int64_t> arrivals_us;
  const Instant start = clock.now();
  link.set_receiver([&](const WireSegment&) {
    arrivals_us.push_back((clock.now() - start).micros());
  });
  // 14 Ethernet + 20 IP + 20 TCP + 946 payload = 1000 bytes.
  link.Send(Numbered(0, 946));
  link.Send(Numbered(1, 946));
  while (clock.RunOne()) {
  }
  EXPECT_EQ(arrivals_us, (std::vector<int64_t>{11'000, 12'000}));
}

TEST(VirtualLink, DropsWhatTheQueueCannotHold) {
  LinkConfig config;
  config.rate_bits_per_second = 8'000'000;
  config.queue_limit_segments = 3;
  EXPECT_EQ(Arrivals(config, 1, 5), (std::vector<uint32_t>{0, 1, 2}));
}

TEST(VirtualLink, DropRulesAreExact) {
  EXPECT_EQ(Arrivals({}, 1, 4, {DropNumbers({1, 3})}),
            (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(Arrivals({}, 1, 4, {DropNthData(2)}),
            (std::vector<uint32_t>{0, 1, 3}));
  const auto even = [](const WireSegment& s) { return s.seq % 2 == 0; };
  EXPECT_EQ(Arrivals({}, 1, 6, {DropMatching(even, 2)}),
            (std::vector<uint32_t>{1, 3, 4, 5}));
}

TEST(VirtualLink, TellsWhenSomethingIsTooBig) {
  VirtualClock clock;
  LinkConfig config;
  config.mtu_bytes = 1000;
  VirtualLink link(&clock, config, 1);
  uint32_t told_mtu = 0;
  int arrived = 0;
  link.set_too_big([&](uint32_t mtu) { told_mtu = mtu; });
  link.set_receiver([&](const WireSegment&) { ++arrived; });
  link.Send(Numbered(0, 961));
  link.Send(Numbered(1, 960));
  while (clock.RunOne()) {
  }
  EXPECT_EQ(told_mtu, 1000u);
  EXPECT_EQ(arrived, 1);
}

TEST(VirtualLink, LossIsCloseToWhatWasAskedForAndRepeatable) {
  LinkConfig config;
  config.loss_ppm = 100'000;
  const auto arrived = Arrivals(config, 42, 10'000);
  EXPECT_NEAR(static_cast<double>(arrived.size()), 9'000.0, 150.0);
  EXPECT_EQ(arrived, Arrivals(config, 42, 10'000));
  EXPECT_NE(arrived, Arrivals(config, 43, 10'000));
}

TEST(VirtualLink, BurstsTakeRunsOfSegments) {
  LinkConfig config;
  config.burst_start_ppm = 10'000;
  config.burst_end_ppm = 250'000;  // four segments on average
  const auto arrived = Arrivals(config, 7, 20'000);
  uint32_t gaps = 0;
  uint32_t missing = 0;
  for (size_t i = 1; i < arrived.size(); ++i) {
    const uint32_t lost = arrived[i] - arrived[i - 1] - 1;
    gaps += lost > 0 ? 1 : 0;
    missing += lost;
  }
  ASSERT_GT(gaps, 0u);
  EXPECT_NEAR(static_cast<double>(missing) / gaps, 4.0, 1.0);
}

TEST(VirtualLink, ReordersAndDuplicates) {
  LinkConfig config;
  config.reorder_ppm = 200'000;
  config.duplicate_ppm = 100'000;
  const auto arrived = Arrivals(config, 5, 1'000);
  EXPECT_GT(arrived.size(), 1'050u);
  EXPECT_FALSE(std::is_sorted(arrived.begin(), arrived.end()));
}

}  // namespace
}  // namespace chimney::testing
