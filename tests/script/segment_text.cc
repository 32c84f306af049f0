// SPDX-License-Identifier: BSD-3-Clause
// Segments written out as a script would have them.
#include "tests/script/segment_text.h"

#include <string_view>

namespace chimney::script {
namespace {

struct FlagLetter {
  char letter;
  uint8_t bit;
};

// In the order in which they are written.
constexpr FlagLetter kFlagLetters[] = {
    {'F', 0x01}, {'S', 0x02}, {'R', 0x04}, {'P', 0x08},
    {'U', 0x20}, {'E', 0x40}, {'W', 0x80}, {'.', 0x10},
};

std::string_view EcnWord(EcnMark mark) {
  switch (mark) {
    case EcnMark::kAny:
    case EcnMark::kNotEct:
      return "";
    case EcnMark::kEct1:
      return "[ect1] ";
    case EcnMark::kEct0:
      return "[ect0] ";
    case EcnMark::kEitherEct:
      return "[ect01] ";
    case EcnMark::kCe:
      return "[ce] ";
  }
  return "";
}

std::string NumberOrStar(const std::optional<uint32_t>& number) {
  return number ? std::to_string(*number) : "*";
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ",";
    text += word;
  }
  return text;
}

}  // namespace

std::string FlagLetters(uint8_t flags) {
  std::string letters;
  for (const FlagLetter& flag : kFlagLetters) {
    if ((flags & flag.bit) != 0) letters += flag.letter;
  }
  return letters.empty() ? "-" : letters;
}

std::optional<uint8_t> FlagOfLetter(char letter) {
  for (const FlagLetter& flag : kFlagLetters) {
    if (flag.letter == letter) return flag.bit;
  }
  return std::nullopt;
}

std::string Notation(const OptionText& options) {
  if (options.any) return "<...>";
  std::vector<std::string> words;
  if (options.mss) words.push_back("mss " + std::to_string(*options.mss));
  if (options.sack_permitted) words.push_back("sackOK");
  if (options.timestamps) {
    words.push_back("TS val " + NumberOrStar(options.timestamps->value) +
                    " ecr " + NumberOrStar(options.timestamps->echo));
  }
  if (options.wscale) {
    words.push_back("wscale " + std::to_string(*options.wscale));
  }
  if (!options.sack.empty()) {
    std::string blocks = "sack";
    for (const OptionText::Block& block : options.sack) {
      blocks +=
          " " + std::to_string(block.left) + ":" + std::to_string(block.right);
    }
    words.push_back(blocks);
  }
  return words.empty() ? "" : "<" + Joined(words) + ">";
}

std::string Notation(const SegmentText& segment) {
  const uint32_t end = segment.start + segment.payload_bytes;
  std::string text(EcnWord(segment.ecn));
  text += FlagLetters(segment.flags) + " " + std::to_string(segment.start) +
          ":" + std::to_string(end) + "(" +
          std::to_string(segment.payload_bytes) + ")";
  if (segment.ack) text += " ack " + std::to_string(*segment.ack);
  if (segment.window) text += " win " + std::to_string(*segment.window);
  if (segment.urgent_pointer != 0) {
    text += " urg " + std::to_string(segment.urgent_pointer);
  }
  const std::string options = Notation(segment.options);
  if (!options.empty()) text += " " + options;
  return text;
}

}  // namespace chimney::script
