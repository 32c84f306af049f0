// SPDX-License-Identifier: BSD-3-Clause
// Points in time and lengths of time as plain values. Nothing here reads a
// clock: time is an argument everywhere below the poll loop.
#ifndef CHIMNEY_BASE_TIME_H_
#define CHIMNEY_BASE_TIME_H_

#include <compare>
#include <cstdint>
#include <limits>

namespace chimney {

// A length of time in nanoseconds; may be negative.
class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration Nanos(int64_t n) { return Duration(n); }
  static constexpr Duration Micros(int64_t n) { return Duration(n * 1000); }
  static constexpr Duration Millis(int64_t n) { return Duration(n * 1000000); }
  static constexpr Duration Seconds(int64_t n) {
    return Duration(n * 1000000000);
  }
  constexpr int64_t nanos() const { return nanos_; }
  constexpr int64_t micros() const { return nanos_ / 1000; }
  constexpr int64_t millis() const { return nanos_ / 1000000; }

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads "< 0" in it.
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) {
    return Duration(a.nanos_ + b.nanos_);
  }
  friend constexpr Duration operator-(Duration a, Duration b) {
    return Duration(a.nanos_ - b.nanos_);
  }
  friend constexpr Duration operator*(Duration a, int64_t factor) {
    return Duration(a.nanos_ * factor);
  }
  friend constexpr Duration operator/(Duration a, int64_t divisor) {
    return Duration(a.nanos_ / divisor);
  }

 private:
  constexpr explicit Duration(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

// A point on one process's monotonic clock, in nanoseconds from that clock's
// origin.
class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant FromNanos(int64_t nanos) { return Instant(nanos); }
  // Later than every real instant: "never".
  static constexpr Instant Never() {
    return Instant(std::numeric_limits<int64_t>::max());
  }
  constexpr int64_t nanos() const { return nanos_; }
  constexpr bool IsNever() const { return *this == Never(); }

  // NOLINTNEXTLINE(modernize-use-nullptr): as above.
  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) {
    return Instant(t.nanos_ + d.nanos());
  }
  friend constexpr Instant operator-(Instant t, Duration d) {
    return Instant(t.nanos_ - d.nanos());
  }
  friend constexpr Duration operator-(Instant a, Instant b) {
    return Duration::Nanos(a.nanos_ - b.nanos_);
  }

 private:
  constexpr explicit Instant(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

}  // namespace chimney

#endif  // CHIMNEY_BASE_TIME_H_
