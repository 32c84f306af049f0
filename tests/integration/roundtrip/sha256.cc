// SPDX-License-Identifier: BSD-3-Clause
#include "sha256.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "base/endian.h"

namespace chimney::roundtrip {
namespace {

// FIPS 180-4 section 4.2.2.
constexpr std::array<uint32_t, 64> kRoundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t Turned(uint32_t x, int a, int b, int c) {
  return std::rotr(x, a) ^ std::rotr(x, b) ^ std::rotr(x, c);
}

}  // namespace

void Sha256::AddBlock(const uint8_t* block) {
  std::array<uint32_t, 64> w;
  for (size_t i = 0; i < 16; ++i) w[i] = LoadBe<uint32_t>(block + 4 * i);
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t s0 =
        std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const uint32_t s1 =
        std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (size_t i = 0; i < 64; ++i) {
    const uint32_t t1 = h + Turned(e, 6, 11, 25) + ((e & f) ^ (~e & g)) +
                        kRoundConstants[i] + w[i];
    const uint32_t t2 = Turned(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::array<uint32_t, 8> added = {a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < 8; ++i) state_[i] += added[i];
}

void Sha256::Add(ByteSpan bytes) {
  const size_t used = total_bytes_ % kBlockBytes;
  total_bytes_ += bytes.size();
  if (used != 0) {
    const size_t length = std::min(bytes.size(), kBlockBytes - used);
    std::memcpy(tail_.data() + used, bytes.data(), length);
    bytes = bytes.subspan(length);
    if (used + length < kBlockBytes) return;
    AddBlock(tail_.data());
  }
  while (bytes.size() >= kBlockBytes) {
    AddBlock(bytes.data());
    bytes = bytes.subspan(kBlockBytes);
  }
  if (!bytes.empty()) std::memcpy(tail_.data(), bytes.data(), bytes.size());
}

std::string Sha256::Finish() {
  const uint64_t bits = total_bytes_ * 8;
  std::array<uint8_t, kBlockBytes + 8> padding{};
  padding[0] = 0x80;
  const size_t used = total_bytes_ % kBlockBytes;
  const size_t zeros_end = (used < 56 ? 56 : 120) - used;
  Add({padding.data(), zeros_end});
  uint8_t length[8];
  StoreBe<uint64_t>(length, bits);
  Add(length);
  std::string text;
  for (const uint32_t word : state_) {
    char hex[9];
    snprintf(hex, sizeof(hex), "%08x", word);
    text += hex;
  }
  return text;
}

}  // namespace chimney::roundtrip
