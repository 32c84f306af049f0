// SPDX-License-Identifier: BSD-3-Clause
// Bulk data in both directions at once while the connection goes back and forth
// without a hold: what slips costs time, never a byte (design D2).
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "kernel/socket_options.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

constexpr size_t kStreamBytes = 3 << 20;
constexpr size_t kBytesBetween = 100000;

// One direction of the connection.
class Stream {
 public:
  Stream(int from, int to, uint32_t seed)
      : from_(from), to_(to), seed_(seed), chunk_(64 * 1024) {}

  bool done() const { return received_ == kStreamBytes; }
  bool intact() const { return intact_; }
  size_t received() const { return received_; }

  void Pump() {
    const size_t want = std::min(chunk_.size(), kStreamBytes - sent_);
    if (want > 0) sent_ += SendAll(from_, StreamBytes(seed_, sent_, want));
    const ssize_t got = recv(to_, chunk_.data(), chunk_.size(), MSG_DONTWAIT);
    if (got <= 0) return;
    const size_t count = static_cast<size_t>(got);
    const std::vector<uint8_t> expected = StreamBytes(seed_, received_, count);
    intact_ =
        intact_ && std::equal(expected.begin(), expected.end(), chunk_.begin());
    received_ += count;
  }

 private:
  int from_;
  int to_;
  uint32_t seed_;
  size_t sent_ = 0;
  size_t received_ = 0;
  bool intact_ = true;
  std::vector<uint8_t> chunk_;
};

class Streams : public KernelLab, public testing::WithParamInterface<Family> {};

TEST_P(Streams, StayExactOverManyHandOvers) {
  PairOptions options;
  options.family = GetParam();
  const TcpPair pair = MakeTcpPair(*lab_, options);
  Stream out(pair.host_fd, pair.peer_fd, 1);
  Stream in(pair.peer_fd, pair.host_fd, 2);
  SocketImage image;
  int handovers = 0;
  // Stuck is a connection that moves no byte, however slow the machine is: a
  // retransmission timer that has backed off six times fires after 64 s.
  constexpr std::chrono::seconds kStuck(100);
  auto moved_at = std::chrono::steady_clock::now();
  size_t moved = 0;
  size_t next_at = 0;
  while (!(out.done() && in.done()) &&
         std::chrono::steady_clock::now() < moved_at + kStuck) {
    out.Pump();
    in.Pump();
    if (out.received() + in.received() > moved) {
      moved = out.received() + in.received();
      moved_at = std::chrono::steady_clock::now();
    }
    // Only after progress: every hand-over starts the retransmission timer
    // anew, and without an engine nobody serves it.
    if (out.received() + in.received() < next_at) continue;
    next_at = out.received() + in.received() + kBytesBetween;
    const std::string away = TakeAway(pair.host_fd, &image);
    // The fence of the daemon keeps this rare; without it, try again.
    if (away.find("changed while it was read") != std::string::npos) continue;
    ASSERT_EQ(away, "");
    ASSERT_EQ(GiveBack(pair.host_fd, *tap_, &image), "");
    ++handovers;
    tap_->Take();
  }
  EXPECT_TRUE(out.done()) << out.received();
  EXPECT_TRUE(in.done()) << in.received();
  EXPECT_TRUE(out.intact());
  EXPECT_TRUE(in.intact());
  EXPECT_GT(handovers, 10);
  RecordProperty("handovers", handovers);
}

std::string FamilyName(const testing::TestParamInfo<Family>& tested) {
  return tested.param == Family::kV4 ? "V4" : "V6";
}

INSTANTIATE_TEST_SUITE_P(Families, Streams,
                         testing::Values(Family::kV4, Family::kV6), FamilyName);

}  // namespace
}  // namespace chimney::kernel
