// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/timestamp_clock.h"

#include <ctime>

#include "kernel/socket_options.h"

namespace chimney::kernel {

Instant MonotonicNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Instant::FromNanos(int64_t{now.tv_sec} * 1000000000 + now.tv_nsec);
}

namespace {

constexpr int kMaxAttempts = 4;
constexpr uint32_t kMostTicksAhead = 4;

// The kernel's millisecond timestamp clock is this plus a constant.
uint32_t Milliseconds(Instant monotonic) {
  return static_cast<uint32_t>(monotonic.nanos() / 1000000);
}

}  // namespace

TimestampReading TrueTimestamp(uint32_t shown, uint32_t before_ms,
                               uint32_t after_ms, tcp::TimestampUnit unit,
                               const TimestampOffset& offset) {
  if (unit == tcp::TimestampUnit::kMicrosecond)
    return {{}, shown | 1, shown | 1};
  const uint32_t even = shown & ~1U;
  if (offset.known && before_ms == after_ms) {
    const uint32_t exact = before_ms + offset.value;
    const uint32_t kernels = exact + offset.ahead;
    if ((kernels & ~1U) == even) return {{}, exact, kernels};
  }
  return {{}, even + 1, even + 1};
}

uint32_t RoundUpForUnit(uint32_t timestamp, tcp::TimestampUnit unit) {
  const uint32_t bit = unit == tcp::TimestampUnit::kMicrosecond ? 1 : 0;
  return (timestamp & 1) == bit ? timestamp : timestamp + 1;
}

KernelError ReadTimestampClock(int fd, tcp::TimestampUnit unit,
                               const TimestampOffset& offset,
                               TimestampReading* reading) {
  KernelError error;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const Instant at = MonotonicNow();
    const uint32_t before_ms = Milliseconds(at);
    int shown = 0;
    error = GetInt(fd, IPPROTO_TCP, TCP_TIMESTAMP, "TCP_TIMESTAMP", &shown);
    const uint32_t after_ms = Milliseconds(MonotonicNow());
    *reading = TrueTimestamp(static_cast<uint32_t>(shown), before_ms, after_ms,
                             unit, offset);
    reading->at = at;
    if (!error.ok() || before_ms == after_ms) break;
  }
  return error;
}

KernelError SetTimestampClock(int fd, tcp::TimestampUnit unit,
                              uint32_t timestamp, TimestampOffset* offset) {
  KernelError error;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const uint32_t before_ms = Milliseconds(MonotonicNow());
    if (!offset->known || unit == tcp::TimestampUnit::kMicrosecond) {
      *offset = {true, timestamp - before_ms, 0};
    }
    // Whoever had the connection may look at another clock, a few microseconds
    // ahead of this one; what it sent stays the least.
    const uint32_t exact = before_ms + offset->value;
    const uint32_t lead = timestamp - exact;
    const uint32_t value =
        RoundUpForUnit(lead <= kMostTicksAhead ? timestamp : exact, unit);
    error = SetInt(fd, IPPROTO_TCP, TCP_TIMESTAMP, static_cast<int>(value),
                   "TCP_TIMESTAMP");
    offset->ahead = value - exact;
    // Set between two ticks it may be one off: once more.
    if (!error.ok() || before_ms == Milliseconds(MonotonicNow())) break;
  }
  return error;
}

}  // namespace chimney::kernel
