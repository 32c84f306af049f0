// SPDX-License-Identifier: BSD-3-Clause
// A wire between two endpoints, made of one link each way: rate, delay, queue,
// MTU and every way in which a network may treat a segment badly. All chance
// comes from the seed given, so a run can be repeated exactly.
#ifndef CHIMNEY_TESTS_SUPPORT_VIRTUAL_WIRE_H_
#define CHIMNEY_TESTS_SUPPORT_VIRTUAL_WIRE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "tests/support/virtual_clock.h"
#include "tests/support/wire_segment.h"

namespace chimney::testing {

// Chances are in millionths (ppm).
struct LinkConfig {
  uint64_t rate_bits_per_second = 0;  // 0 = infinitely fast
  Duration delay = Duration::Millis(1);
  uint32_t queue_limit_segments = 1000;  // waiting for the link
  uint32_t mtu_bytes = 1500;             // of an IPv4 datagram
  uint32_t loss_ppm = 0;
  // Burst loss: in the good state a segment enters a burst with this chance; a
  // burst takes every segment and ends after each with the other chance.
  uint32_t burst_start_ppm = 0;
  // However little is sent, a burst is over after burst_max.
  uint32_t burst_end_ppm = 300'000;
  Duration burst_max = Duration::Seconds(1);
  uint32_t duplicate_ppm = 0;
  uint32_t corrupt_ppm = 0;  // dropped at the far end for its checksum
  // A segment that is picked for reordering is late by up to this much.
  uint32_t reorder_ppm = 0;
  Duration reorder_delay_max = Duration::Millis(5);
};

std::string Describe(const LinkConfig& config);

// What became of a segment.
enum class Fate : uint8_t {
  kDelivered,
  kLost,
  kCorrupted,
  kQueueFull,
  kTooBig,
  kRuleDropped,
};

// Decides about a segment by what it is and by its number on the link (from
// 0); true drops it.
using DropRule = std::function<bool(const WireSegment&, uint64_t number)>;

// Drops the segments with these numbers.
DropRule DropNumbers(std::vector<uint64_t> numbers);
// Drops the n-th (from 0) segment that carries payload, once.
DropRule DropNthData(uint64_t n);
// Drops the first `times` segments for which `matches` holds.
DropRule DropMatching(std::function<bool(const WireSegment&)> matches,
                      uint64_t times);

// One direction.
class VirtualLink {
 public:
  using Receiver = std::function<void(const WireSegment&)>;
  // Sees every segment when it is sent.
  using Tap = std::function<void(Instant, const WireSegment&, Fate)>;
  // Called when a segment is larger than the MTU, as a router's ICMP would.
  using TooBig = std::function<void(uint32_t mtu_bytes)>;

  struct Counters {
    uint64_t sent = 0;
    uint64_t delivered = 0;  // duplicates count twice
    uint64_t dropped = 0;    // for whatever reason
    uint64_t duplicated = 0;
    uint64_t reordered = 0;
  };

  VirtualLink(VirtualClock* clock, const LinkConfig& config, uint64_t seed)
      : clock_(clock), config_(config), random_(seed) {}
  VirtualLink(const VirtualLink&) = delete;
  VirtualLink& operator=(const VirtualLink&) = delete;

  void set_receiver(Receiver receiver) { receiver_ = std::move(receiver); }
  void set_tap(Tap tap) { tap_ = std::move(tap); }
  void set_too_big(TooBig too_big) { too_big_ = std::move(too_big); }
  void AddDropRule(DropRule rule) { rules_.push_back(std::move(rule)); }
  // Takes effect for what is sent from now on.
  void set_config(const LinkConfig& config) { config_ = config; }
  const LinkConfig& config() const { return config_; }

  void Send(const WireSegment& segment);

  const Counters& counters() const { return counters_; }

 private:
  Fate Decide(const WireSegment& segment, uint64_t number);
  bool BurstTakesIt();
  void DeliverAt(Instant when, const WireSegment& segment);
  // When the last bit has left, and `segment` waits until then.
  Instant Serialise(const WireSegment& segment);
  uint32_t QueuedSegments();

  VirtualClock* clock_;
  LinkConfig config_;
  Random random_;
  Receiver receiver_;
  Tap tap_;
  TooBig too_big_;
  std::vector<DropRule> rules_;
  bool in_burst_ = false;
  Instant burst_began_at_;
  Instant link_free_at_;
  std::vector<Instant> departures_;  // of what waits for the link
  Counters counters_;
};

// Both directions between endpoint A and endpoint B.
struct VirtualWire {
  VirtualWire(VirtualClock* clock, const LinkConfig& a_to_b_config,
              const LinkConfig& b_to_a_config, uint64_t seed)
      : a_to_b(clock, a_to_b_config, seed * 2 + 1),
        b_to_a(clock, b_to_a_config, seed * 2 + 2) {}

  VirtualLink a_to_b;
  VirtualLink b_to_a;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_VIRTUAL_WIRE_H_
