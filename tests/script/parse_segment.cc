// SPDX-License-Identifier: BSD-3-Clause
// Segments of a script, in either direction.
#include <string>
#include <utility>

#include "tests/script/parse_script.h"

namespace chimney::script {
namespace {

constexpr int64_t kMaxU32 = UINT32_MAX;
constexpr int64_t kMaxU16 = UINT16_MAX;
constexpr int64_t kMaxPayload = 1 << 20;
constexpr size_t kMaxBlocks = 4;

template <typename T>
bool ParseUnsigned(Scanner* scanner, int64_t most, T* out) {
  const std::optional<int64_t> number = scanner->Number(0, most);
  if (!number) return false;
  *out = static_cast<T>(*number);
  return true;
}

bool ParseEcn(Scanner* scanner, EcnMark* mark) {
  constexpr std::pair<std::string_view, EcnMark> kMarks[] = {
      {"noecn", EcnMark::kNotEct}, {"ect01", EcnMark::kEitherEct},
      {"ect0", EcnMark::kEct0},    {"ect1", EcnMark::kEct1},
      {"ce", EcnMark::kCe},
  };
  const std::string word = scanner->Word();
  for (const auto& [name, value] : kMarks) {
    if (name != word) continue;
    *mark = value;
    return scanner->Expect("]");
  }
  return scanner->Fault("unknown mark [" + word + "]");
}

bool ParseFlags(Scanner* scanner, uint8_t* flags) {
  if (scanner->Accept("-")) return true;
  const std::string seen = scanner->Glimpse();
  bool any = false;
  while (!scanner->AtEnd()) {
    const char letter = scanner->Peek();
    const std::optional<uint8_t> bit = FlagOfLetter(letter);
    if (!bit) break;
    if ((*flags & *bit) != 0) return scanner->Fault("a flag twice in " + seen);
    *flags = static_cast<uint8_t>(*flags | *bit);
    scanner->Accept(std::string_view(&letter, 1));
    any = true;
  }
  if (any) return true;
  return scanner->Fault("expected the flags of a TCP segment at " + seen);
}

bool ParseSequence(Scanner* scanner, SegmentText* segment) {
  uint32_t end = 0;
  if (!ParseUnsigned(scanner, kMaxU32, &segment->start)) return false;
  if (!scanner->Expect(":")) return false;
  if (!ParseUnsigned(scanner, kMaxU32, &end)) return false;
  if (!scanner->Expect("(")) return false;
  if (!ParseUnsigned(scanner, kMaxPayload, &segment->payload_bytes)) {
    return false;
  }
  if (!scanner->Expect(")")) return false;
  if (segment->start + segment->payload_bytes == end) return true;
  return scanner->Fault("the length does not fit the sequence numbers");
}

// `*` is any value, which only an expectation can mean.
bool ParseStarOr(Scanner* scanner, std::optional<uint32_t>* out) {
  if (scanner->Accept("*")) return true;
  out->emplace();
  return ParseUnsigned(scanner, kMaxU32, &**out);
}

bool ParseTimestamps(Scanner* scanner, OptionText* options) {
  options->timestamps.emplace();
  if (!scanner->Expect("val")) return false;
  if (!ParseStarOr(scanner, &options->timestamps->value)) return false;
  if (!scanner->Expect("ecr")) return false;
  return ParseStarOr(scanner, &options->timestamps->echo);
}

bool ParseBlocks(Scanner* scanner, OptionText* options) {
  do {
    OptionText::Block block;
    if (!ParseUnsigned(scanner, kMaxU32, &block.left)) return false;
    if (!scanner->Expect(":")) return false;
    if (!ParseUnsigned(scanner, kMaxU32, &block.right)) return false;
    options->sack.push_back(block);
  } while (scanner->Peek() >= '0' && scanner->Peek() <= '9');
  if (options->sack.size() <= kMaxBlocks) return true;
  return scanner->Fault("more SACK blocks than an option holds");
}

bool ParseOneOption(Scanner* scanner, OptionText* options) {
  const std::string name = scanner->Word();
  if (name == "nop" || name == "eol") return true;
  if (name == "sackOK") {
    options->sack_permitted = true;
    return true;
  }
  if (name == "mss") {
    options->mss.emplace();
    return ParseUnsigned(scanner, kMaxU16, &*options->mss);
  }
  if (name == "wscale") {
    options->wscale.emplace();
    return ParseUnsigned(scanner, UINT8_MAX, &*options->wscale);
  }
  if (name == "TS") return ParseTimestamps(scanner, options);
  if (name == "sack") return ParseBlocks(scanner, options);
  return scanner->Fault("unknown TCP option \"" + name + "\"");
}

// What may stand behind the sequence numbers.
bool ParseTail(Scanner* scanner, SegmentText* segment) {
  if (scanner->Accept("ack")) {
    segment->ack.emplace();
    if (!ParseUnsigned(scanner, kMaxU32, &*segment->ack)) return false;
  }
  if (scanner->Accept("win")) {
    segment->window.emplace();
    if (!ParseUnsigned(scanner, kMaxU16, &*segment->window)) return false;
  }
  if (scanner->Accept("urg")) {
    if (!ParseUnsigned(scanner, kMaxU16, &segment->urgent_pointer)) {
      return false;
    }
  }
  if (!scanner->Accept("<")) return true;
  return ParseOptions(scanner, &segment->options);
}

bool CheckSegment(Scanner* scanner, Direction direction,
                  const SegmentText& segment) {
  const bool ack_flag = (segment.flags & *FlagOfLetter('.')) != 0;
  if (ack_flag != segment.ack.has_value()) {
    return scanner->Fault("the flag . and a number after ack go together");
  }
  if (direction == Direction::kOut) return true;
  if (!segment.window) return scanner->Fault("an arrival needs its win");
  if (segment.options.any) return scanner->Fault("<...> in an arrival");
  const auto& timestamps = segment.options.timestamps;
  if (timestamps && (!timestamps->value || !timestamps->echo)) {
    return scanner->Fault("* in an arrival");
  }
  return true;
}

}  // namespace

bool ParseOptions(Scanner* scanner, OptionText* options) {
  if (scanner->Accept("...")) {
    options->any = true;
    return scanner->Expect(">");
  }
  while (!scanner->Accept(">")) {
    if (!ParseOneOption(scanner, options)) return false;
    if (!scanner->Accept(",") && !scanner->LooksAt(">")) {
      return scanner->Expect(">");
    }
  }
  return true;
}

bool ParseSegment(Scanner* scanner, Direction direction, SegmentText* segment) {
  if (scanner->Accept("[") && !ParseEcn(scanner, &segment->ecn)) return false;
  return ParseFlags(scanner, &segment->flags) &&
         ParseSequence(scanner, segment) && ParseTail(scanner, segment) &&
         CheckSegment(scanner, direction, *segment);
}

}  // namespace chimney::script
