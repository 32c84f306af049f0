// SPDX-License-Identifier: BSD-3-Clause
// What fuzz targets share: an input that is taken piece by piece, and demands
// that end the program where the fuzzer sees it.
#ifndef CHIMNEY_TESTS_FUZZ_FUZZ_INPUT_H_
#define CHIMNEY_TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace chimney::testing {

inline void Require(bool holds) {
  if (!holds) __builtin_trap();
}

// Zeros behind the end.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }

  uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  bool Flag() { return (Byte() & 1) != 0; }
  uint16_t Short() {
    const uint8_t high = Byte();
    return static_cast<uint16_t>(high << 8 | Byte());
  }
  uint32_t Word() {
    const uint32_t high = Short();
    return high << 16 | Short();
  }
  uint64_t LongWord() {
    const uint64_t high = Word();
    return high << 32 | Word();
  }
  // 0 to `most`.
  uint32_t UpTo(uint32_t most) {
    return static_cast<uint32_t>((most <= 0xffff ? Short() : Word()) %
                                 (uint64_t{most} + 1));
  }
  // Mostly near zero, on either side of it, now and then anywhere.
  uint32_t Offset() {
    const uint8_t kind = Byte();
    if (kind == 0xff) return Word();
    const uint32_t size = kind % 4 == 0 ? Byte() : Short();
    return (kind & 0x80) != 0 ? 0u - size : size;
  }
  // Any value of a plain struct.
  template <typename T>
  T Plain() {
    T value{};
    Fill(&value, sizeof(value));
    return value;
  }
  void Fill(void* to, size_t size) {
    const size_t count = std::min(size, left_);
    if (count != 0) std::memcpy(to, data_, count);
    data_ += count;
    left_ -= count;
  }
  std::vector<uint8_t> Rest() const { return {data_, data_ + left_}; }

 private:
  const uint8_t* data_;
  size_t left_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_FUZZ_FUZZ_INPUT_H_
