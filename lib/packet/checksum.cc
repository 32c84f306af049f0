// SPDX-License-Identifier: BSD-3-Clause
// The ones' complement sum, eight bytes at a time. RFC 1071 section 2 (B) lets
// it be taken in the machine's own byte order and swapped once at the end.
#include "packet/checksum.h"

#include <bit>
#include <cstring>

#include "base/endian.h"

namespace chimney::packet {

namespace {

// Both halves of a word, each of which is a sum of two 16-bit words in waiting.
// A 64-bit accumulator holds 2^31 such halves, more than any span here has.
uint64_t HalvesOf(uint64_t word) { return (word & 0xffffffff) + (word >> 32); }

// The `count` (at most 8) bytes as a native word with zeros behind.
uint64_t LoadTail(const uint8_t* bytes, size_t count) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, count);
  return word;
}

uint32_t NativeSumToNetwork(uint64_t sum) {
  const uint32_t folded = FoldSum(sum);
  if constexpr (std::endian::native == std::endian::little) {
    return __builtin_bswap16(static_cast<uint16_t>(folded));
  }
  return folded;
}

}  // namespace

uint32_t PartialSum(ByteSpan bytes) {
  if (bytes.empty()) return 0;
  const uint8_t* data = bytes.data();
  const size_t whole_words = bytes.size() / sizeof(uint64_t);
  uint64_t sum = 0;
  for (size_t i = 0; i < whole_words; ++i) {
    uint64_t word;
    std::memcpy(&word, data + i * sizeof(word), sizeof(word));
    sum += HalvesOf(word);
  }
  const size_t done = whole_words * sizeof(uint64_t);
  sum += HalvesOf(LoadTail(data + done, bytes.size() - done));
  return NativeSumToNetwork(sum);
}

uint32_t CopyWithSum(ByteSpan from, MutableByteSpan to) {
  if (from.empty()) return 0;
  std::memcpy(to.data(), from.data(), from.size());
  // From the copy: what is sent is what was summed, even if another process
  // writes to `from` meanwhile.
  return PartialSum(to.first(from.size()));
}

uint32_t PseudoHeaderSum(const IpAddress& src, const IpAddress& dst,
                         uint8_t protocol, uint32_t length_bytes) {
  // Bytes behind an IPv4 address are zero and add nothing.
  uint64_t sum = PartialSum(src.bytes);
  sum += PartialSum(dst.bytes);
  sum += protocol;
  sum += length_bytes >> 16;
  sum += length_bytes & 0xffff;
  return FoldSum(sum);
}

uint16_t UpdateChecksum16(uint16_t checksum, uint16_t old_word,
                          uint16_t new_word) {
  const uint32_t not_checksum = static_cast<uint16_t>(~checksum);
  const uint32_t not_old = static_cast<uint16_t>(~old_word);
  return FinishChecksum(not_checksum + not_old + new_word);
}

uint16_t UpdateChecksum32(uint16_t checksum, uint32_t old_word,
                          uint32_t new_word) {
  const uint16_t high =
      UpdateChecksum16(checksum, static_cast<uint16_t>(old_word >> 16),
                       static_cast<uint16_t>(new_word >> 16));
  return UpdateChecksum16(high, static_cast<uint16_t>(old_word),
                          static_cast<uint16_t>(new_word));
}

}  // namespace chimney::packet
