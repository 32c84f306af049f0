// SPDX-License-Identifier: BSD-3-Clause
// From text to a Script. The language is that of packetdrill as far as it
// concerns connections, with a few verbs of our own; README.md describes it.
// Text is hostile: any fault gives a message, never a crash.
#ifndef CHIMNEY_TESTS_SCRIPT_PARSE_SCRIPT_H_
#define CHIMNEY_TESTS_SCRIPT_PARSE_SCRIPT_H_

#include <optional>
#include <string>
#include <string_view>

#include "tests/script/scanner.h"
#include "tests/script/script.h"

namespace chimney::script {

// nullopt and "path:line: what is wrong" in `error` if the text is no script.
std::optional<Script> ParseScript(const std::string& path,
                                  std::string_view text, std::string* error);

// Parts of it, each false with a fault noted in `scanner`.
enum class Direction : uint8_t { kIn, kOut };
bool ParseCommand(Scanner* scanner, Script* script);
bool ParseSegment(Scanner* scanner, Direction direction, SegmentText* segment);
bool ParseOptions(Scanner* scanner, OptionText* options);
bool ParseCall(Scanner* scanner, const std::string& name, Call* call);
bool ParseAssertion(Scanner* scanner, Assertion* assertion);
bool ParseVerb(Scanner* scanner, const std::string& name, Verb* verb);
// Whether `name` is a word of our own.
bool IsVerb(std::string_view name);

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_PARSE_SCRIPT_H_
