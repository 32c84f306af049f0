// SPDX-License-Identifier: BSD-3-Clause
// Conditions of an assertion: whole numbers, names, + - * / %, comparisons,
// and, or, not, parentheses. As in Python a < b < c means both.
#ifndef CHIMNEY_TESTS_SCRIPT_EXPRESSION_H_
#define CHIMNEY_TESTS_SCRIPT_EXPRESSION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace chimney::script {

// The value of a name; none if nobody knows it.
using Lookup = std::function<std::optional<int64_t>(std::string_view)>;

// nullopt and a message in `error` if the text is no expression.
std::optional<int64_t> Evaluate(std::string_view text, const Lookup& lookup,
                                std::string* error);

// The names in `text` with their values, for a message: "a = 1, b = 2".
std::string NamedValues(std::string_view text, const Lookup& lookup);

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_EXPRESSION_H_
