// SPDX-License-Identifier: BSD-3-Clause
// Seedable pseudo-random numbers (jitter, tests) and a keyed hash for tables
// whose keys a stranger chooses. Neither gathers entropy: seeds and keys are
// arguments.
#ifndef CHIMNEY_BASE_RANDOM_H_
#define CHIMNEY_BASE_RANDOM_H_

#include <bit>
#include <cstdint>

#include "base/bytes.h"

namespace chimney {

// xoshiro256** by Blackman and Vigna, seeded through splitmix64. Same seed,
// same sequence, on every machine. Not for secrets.
class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t Next64();
  uint32_t Next32() { return static_cast<uint32_t>(Next64() >> 32); }
  // Uniform in [0, bound); 0 if bound is 0.
  uint32_t Below(uint32_t bound);
  // True with probability numerator / denominator.
  bool Chance(uint32_t numerator, uint32_t denominator) {
    return Below(denominator) < numerator;
  }

 private:
  uint64_t state_[4];
};

// The 128-bit key of a keyed hash.
struct HashKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

// SipHash-2-4 (Aumasson, Bernstein) over whole 64-bit little-endian words and a
// last word that carries the tail and the length.
class SipHash24State {
 public:
  constexpr explicit SipHash24State(HashKey key)
      : v0_(key.k0 ^ 0x736f6d6570736575),
        v1_(key.k1 ^ 0x646f72616e646f6d),
        v2_(key.k0 ^ 0x6c7967656e657261),
        v3_(key.k1 ^ 0x7465646279746573) {}

  constexpr void Mix(uint64_t word) {
    v3_ ^= word;
    Round();
    Round();
    v0_ ^= word;
  }
  // `last_word`: the low 8 bits of the total byte count in the top byte, the
  // bytes behind the last whole word (at most 7) below.
  constexpr uint64_t Finish(uint64_t last_word) {
    Mix(last_word);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  constexpr void Round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13);
    v1_ ^= v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16);
    v3_ ^= v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21);
    v3_ ^= v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17);
    v1_ ^= v2_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_;
  uint64_t v1_;
  uint64_t v2_;
  uint64_t v3_;
};

// SipHash-2-4 of any bytes.
uint64_t SipHash24(HashKey key, ByteSpan bytes);

}  // namespace chimney

#endif  // CHIMNEY_BASE_RANDOM_H_
