// SPDX-License-Identifier: BSD-3-Clause
// An endless pseudo-random byte stream that follows from its seed and can be
// read from any offset: both ends of a test know every byte without exchanging
// one, and a wrong byte tells where in the stream it would have belonged.
#ifndef CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_SEEDED_STREAM_H_
#define CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_SEEDED_STREAM_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace chimney::roundtrip {

class SeededStream {
 public:
  explicit SeededStream(uint64_t seed) : seed_(seed) {}

  // The stream's bytes from `offset` on.
  void Fill(uint64_t offset, MutableByteSpan out) const;

  // Compares bytes that arrived at `offset`; where they first differ, a text
  // that says how: at which offset, and which part of the stream came instead.
  std::optional<std::string> Check(uint64_t offset, ByteSpan bytes) const;

 private:
  uint64_t Word(uint64_t index) const;
  uint8_t At(uint64_t offset) const;
  // Where in the stream, at most kSearchBytes away, `bytes` stand.
  std::optional<uint64_t> Locate(uint64_t near, ByteSpan bytes) const;

  static constexpr uint64_t kSearchBytes = 16 << 20;

  uint64_t seed_;
};

}  // namespace chimney::roundtrip

#endif  // CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_SEEDED_STREAM_H_
