// SPDX-License-Identifier: BSD-3-Clause
// The generator and the byte-wise face of the keyed hash.
#include "base/random.h"

#include <cstddef>

namespace chimney {

namespace {

// One step of splitmix64, which spreads a seed of few set bits over the whole
// state: xoshiro must not start from all zeros.
uint64_t SplitMix64(uint64_t* state) {
  *state += 0x9e3779b97f4a7c15;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Up to 8 bytes as a little-endian number.
uint64_t LoadLittleEndian(const uint8_t* bytes, size_t count) {
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) {
    word |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  }
  return word;
}

}  // namespace

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) word = SplitMix64(&seed);
}

uint64_t Random::Next64() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint32_t Random::Below(uint32_t bound) {
  if (bound == 0) return 0;
  // Multiply and shift; the few low products that would favour some values are
  // drawn again.
  const uint32_t biased_below = static_cast<uint32_t>(-bound) % bound;
  for (;;) {
    const uint64_t product = uint64_t{Next32()} * bound;
    if (static_cast<uint32_t>(product) >= biased_below) {
      return static_cast<uint32_t>(product >> 32);
    }
  }
}

uint64_t SipHash24(HashKey key, ByteSpan bytes) {
  SipHash24State state(key);
  const uint8_t* data = bytes.data();
  const size_t whole = bytes.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8) {
    state.Mix(LoadLittleEndian(data + i, 8));
  }
  const uint64_t tail = LoadLittleEndian(data + whole, bytes.size() - whole);
  return state.Finish((static_cast<uint64_t>(bytes.size()) << 56) | tail);
}

}  // namespace chimney
