// SPDX-License-Identifier: BSD-3-Clause
// Byte order in the type: only a Be16, Be32 or Be64 holds network order, every
// plain integer is in host order, and going from one to the other is always
// spelled out.
#ifndef CHIMNEY_BASE_ENDIAN_H_
#define CHIMNEY_BASE_ENDIAN_H_

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace chimney {

namespace endian_internal {

template <std::unsigned_integral T>
constexpr T SwapBytes(T value) {
  static_assert(sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);
  if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

template <std::unsigned_integral T>
constexpr T SwapIfLittle(T value) {
  if constexpr (std::endian::native == std::endian::little) {
    return SwapBytes(value);
  } else {
    return value;
  }
}

}  // namespace endian_internal

// An unsigned integer whose bytes in memory are in network order.
template <std::unsigned_integral T>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  static constexpr BigEndian FromHost(T value) {
    return BigEndian(endian_internal::SwapIfLittle(value));
  }
  constexpr T ToHost() const { return endian_internal::SwapIfLittle(raw_); }

  friend constexpr bool operator==(BigEndian, BigEndian) = default;

 private:
  constexpr explicit BigEndian(T raw) : raw_(raw) {}
  T raw_ = 0;
};

using Be16 = BigEndian<uint16_t>;
using Be32 = BigEndian<uint32_t>;
using Be64 = BigEndian<uint64_t>;

// Loads and stores of network-order fields at any alignment. The caller has
// proved that the bytes are there.
template <std::unsigned_integral T>
inline T LoadBe(const uint8_t* bytes) {
  T raw;
  std::memcpy(&raw, bytes, sizeof(raw));
  return endian_internal::SwapIfLittle(raw);
}
template <std::unsigned_integral T>
inline void StoreBe(uint8_t* bytes, T value) {
  const T raw = endian_internal::SwapIfLittle(value);
  std::memcpy(bytes, &raw, sizeof(raw));
}

inline uint16_t LoadBe16(const uint8_t* bytes) {
  return LoadBe<uint16_t>(bytes);
}
inline uint32_t LoadBe32(const uint8_t* bytes) {
  return LoadBe<uint32_t>(bytes);
}
inline uint64_t LoadBe64(const uint8_t* bytes) {
  return LoadBe<uint64_t>(bytes);
}
inline void StoreBe16(uint8_t* bytes, uint16_t value) { StoreBe(bytes, value); }
inline void StoreBe32(uint8_t* bytes, uint32_t value) { StoreBe(bytes, value); }
inline void StoreBe64(uint8_t* bytes, uint64_t value) { StoreBe(bytes, value); }

}  // namespace chimney

#endif  // CHIMNEY_BASE_ENDIAN_H_
