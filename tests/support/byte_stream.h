// SPDX-License-Identifier: BSD-3-Clause
// Endless byte streams whose every byte follows from a seed and its offset: so
// a receiver can check what it gets without anybody storing what was sent.
#ifndef CHIMNEY_TESTS_SUPPORT_BYTE_STREAM_H_
#define CHIMNEY_TESTS_SUPPORT_BYTE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace chimney::testing {

class ByteStream {
 public:
  explicit ByteStream(uint64_t seed) : seed_(seed) {}

  uint8_t At(uint64_t offset) const;
  std::vector<uint8_t> Bytes(uint64_t offset, size_t count) const;
  // Offset of the first byte of `bytes` that is not the stream's, if any;
  // bytes[0] stands at `offset` in the stream.
  std::optional<uint64_t> FirstMismatch(uint64_t offset, ByteSpan bytes) const;

 private:
  uint64_t seed_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_BYTE_STREAM_H_
