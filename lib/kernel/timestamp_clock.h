// SPDX-License-Identifier: BSD-3-Clause
// The kernel's timestamp clock of one socket, read without losing a tick and
// set without going back (design: "More facts about TCP_REPAIR"). Internal to
// the room.
#ifndef CHIMNEY_KERNEL_TIMESTAMP_CLOCK_H_
#define CHIMNEY_KERNEL_TIMESTAMP_CLOCK_H_

#include <cstdint>

#include "base/time.h"
#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"
#include "offload/state.h"

namespace chimney::kernel {

// CLOCK_MONOTONIC, from which the kernel derives its timestamp clocks.
Instant MonotonicNow();

// What the connection's clock shows, and the last TSval that the kernel can
// have sent: `floor` is never below it, nor below `now`.
struct TimestampReading {
  Instant at;  // when it was read, on CLOCK_MONOTONIC
  uint32_t now = 0;
  uint32_t floor = 0;
};

// From what the kernel shows (bit 0 is the unit, not time) and the milliseconds
// of CLOCK_MONOTONIC before and after it was read. With an offset that is not
// known, or not this clock's, it is rounded up by at most one tick. Pure.
TimestampReading TrueTimestamp(uint32_t shown, uint32_t before_ms,
                               uint32_t after_ms, tcp::TimestampUnit unit,
                               const TimestampOffset& offset);

// The smallest value not below `timestamp` whose bit 0 names `unit`. Pure.
uint32_t RoundUpForUnit(uint32_t timestamp, tcp::TimestampUnit unit);

KernelError ReadTimestampClock(int fd, tcp::TimestampUnit unit,
                               const TimestampOffset& offset,
                               TimestampReading* reading);
// Works in repair mode only. `timestamp` counts while the offset is not known,
// which it is from then on.
KernelError SetTimestampClock(int fd, tcp::TimestampUnit unit,
                              uint32_t timestamp, TimestampOffset* offset);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_TIMESTAMP_CLOCK_H_
