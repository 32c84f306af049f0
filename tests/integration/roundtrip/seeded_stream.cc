// SPDX-License-Identifier: BSD-3-Clause
#include "seeded_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace chimney::roundtrip {

// The output function of splitmix64 over a counter.
uint64_t SeededStream::Word(uint64_t index) const {
  uint64_t z = seed_ * 0xd1342543de82ef95 + (index + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint8_t SeededStream::At(uint64_t offset) const {
  return static_cast<uint8_t>(Word(offset / 8) >> (8 * (offset % 8)));
}

void SeededStream::Fill(uint64_t offset, MutableByteSpan out) const {
  size_t i = 0;
  while (i < out.size() && (offset + i) % 8 != 0) {
    out[i] = At(offset + i);
    ++i;
  }
  for (; i + 8 <= out.size(); i += 8) {
    const uint64_t word = Word((offset + i) / 8);
    std::memcpy(out.data() + i, &word, 8);
  }
  for (; i < out.size(); ++i) out[i] = At(offset + i);
}

std::optional<std::string> SeededStream::Check(uint64_t offset,
                                               ByteSpan bytes) const {
  uint8_t wanted[4096];
  for (size_t done = 0; done < bytes.size();) {
    const size_t length = std::min(bytes.size() - done, sizeof(wanted));
    Fill(offset + done, {wanted, length});
    if (std::memcmp(wanted, bytes.data() + done, length) != 0) {
      const ByteSpan got = bytes.subspan(done, length);
      const auto first = static_cast<size_t>(
          std::mismatch(got.begin(), got.end(), wanted).first - got.begin());
      const uint64_t at = offset + done + first;
      const std::string text = "wrong byte at offset " + std::to_string(at);
      const auto origin = Locate(at, bytes.subspan(done + first));
      if (!origin) return text + ": it is from nowhere near in the stream";
      return text + ": there stand bytes from offset " +
             std::to_string(*origin) + " (" +
             std::to_string(static_cast<int64_t>(*origin - at)) + ")";
    }
    done += length;
  }
  return std::nullopt;
}

std::optional<uint64_t> SeededStream::Locate(uint64_t near,
                                             ByteSpan bytes) const {
  const size_t length = std::min<size_t>(bytes.size(), 16);
  if (length < 8) return std::nullopt;
  const uint64_t from = near > kSearchBytes ? near - kSearchBytes : 0;
  std::vector<uint8_t> around(near - from + kSearchBytes);
  Fill(from, around);
  const auto found =
      std::search(around.begin(), around.end(), bytes.begin(),
                  bytes.begin() + static_cast<ptrdiff_t>(length));
  if (found == around.end()) return std::nullopt;
  return from + static_cast<uint64_t>(found - around.begin());
}

}  // namespace chimney::roundtrip
