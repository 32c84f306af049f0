// SPDX-License-Identifier: BSD-3-Clause
// Seeded byte streams: eight bytes come from one mix of seed and offset.
#include "tests/support/byte_stream.h"

#include <algorithm>

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
  const uint64_t key = Mix(seed_);
  size_t i = 0;
  for (; i < count && (offset + i) % 8 != 0; ++i) bytes[i] = At(offset + i);
  for (; i + 8 <= count; i += 8) {
    const uint64_t word = Mix(key ^ ((offset + i) / 8));
    for (size_t k = 0; k < 8; ++k) {
      bytes[i + k] = static_cast<uint8_t>(word >> (8 * k));
    }
  }
  for (; i < count; ++i) bytes[i] = At(offset + i);
  return bytes;
}

std::optional<uint64_t> ByteStream::FirstMismatch(uint64_t offset,
                                                  ByteSpan bytes) const {
  const std::vector<uint8_t> expected = Bytes(offset, bytes.size());
  if (std::equal(bytes.begin(), bytes.end(), expected.begin())) {
    return std::nullopt;
  }
  const auto found =
      std::mismatch(bytes.begin(), bytes.end(), expected.begin()).first;
  return offset + static_cast<uint64_t>(found - bytes.begin());
}

}  // namespace chimney::testing
