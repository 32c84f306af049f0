// SPDX-License-Identifier: BSD-3-Clause
// Seeded byte streams: eight bytes come from one mix of seed and offset.
#include "tests/support/byte_stream.h"

namespace chimney::testing {
namespace {

// The finaliser of splitmix64.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t Word(uint64_t seed, uint64_t offset) {
  return Mix(Mix(seed) ^ (offset / 8));
}

}  // namespace

uint8_t ByteStream::At(uint64_t offset) const {
  return static_cast<uint8_t>(Word(seed_, offset) >> (8 * (offset % 8)));
}

std::vector<uint8_t> ByteStream::Bytes(uint64_t offset, size_t count) const {
  std::vector<uint8_t> bytes(count);
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t at = offset + i;
    if (i == 0 || at % 8 == 0) word = Word(seed_, at);
    bytes[i] = static_cast<uint8_t>(word >> (8 * (at % 8)));
  }
  return bytes;
}

std::optional<uint64_t> ByteStream::FirstMismatch(uint64_t offset,
                                                  ByteSpan bytes) const {
  uint64_t word = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint64_t at = offset + i;
    if (i == 0 || at % 8 == 0) word = Word(seed_, at);
    if (bytes[i] != static_cast<uint8_t>(word >> (8 * (at % 8)))) return at;
  }
  return std::nullopt;
}

}  // namespace chimney::testing
