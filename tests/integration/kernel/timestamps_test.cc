// SPDX-License-Identifier: BSD-3-Clause
// The timestamp clock and the advertised window over many hand-overs, as the
// peer sees them on the wire (design: "More facts about TCP_REPAIR").
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel/socket_options.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

using tcp::TimestampUnit;

class Timestamps : public KernelLab,
                   public testing::WithParamInterface<TimestampUnit> {
 protected:
  static double Now() {
    return std::chrono::duration<double>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  void Exchange(const TcpPair& pair, uint32_t seed) {
    const std::vector<uint8_t> bytes = StreamBytes(seed, 0, 100);
    ASSERT_EQ(SendAll(pair.host_fd, bytes), bytes.size());
    ASSERT_TRUE(ReadUntil(pair.peer_fd, bytes.size(), false, 3000).bytes ==
                bytes);
    ASSERT_EQ(SendAll(pair.peer_fd, bytes), bytes.size());
    ASSERT_TRUE(ReadUntil(pair.host_fd, bytes.size(), false, 3000).bytes ==
                bytes);
  }
};

TEST_P(Timestamps, ClockNeverGoesBackAndKeepsItsRate) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  // A connection of the other unit, as a peer route with tcp_usec_ts makes it.
  image.snapshot.tcp.constant.timestamp_unit = GetParam();
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  Exchange(pair, 0);
  tap_->Take();

  constexpr int kHandovers = 100;
  uint32_t first = 0;
  double first_at = 0;
  uint32_t last = 0;
  double last_at = 0;
  for (uint32_t i = 0; i < kHandovers; ++i) {
    ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
    ASSERT_EQ(image.snapshot.tcp.constant.timestamp_unit, GetParam());
    Exchange(pair, i);
    SleepMs(static_cast<int>(i % 3) + 9);  // odd and even values
    for (const SeenSegment& seen : tap_->Take()) {
      ASSERT_TRUE(seen.segment.options.has_timestamps);
      const uint32_t tsval = seen.segment.options.tsval;
      if (first_at == 0) {
        first = last = tsval;
        first_at = Now();
      }
      EXPECT_GE(static_cast<int32_t>(tsval - last), 0) << "hand-over " << i;
      last = tsval;
      last_at = Now();
    }
  }
  const double ticks_per_second =
      GetParam() == TimestampUnit::kMillisecond ? 1e3 : 1e6;
  const double elapsed = last_at - first_at;
  const double rate = (last - first) / (elapsed * ticks_per_second);
  // Each upload may gain up to one tick, and on average half of one.
  const double gained = kHandovers / (elapsed * ticks_per_second);
  RecordProperty("rate", std::to_string(rate));
  EXPECT_GT(rate, 0.98);
  EXPECT_LT(rate, 1.02 + gained);
}

std::string UnitName(const testing::TestParamInfo<TimestampUnit>& tested) {
  return tested.param == TimestampUnit::kMillisecond ? "Milliseconds"
                                                     : "Microseconds";
}

INSTANTIATE_TEST_SUITE_P(Units, Timestamps,
                         testing::Values(TimestampUnit::kMillisecond,
                                         TimestampUnit::kMicrosecond),
                         UnitName);

TEST_F(Timestamps, PeersTimestampIsEchoedAtOnceAfterTheReturn) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  Exchange(pair, 1);
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  image.snapshot.tcp.delegated.ts_recent = 0x1234567;
  image.ts_recent_known = true;
  tap_->Take();
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  SleepMs(10);
  SendAll(pair.host_fd, {1});
  SleepMs(10);
  const std::vector<SeenSegment> seen = tap_->Take();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().segment.options.tsecr, 0x1234567u);
}

// PAWS ends with the age of TS.Recent (RFC 7323 section 5.5).
TEST_F(Timestamps, TsRecentIsAsOldAsTheSilence) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  Exchange(pair, 1);
  SleepMs(100);
  SocketImage image;
  ASSERT_EQ(TakeAway(pair.host_fd, &image), "");
  const Duration age = image.snapshot.tcp.delegated.ts_recent_age;
  EXPECT_GE(age, Duration::Millis(80));
  EXPECT_LE(age, Duration::Seconds(60)) << "of a socket as young as this";
  ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
  Exchange(pair, 2);
}

TEST_F(Timestamps, AdvertisedWindowNeverShrinks) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  bool first = true;
  SeqNum edge;
  for (uint32_t i = 0; i < 50; ++i) {
    ASSERT_EQ(SendAll(pair.peer_fd, StreamBytes(i, 0, 20000)), 20000u);
    ASSERT_EQ(ReadUntil(pair.host_fd, 20000, false, 3000).bytes.size(), 20000u);
    ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
    const uint8_t shift = image.snapshot.tcp.constant.rcv_wind_scale;
    for (const SeenSegment& seen : tap_->Take()) {
      if (seen.segment.flags.syn()) continue;
      const SeqNum right =
          seen.segment.ack + (uint32_t{seen.segment.raw_window} << shift);
      // Scaling rounds down by less than one step.
      const SeqNum least = edge - ((1u << shift) - 1);
      if (!first) {
        EXPECT_FALSE(right.Before(least)) << "hand-over " << i;
      }
      edge = first ? right : Later(edge, right);
      first = false;
    }
  }
}

TEST_F(Timestamps, SegmentSizeIsBackAtOnce) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    PairOptions options;
    options.family = family;
    const TcpPair pair = MakeTcpPair(*lab_, options);
    tcp_info before;
    ASSERT_TRUE(GetTcpInfo(pair.host_fd, &before).ok());
    SocketImage image;
    ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
    tcp_info after;
    ASSERT_TRUE(GetTcpInfo(pair.host_fd, &after).ok());
    EXPECT_EQ(after.tcpi_snd_mss, before.tcpi_snd_mss);
    EXPECT_EQ(after.tcpi_pmtu, before.tcpi_pmtu);
  }
}

TEST_F(Timestamps, ConnectionWithoutOptionsKeepsItsSmallWindow) {
  for (const char* option :
       {"tcp_window_scaling", "tcp_timestamps", "tcp_sack"}) {
    lab_->Run(Side::kPeer, std::string("sysctl -w net.ipv4.") + option + "=0");
  }
  const TcpPair pair = MakeTcpPair(*lab_, {});
  SocketImage image;
  tap_->Take();
  for (uint32_t i = 0; i < 5; ++i) {
    ASSERT_EQ(RoundTrip(pair.host_fd, *tap_, &image), "");
    Exchange(pair, i);
  }
  EXPECT_FALSE(image.snapshot.tcp.constant.timestamps_enabled);
  EXPECT_FALSE(image.snapshot.tcp.constant.sack_enabled);
  EXPECT_EQ(image.snapshot.tcp.constant.rcv_wind_scale, 0);
  for (const SeenSegment& seen : tap_->Take()) {
    EXPECT_FALSE(seen.segment.options.has_timestamps);
    EXPECT_GT(seen.segment.raw_window, 20000);
  }
}

}  // namespace
}  // namespace chimney::kernel
