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

// The kernel's millisecond timestamp clock is this plus a constant.
uint32_t MonotonicMilliseconds() {
  return static_cast<uint32_t>(MonotonicNow().nanos() / 1000000);
}

}  // namespace

uint32_t TrueTimestamp(uint32_t shown, uint32_t before_ms, uint32_t after_ms,
                       tcp::TimestampUnit unit, const TimestampOffset& offset) {
  if (unit == tcp::TimestampUnit::kMicrosecond) return shown | 1;
  const uint32_t even = shown & ~1U;
  if (offset.known && before_ms == after_ms) {
    const uint32_t exact = before_ms + offset.value;
    if ((exact & ~1U) == even) return exact;
  }
  return even + 1;
}

uint32_t RoundUpForUnit(uint32_t timestamp, tcp::TimestampUnit unit) {
  const uint32_t bit = unit == tcp::TimestampUnit::kMicrosecond ? 1 : 0;
  return (timestamp & 1) == bit ? timestamp : timestamp + 1;
}

KernelError ReadTimestampClock(int fd, tcp::TimestampUnit unit,
                               const TimestampOffset& offset,
                               uint32_t* timestamp) {
  const uint32_t before_ms = MonotonicMilliseconds();
  int shown = 0;
  const KernelError error =
      GetInt(fd, IPPROTO_TCP, TCP_TIMESTAMP, "TCP_TIMESTAMP", &shown);
  const uint32_t after_ms = MonotonicMilliseconds();
  *timestamp = TrueTimestamp(static_cast<uint32_t>(shown), before_ms, after_ms,
                             unit, offset);
  return error;
}

KernelError SetTimestampClock(int fd, tcp::TimestampUnit unit,
                              uint32_t timestamp, TimestampOffset* offset) {
  const uint32_t value = RoundUpForUnit(timestamp, unit);
  const uint32_t before_ms = MonotonicMilliseconds();
  const KernelError error = SetInt(fd, IPPROTO_TCP, TCP_TIMESTAMP,
                                   static_cast<int>(value), "TCP_TIMESTAMP");
  const uint32_t after_ms = MonotonicMilliseconds();
  offset->known = error.ok() && before_ms == after_ms;
  offset->value = value - before_ms;
  return error;
}

}  // namespace chimney::kernel
