// SPDX-License-Identifier: BSD-3-Clause
// A segment in script notation: `P. 1:1001(1000) ack 1 win 257 <nop, ...>`.
// Sequence numbers count from each side's SYN, which is 0; timestamps are those
// of the script.
#ifndef CHIMNEY_TESTS_SCRIPT_SEGMENT_TEXT_H_
#define CHIMNEY_TESTS_SCRIPT_SEGMENT_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chimney::script {

// Bits that only the IP header has room for (RFC 3168 section 5).
enum class EcnMark : uint8_t { kAny, kNotEct, kEct1, kEct0, kEitherEct, kCe };

struct OptionText {
  struct Timestamps {
    std::optional<uint32_t> value;  // none: `*`, anything will do
    std::optional<uint32_t> echo;
  };
  struct Block {
    uint32_t left = 0;
    uint32_t right = 0;
    friend bool operator==(const Block&, const Block&) = default;
  };

  bool any = false;  // <...>: whatever there is
  std::optional<uint16_t> mss;
  std::optional<uint8_t> wscale;
  bool sack_permitted = false;
  std::optional<Timestamps> timestamps;
  std::vector<Block> sack;
};

struct SegmentText {
  EcnMark ecn = EcnMark::kAny;
  uint8_t flags = 0;  // as on the wire
  uint32_t start = 0;
  uint32_t payload_bytes = 0;
  std::optional<uint32_t> ack;
  std::optional<uint16_t> window;  // as on the wire, unscaled
  uint16_t urgent_pointer = 0;
  OptionText options;
};

// The letters of the eight control bits, as scripts write them.
std::string FlagLetters(uint8_t flags);
// Bit of one letter; none if it stands for nothing.
std::optional<uint8_t> FlagOfLetter(char letter);

std::string Notation(const OptionText& options);
std::string Notation(const SegmentText& segment);

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_SEGMENT_TEXT_H_
