// SPDX-License-Identifier: BSD-3-Clause
// What a link does with a segment, in the order in which a network would: rule,
// MTU, queue, loss, corruption, then delay, reordering and duplication.
#include "tests/support/virtual_wire.h"

#include <algorithm>
#include <memory>
#include <sstream>

namespace chimney::testing {
namespace {

constexpr uint32_t kMillion = 1'000'000;

}  // namespace

std::string Describe(const LinkConfig& config) {
  std::ostringstream out;
  out << "rate " << config.rate_bits_per_second << " bit/s, delay "
      << config.delay.micros() << " us, queue " << config.queue_limit_segments
      << ", mtu " << config.mtu_bytes << ", ppm: loss " << config.loss_ppm
      << " burst " << config.burst_start_ppm << "/" << config.burst_end_ppm
      << " dup " << config.duplicate_ppm << " corrupt " << config.corrupt_ppm
      << " reorder " << config.reorder_ppm << " by "
      << config.reorder_delay_max.micros() << " us";
  return out.str();
}

DropRule DropNumbers(std::vector<uint64_t> numbers) {
  return [numbers = std::move(numbers)](const WireSegment&, uint64_t number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
  };
}

DropRule DropNthData(uint64_t n) {
  return [n, seen = uint64_t{0}](const WireSegment& segment, uint64_t) mutable {
    return !segment.payload.empty() && seen++ == n;
  };
}

DropRule DropMatching(std::function<bool(const WireSegment&)> matches,
                      uint64_t times) {
  return [matches = std::move(matches), times](const WireSegment& segment,
                                               uint64_t) mutable {
    if (times == 0 || !matches(segment)) return false;
    --times;
    return true;
  };
}

void VirtualLink::Send(const WireSegment& segment) {
  const uint64_t number = counters_.sent++;
  const Fate fate = Decide(segment, number);
  if (tap_) tap_(clock_->now(), segment, fate);
  if (fate == Fate::kTooBig && too_big_) {
    const uint32_t mtu_bytes = config_.mtu_bytes;
    clock_->After(config_.delay, [this, mtu_bytes] { too_big_(mtu_bytes); });
  }
  if (fate != Fate::kDelivered) {
    ++counters_.dropped;
    // What is lost on the way has used the link all the same.
    if (fate == Fate::kLost || fate == Fate::kCorrupted) Serialise(segment);
    return;
  }
  Instant arrival = Serialise(segment) + config_.delay;
  if (random_.Chance(config_.reorder_ppm, kMillion)) {
    ++counters_.reordered;
    const auto max_us =
        static_cast<uint32_t>(config_.reorder_delay_max.micros());
    arrival = arrival + Duration::Micros(1 + random_.Below(max_us));
  }
  DeliverAt(arrival, segment);
  if (random_.Chance(config_.duplicate_ppm, kMillion)) {
    ++counters_.duplicated;
    const auto late_us = static_cast<uint32_t>(config_.delay.micros() * 2 + 1);
    DeliverAt(arrival + Duration::Micros(random_.Below(late_us)), segment);
  }
}

Fate VirtualLink::Decide(const WireSegment& segment, uint64_t number) {
  // Each rule sees each segment, since rules may count.
  bool dropped = false;
  for (DropRule& rule : rules_) dropped |= rule(segment, number);
  if (dropped) return Fate::kRuleDropped;
  if (segment.DatagramBytes() > config_.mtu_bytes) return Fate::kTooBig;
  if (QueuedSegments() >= config_.queue_limit_segments) return Fate::kQueueFull;
  if (BurstTakesIt() || random_.Chance(config_.loss_ppm, kMillion)) {
    return Fate::kLost;
  }
  if (random_.Chance(config_.corrupt_ppm, kMillion)) return Fate::kCorrupted;
  return Fate::kDelivered;
}

bool VirtualLink::BurstTakesIt() {
  if (config_.burst_start_ppm == 0) return false;
  const Instant now = clock_->now();
  if (in_burst_ && now - burst_began_at_ > config_.burst_max) in_burst_ = false;
  if (!in_burst_) {
    in_burst_ = random_.Chance(config_.burst_start_ppm, kMillion);
    burst_began_at_ = now;
  }
  if (!in_burst_) return false;
  if (random_.Chance(config_.burst_end_ppm, kMillion)) in_burst_ = false;
  return true;
}

void VirtualLink::DeliverAt(Instant when, const WireSegment& segment) {
  clock_->At(when, [this, copy = std::make_shared<WireSegment>(segment)] {
    ++counters_.delivered;
    if (receiver_) receiver_(*copy);
  });
}

Instant VirtualLink::Serialise(const WireSegment& segment) {
  if (config_.rate_bits_per_second == 0) return clock_->now();
  const uint64_t bits = uint64_t{segment.DatagramBytes() + 14} * 8;
  const auto nanos =
      static_cast<int64_t>(bits * 1'000'000'000 / config_.rate_bits_per_second);
  link_free_at_ =
      std::max(link_free_at_, clock_->now()) + Duration::Nanos(nanos);
  departures_.push_back(link_free_at_);
  return link_free_at_;
}

uint32_t VirtualLink::QueuedSegments() {
  const Instant now = clock_->now();
  std::erase_if(departures_, [now](Instant t) { return t <= now; });
  return static_cast<uint32_t>(departures_.size());
}

}  // namespace chimney::testing
