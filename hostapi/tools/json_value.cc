// SPDX-License-Identifier: BSD-3-Clause
// A small JSON reader: recursive descent with a bounded depth.
#include "hostapi/tools/json_value.h"

#include <charconv>

namespace chimney::tools {
namespace {

constexpr int kMaxDepth = 32;

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool ParseWhole(JsonValue* value) {
    if (!ParseValue(value, 0)) return false;
    SkipSpace();
    return rest_.empty();
  }

 private:
  void SkipSpace() {
    const size_t start = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
  }
  bool Take(char wanted) {
    SkipSpace();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool ParseValue(JsonValue* value, int depth) {
    if (depth > kMaxDepth) return false;
    SkipSpace();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{':
        return ParseObject(value, depth);
      case '[':
        return ParseArray(value, depth);
      case '"':
        value->kind = JsonValue::Kind::kText;
        return ParseText(&value->text);
      default:
        return ParseLiteral(value);
    }
  }

  bool ParseObject(JsonValue* value, int depth) {
    value->kind = JsonValue::Kind::kObject;
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      SkipSpace();
      auto& [name, member] = value->members.emplace_back();
      if (!ParseText(&name) || !Take(':') || !ParseValue(&member, depth + 1)) {
        return false;
      }
    } while (Take(','));
    return Take('}');
  }

  bool ParseArray(JsonValue* value, int depth) {
    value->kind = JsonValue::Kind::kArray;
    if (!Take('[')) return false;
    if (Take(']')) return true;
    do {
      if (!ParseValue(&value->items.emplace_back(), depth + 1)) return false;
    } while (Take(','));
    return Take(']');
  }

  bool ParseText(std::string* text) {
    if (rest_.empty() || rest_.front() != '"') return false;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char next = rest_.front();
      rest_.remove_prefix(1);
      if (next == '"') return true;
      if (static_cast<unsigned char>(next) < 0x20) return false;
      if (next != '\\') {
        *text += next;
      } else if (!ParseEscape(text)) {
        return false;
      }
    }
    return false;
  }

  bool ParseEscape(std::string* text) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    const size_t which = kLetters.find(letter);
    if (which != std::string_view::npos) {
      *text += kMeanings[which];
      return true;
    }
    return letter == 'u' && ParseCodePoint(text);
  }

  // What a terminal can show is enough: no pairs of surrogates.
  bool ParseCodePoint(std::string* text) {
    if (rest_.size() < 4) return false;
    uint16_t code = 0;
    const char* end = rest_.data() + 4;
    const auto [stop, problem] = std::from_chars(rest_.data(), end, code, 16);
    if (problem != std::errc() || stop != end) return false;
    rest_.remove_prefix(4);
    if (code < 0x80) {
      *text += static_cast<char>(code);
    } else if (code < 0x800) {
      *text += static_cast<char>(0xc0 | (code >> 6));
      *text += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      *text += static_cast<char>(0xe0 | (code >> 12));
      *text += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      *text += static_cast<char>(0x80 | (code & 0x3f));
    }
    return true;
  }

  bool ParseLiteral(JsonValue* value) {
    constexpr std::string_view kAllowed =
        "+-.0123456789abcdefghijklmnopqrstuvwxyzE";
    size_t length = rest_.find_first_not_of(kAllowed);
    if (length == std::string_view::npos) length = rest_.size();
    value->kind = JsonValue::Kind::kLiteral;
    value->text = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return length != 0;
  }

  std::string_view rest_;
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view name) const {
  for (const auto& [member_name, value] : members) {
    if (member_name == name) return &value;
  }
  return nullptr;
}

std::optional<JsonValue> ParseJson(std::string_view text) {
  JsonValue value;
  if (!Parser(text).ParseWhole(&value)) return std::nullopt;
  return value;
}

}  // namespace chimney::tools
