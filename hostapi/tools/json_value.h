// SPDX-License-Identifier: BSD-3-Clause
// JSON as a tree, to print what the daemon answers. Numbers and literals are
// kept as they were written.
#ifndef CHIMNEY_TOOLS_JSON_VALUE_H_
#define CHIMNEY_TOOLS_JSON_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chimney::tools {

struct JsonMember;

struct JsonValue {
  enum class Kind : uint8_t { kText, kLiteral, kArray, kObject };
  Kind kind = Kind::kLiteral;
  std::string text;                 // kText: unescaped; kLiteral: as written
  std::vector<JsonValue> items;     // kArray
  std::vector<JsonMember> members;  // kObject, in order

  bool IsScalar() const {
    return kind == Kind::kText || kind == Kind::kLiteral;
  }
  const JsonValue* Find(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

// Nothing if the text is not one JSON value (RFC 8259), or nests deeper than
// the parser is willing to follow.
std::optional<JsonValue> ParseJson(std::string_view text);

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_JSON_VALUE_H_
