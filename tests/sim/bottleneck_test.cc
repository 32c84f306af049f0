// SPDX-License-Identifier: BSD-3-Clause
// Long flows at a bottleneck of 100 Mbit/s and 20 ms: two of them share it, and
// a short queue costs one no more than it must.
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "tests/sim/bulk.h"
#include "tests/sim/shared_bottleneck.h"

namespace chimney::testing {
namespace {

using tcp::CongestionControl;

constexpr uint64_t kRate = 100'000'000;
constexpr Duration kRoundTrip = Duration::Millis(20);
// One bandwidth-delay product in frames of 1,514 bytes.
constexpr uint32_t kProductSegments = 165;
// More than any run here can carry.
constexpr uint64_t kEndless = 1'000'000'000;

LinkConfig Link(uint32_t queue) {
  return BottleneckLink(kRate, kRoundTrip, queue);
}

double MbitPerSecond(uint64_t bytes, Duration time) {
  return static_cast<double>(bytes) * 8 / static_cast<double>(time.micros());
}

struct Sharing {
  CongestionControl algorithm = CongestionControl::kCubic;
  Duration second_starts_after;
  Duration measured;
};

// Mbit/s of each flow, from when both run.
std::vector<double> Share(const Sharing& sharing) {
  const tcp::Parameters parameters = LinuxWith(sharing.algorithm);
  SharedBottleneck bottleneck(Link(kProductSegments), Link(kProductSegments),
                              1);
  bottleneck.AddFlow(BulkScenario(parameters, 1, kEndless));
  bottleneck.RunFor(sharing.second_starts_after);
  bottleneck.AddFlow(BulkScenario(parameters, 2, kEndless));
  const uint64_t before = bottleneck.delivered_bytes(0);
  bottleneck.RunFor(sharing.measured);
  EXPECT_EQ(bottleneck.problem(), "");
  return {
      MbitPerSecond(bottleneck.delivered_bytes(0) - before, sharing.measured),
      MbitPerSecond(bottleneck.delivered_bytes(1), sharing.measured)};
}

void ExpectFair(const Sharing& sharing) {
  const std::vector<double> shares = Share(sharing);
  const double index = JainIndex(shares);
  std::printf("%.1f and %.1f Mbit/s, Jain %.3f\n", shares[0], shares[1], index);
  EXPECT_GE(index, 0.95);
  // 1,448 of 1,514 bytes are payload, and the queue never runs dry for long.
  EXPECT_GE(shares[0] + shares[1], 0.95 * 95.6);
}

TEST(Bottleneck, TwoCubicFlowsThatStartTogetherShareIt) {
  ExpectFair({CongestionControl::kCubic, Duration(), Duration::Seconds(20)});
}

// RFC 9438 section 5.2: K of such a window is five seconds, and each loss moves
// the two only a little closer, so this takes long.
TEST(Bottleneck, ACubicFlowMakesRoomForOneThatComesLater) {
  ExpectFair(
      {CongestionControl::kCubic, Duration::Seconds(5), Duration::Seconds(80)});
}

TEST(Bottleneck, ANewRenoFlowMakesRoomForOneThatComesLater) {
  ExpectFair({CongestionControl::kNewReno, Duration::Seconds(5),
              Duration::Seconds(20)});
}

// Mbit/s of one flow without its first seconds.
double AloneBehind(uint32_t queue, CongestionControl algorithm) {
  const tcp::Parameters parameters = LinuxWith(algorithm);
  SharedBottleneck bottleneck(Link(queue), Link(queue), 1);
  bottleneck.AddFlow(BulkScenario(parameters, 1, kEndless));
  bottleneck.RunFor(Duration::Seconds(7));
  const uint64_t before = bottleneck.delivered_bytes(0);
  const Duration measured = Duration::Seconds(13);
  bottleneck.RunFor(measured);
  EXPECT_EQ(bottleneck.problem(), "");
  return MbitPerSecond(bottleneck.delivered_bytes(0) - before, measured);
}

// A window that grows in a straight line to what path and queue hold, P + Q,
// and is then cut to `beta` of it, uses min(W, P) / P of the link on average.
double SawtoothMbitPerSecond(double beta, double queue) {
  const double path = kProductSegments;
  const double top = path + queue;
  const double bottom = beta * top;
  const double area = (path * path - bottom * bottom) / 2 + (top - path) * path;
  return 95.6 * area / (top - bottom) / path;
}

// At this round trip CUBIC is in its Reno-friendly region: 0.53 segments a
// round trip are there again after two seconds, the cubic after five.
TEST(Bottleneck, AQueueOfTenPacketsLeavesASawtooth) {
  const double cubic = AloneBehind(10, CongestionControl::kCubic);
  const double newreno = AloneBehind(10, CongestionControl::kNewReno);
  std::printf("cubic %.1f of %.1f Mbit/s, newreno %.1f of %.1f\n", cubic,
              SawtoothMbitPerSecond(0.7, 10), newreno,
              SawtoothMbitPerSecond(0.5, 10));
  // A twentieth for recoveries and for a window that is cut early by a burst.
  EXPECT_GE(cubic, 0.95 * SawtoothMbitPerSecond(0.7, 10));
  EXPECT_GE(newreno, 0.95 * SawtoothMbitPerSecond(0.5, 10));
}

}  // namespace
}  // namespace chimney::testing
