// SPDX-License-Identifier: BSD-3-Clause
// RFC 6298 and the clock of RFC 7323.
#include "tcp/rtt.h"

#include <algorithm>

namespace chimney::tcp {
namespace {

constexpr Duration kMaxSample = Duration::Seconds(30);  // R190
// A path may have become longer.
constexpr Duration kMinRttLifetime = Duration::Seconds(300);

int64_t NanosPerTick(const Tcb& tcb) {
  return tcb.constant.timestamp_unit == TimestampUnit::kMicrosecond ? 1000
                                                                    : 1000000;
}

uint32_t ClockTicks(const Tcb& tcb, Instant now) {
  return static_cast<uint32_t>(now.nanos() / NanosPerTick(tcb));
}

void AddSample(Tcb& tcb, Duration sample) {
  RttState& rtt = tcb.rtt;
  sample = std::clamp(sample, Duration::Nanos(1), kMaxSample);
  if (rtt.srtt == Duration()) {
    rtt.srtt = sample;
    rtt.rttvar = sample / 2;
  } else {
    const Duration error =
        rtt.srtt > sample ? rtt.srtt - sample : sample - rtt.srtt;
    rtt.rttvar = (rtt.rttvar * 3 + error) / 4;
    rtt.srtt = (rtt.srtt * 7 + sample) / 8;
  }
  tcb.timers.backoff = 0;
}

// Without timestamps one segment is timed at a time, and none that was sent
// again; while a repair goes on, what was sent once tells as well (Karn asks
// for no more), and a timeout that was backed off is not longer than it must.
void SampleDuringRepair(Tcb& tcb, Instant now, const Delivery& delivery) {
  if (tcb.timers.backoff == 0 || delivery.resent.any || delivery.imported.any) {
    return;
  }
  AddSample(tcb, now - delivery.once.sent_at);
}

// A host's clock can only be set to every other tick.
constexpr uint32_t kMostTicksAhead = 4;

}  // namespace

uint32_t TimestampAt(const Tcb& tcb, Instant at) {
  return ClockTicks(tcb, at) + tcb.ts.delta;
}

uint32_t TimestampNow(const Tcb& tcb, Instant now) {
  const uint32_t ticks = TimestampAt(tcb, now);
  // Waits for a host's clock that ran ahead (RFC 7323: never backwards).
  return tcb.ts.sent_max - ticks <= kMostTicksAhead ? tcb.ts.sent_max : ticks;
}

void SetTimestampClock(Tcb& tcb, Instant now, uint32_t value) {
  tcb.ts.delta = value - ClockTicks(tcb, now);
}

void StartTiming(Tcb& tcb, Instant now, SeqNum end) {
  SegmentTiming& timing = tcb.outgoing->timing;
  if (!timing.running) timing = {true, end, now};
}

void StopTiming(Tcb& tcb) { tcb.outgoing->timing.running = false; }

void SampleRtt(Tcb& tcb, Instant now, const packet::Segment& segment) {
  SegmentTiming& timing = tcb.outgoing->timing;
  if (timing.running) {
    if (segment.ack.Before(timing.end)) return;
    timing.running = false;
    AddSample(tcb, now - timing.sent_at);
    return;
  }
  if (!tcb.constant.timestamps_enabled || segment.options.tsecr == 0) return;
  const auto ticks =
      static_cast<int32_t>(TimestampNow(tcb, now) - segment.options.tsecr);
  // An echo from the future is not ours.
  if (ticks < 0) return;
  AddSample(tcb, Duration::Nanos(ticks * NanosPerTick(tcb)));
}

void NoteDeliveryRtt(Tcb& tcb, Instant now, const Delivery& delivery) {
  if (!delivery.once.any) return;
  SampleDuringRepair(tcb, now, delivery);
  RttState& rtt = tcb.rtt;
  const Duration sample =
      std::max(now - delivery.once.sent_at, Duration::Nanos(1));
  if (rtt.min_rtt != Duration() && sample > rtt.min_rtt &&
      now - rtt.min_rtt_at < kMinRttLifetime) {
    return;
  }
  rtt.min_rtt = sample;
  rtt.min_rtt_at = now;
}

Duration RetransmitTimeout(const Tcb& tcb) {
  const Parameters& params = tcb.params();
  const RttState& rtt = tcb.rtt;
  if (rtt.srtt == Duration()) return params.rto_initial;
  const Duration spread = std::max(rtt.rttvar * 4, params.rttvar_floor);
  return std::clamp(rtt.srtt + spread, params.rto_min, params.rto_max);
}

Duration BackedOffRto(const Tcb& tcb, unsigned count) {
  Duration rto = RetransmitTimeout(tcb);
  while (count-- != 0 && rto < tcb.params().rto_max) rto = rto * 2;
  return std::min(rto, tcb.params().rto_max);
}

}  // namespace chimney::tcp
