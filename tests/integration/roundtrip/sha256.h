// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 (FIPS 180-4), fed piece by piece.
#ifndef CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_SHA256_H_
#define CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace chimney::roundtrip {

class Sha256 {
 public:
  void Add(ByteSpan bytes);
  // The digest in hexadecimal; nothing may be added afterwards.
  std::string Finish();

 private:
  static constexpr size_t kBlockBytes = 64;

  void AddBlock(const uint8_t* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                    0xa54ff53a, 0x510e527f, 0x9b05688c,
                                    0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, kBlockBytes> tail_{};
  uint64_t total_bytes_ = 0;
};

}  // namespace chimney::roundtrip

#endif  // CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_SHA256_H_
