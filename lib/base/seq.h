// SPDX-License-Identifier: BSD-3-Clause
// TCP sequence numbers: arithmetic modulo 2^32 (RFC 9293 section 3.4).
#ifndef CHIMNEY_BASE_SEQ_H_
#define CHIMNEY_BASE_SEQ_H_

#include <cstdint>

namespace chimney {

// A sequence number. There is no operator<: order only means something within
// half the space, so the names say which question is asked.
class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(uint32_t value) : value_(value) {}

  constexpr uint32_t value() const { return value_; }

  // Signed distance from `other` to this, valid when they are less than 2^31
  // apart.
  constexpr int32_t DistanceFrom(SeqNum other) const {
    return static_cast<int32_t>(value_ - other.value_);
  }
  // Bytes from `other` forward to this, modulo 2^32.
  constexpr uint32_t BytesFrom(SeqNum other) const {
    return value_ - other.value_;
  }
  constexpr bool Before(SeqNum other) const { return DistanceFrom(other) < 0; }
  constexpr bool AtOrBefore(SeqNum other) const {
    return DistanceFrom(other) <= 0;
  }
  constexpr bool After(SeqNum other) const { return DistanceFrom(other) > 0; }
  constexpr bool AtOrAfter(SeqNum other) const {
    return DistanceFrom(other) >= 0;
  }
  // True if this lies in [start, start + size).
  constexpr bool InWindow(SeqNum start, uint32_t size) const {
    return value_ - start.value_ < size;
  }

  friend constexpr bool operator==(SeqNum, SeqNum) = default;
  friend constexpr SeqNum operator+(SeqNum seq, uint32_t bytes) {
    return SeqNum(seq.value_ + bytes);
  }
  friend constexpr SeqNum operator-(SeqNum seq, uint32_t bytes) {
    return SeqNum(seq.value_ - bytes);
  }
  constexpr SeqNum& operator+=(uint32_t bytes) {
    value_ += bytes;
    return *this;
  }

 private:
  uint32_t value_ = 0;
};

constexpr SeqNum Later(SeqNum a, SeqNum b) { return a.After(b) ? a : b; }
constexpr SeqNum Earlier(SeqNum a, SeqNum b) { return a.Before(b) ? a : b; }

}  // namespace chimney

#endif  // CHIMNEY_BASE_SEQ_H_
