// SPDX-License-Identifier: BSD-3-Clause
// A script as values: what the parser makes and the runner carries out. Knows
// neither the engine nor any other device under test.
#ifndef CHIMNEY_TESTS_SCRIPT_SCRIPT_H_
#define CHIMNEY_TESTS_SCRIPT_SCRIPT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "tests/script/segment_text.h"

namespace chimney::script {

// When a statement takes place.
struct Timing {
  enum class Kind : uint8_t {
    kAbsolute,  // 0.100: since the script began
    kRelative,  // +.1: since the statement before
    kAny,       // *: at no particular time
  };
  Kind kind = Kind::kAbsolute;
  Duration at;
  // 0.1~0.3: not before `at` and not after this.
  std::optional<Duration> latest;
  // 0.1...0.3: a call that begins at `at` and returns then. Relative like `at`.
  std::optional<Duration> returns;
};

// `<`: a segment of the peer.
struct Arrival {
  SegmentText segment;
};

// `>`: a segment that has to leave.
struct Expectation {
  SegmentText segment;
};

// One argument of a call, as it stands in the script.
struct Argument {
  enum class Kind : uint8_t {
    kEllipsis,  // ...
    kNumber,
    kSymbol,  // TCP_NODELAY, or several joined by |
    kText,    // "..."
    kList,    // [1] or {onoff=1, linger=0}: the numbers in it
  };
  Kind kind = Kind::kEllipsis;
  int64_t number = 0;
  std::string symbol;
  std::vector<int64_t> list;
};

// name(arguments) = result ERRNO (note)
struct Call {
  std::string name;
  std::vector<Argument> arguments;
  std::optional<int64_t> result;  // none: `?`, anything will do
  std::string error;              // EAGAIN and so on; empty if none
};

// %{ assert ... }%: expressions over the target's numbers, all to be true.
struct Assertion {
  std::vector<std::string> expressions;
};

// Words of our own, each with named numbers: `established`, `terminate`,
// `offload`, `update`.
struct Verb {
  std::string name;
  std::map<std::string, int64_t, std::less<>> numbers;

  std::optional<int64_t> Find(std::string_view key) const {
    const auto found = numbers.find(key);
    if (found == numbers.end()) return std::nullopt;
    return found->second;
  }
  bool Has(std::string_view key) const { return Find(key).has_value(); }
  int64_t Get(std::string_view key, int64_t otherwise) const {
    return Find(key).value_or(otherwise);
  }
};

using Action = std::variant<Arrival, Expectation, Call, Assertion, Verb>;

struct Statement {
  int line = 0;
  Timing timing;
  Action action;
};

struct Script {
  std::string path;
  // --name=value lines.
  std::map<std::string, std::string, std::less<>> options;
  std::vector<Statement> statements;
};

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_SCRIPT_H_
