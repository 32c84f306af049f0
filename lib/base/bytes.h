// SPDX-License-Identifier: BSD-3-Clause
// Spans of bytes and bounded cursors over them. A cursor that is asked for more
// than is left fails and stays failed; it never reads or writes past its end.
#ifndef CHIMNEY_BASE_BYTES_H_
#define CHIMNEY_BASE_BYTES_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/endian.h"

namespace chimney {

using ByteSpan = std::span<const uint8_t>;
using MutableByteSpan = std::span<uint8_t>;

// Reads network-order fields from the front of a span. Each Read* returns
// false, leaves `*out` alone and moves nothing if too few bytes are left or an
// earlier read failed; so a caller may check ok() once after a run of reads,
// provided that it has initialised what it reads into.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  size_t offset() const { return offset_; }
  size_t remaining() const { return ok_ ? bytes_.size() - offset_ : 0; }
  // What has not been read; empty after a failure.
  ByteSpan rest() const { return ok_ ? bytes_.subspan(offset_) : ByteSpan(); }

  bool ReadU8(uint8_t* out) { return ReadInteger(out); }
  bool ReadBe16(uint16_t* out) { return ReadInteger(out); }
  bool ReadBe32(uint32_t* out) { return ReadInteger(out); }
  bool ReadBe64(uint64_t* out) { return ReadInteger(out); }

  // The next `count` bytes in place, valid as long as the span read from.
  bool ReadSpan(size_t count, ByteSpan* out) {
    if (!Claim(count)) return false;
    *out = bytes_.subspan(offset_ - count, count);
    return true;
  }
  // Fills the whole of `out`.
  bool ReadInto(MutableByteSpan out) {
    if (!Claim(out.size())) return false;
    if (!out.empty()) {
      std::memcpy(out.data(), bytes_.data() + offset_ - out.size(), out.size());
    }
    return true;
  }
  bool Skip(size_t count) { return Claim(count); }

 private:
  bool Claim(size_t count) {
    if (!ok_ || count > bytes_.size() - offset_) {
      ok_ = false;
      return false;
    }
    offset_ += count;
    return true;
  }
  template <std::unsigned_integral T>
  bool ReadInteger(T* out) {
    if (!Claim(sizeof(T))) return false;
    const uint8_t* from = bytes_.data() + offset_ - sizeof(T);
    if constexpr (sizeof(T) == 1) {
      *out = *from;
    } else {
      *out = LoadBe<T>(from);
    }
    return true;
  }

  ByteSpan bytes_;
  size_t offset_ = 0;
  bool ok_ = true;
};

// Writes network-order fields to the front of a span, with the same rule: a
// write that does not fit writes nothing, and every later one fails too.
class ByteWriter {
 public:
  explicit ByteWriter(MutableByteSpan bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  // Bytes written so far.
  size_t offset() const { return offset_; }
  size_t remaining() const { return ok_ ? bytes_.size() - offset_ : 0; }
  MutableByteSpan written() const { return bytes_.first(offset_); }

  bool WriteU8(uint8_t value) { return WriteInteger(value); }
  bool WriteBe16(uint16_t value) { return WriteInteger(value); }
  bool WriteBe32(uint32_t value) { return WriteInteger(value); }
  bool WriteBe64(uint64_t value) { return WriteInteger(value); }

  bool WriteSpan(ByteSpan from) {
    if (!Claim(from.size())) return false;
    if (!from.empty()) {
      std::memcpy(bytes_.data() + offset_ - from.size(), from.data(),
                  from.size());
    }
    return true;
  }
  bool WriteZeros(size_t count) {
    if (!Claim(count)) return false;
    if (count != 0) std::memset(bytes_.data() + offset_ - count, 0, count);
    return true;
  }

 private:
  bool Claim(size_t count) {
    if (!ok_ || count > bytes_.size() - offset_) {
      ok_ = false;
      return false;
    }
    offset_ += count;
    return true;
  }
  template <std::unsigned_integral T>
  bool WriteInteger(T value) {
    if (!Claim(sizeof(T))) return false;
    uint8_t* to = bytes_.data() + offset_ - sizeof(T);
    if constexpr (sizeof(T) == 1) {
      *to = value;
    } else {
      StoreBe<T>(to, value);
    }
    return true;
  }

  MutableByteSpan bytes_;
  size_t offset_ = 0;
  bool ok_ = true;
};

}  // namespace chimney

#endif  // CHIMNEY_BASE_BYTES_H_
