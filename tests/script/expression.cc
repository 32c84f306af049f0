// SPDX-License-Identifier: BSD-3-Clause
// Recursive descent, evaluating as it goes.
#include "tests/script/expression.h"

#include <set>

#include "tests/script/scanner.h"

namespace chimney::script {
namespace {

constexpr int kMaxDepth = 50;

class Evaluator {
 public:
  Evaluator(std::string_view text, const Lookup& lookup)
      : scanner_(text), lookup_(lookup) {}

  std::optional<int64_t> Run(std::string* error) {
    const int64_t value = Or();
    if (!scanner_.failed() && !scanner_.AtEnd()) {
      scanner_.Fault("did not expect " + scanner_.Glimpse());
    }
    if (!scanner_.failed()) return value;
    *error = scanner_.message();
    return std::nullopt;
  }

 private:
  bool AcceptWord(std::string_view word) {
    if (scanner_.failed() || scanner_.PeekWord() != word) return false;
    scanner_.Word();
    return true;
  }

  int64_t Or() {
    int64_t value = And();
    while (AcceptWord("or")) {
      const int64_t other = And();
      value = (value != 0 || other != 0) ? 1 : 0;
    }
    return value;
  }

  int64_t And() {
    int64_t value = Not();
    while (AcceptWord("and")) {
      const int64_t other = Not();
      value = (value != 0 && other != 0) ? 1 : 0;
    }
    return value;
  }

  int64_t Not() {
    if (!AcceptWord("not")) return Comparison();
    if (!Descend()) return 0;
    const int64_t value = Not() == 0 ? 1 : 0;
    --depth_;
    return value;
  }

  int64_t Comparison() {
    int64_t left = Sum();
    bool compared = false;
    bool holds = true;
    while (!scanner_.failed()) {
      const std::string_view op = Operator();
      if (op.empty()) break;
      const int64_t right = Sum();
      compared = true;
      holds = holds && Holds(left, op, right);
      left = right;
    }
    if (!compared) return left;
    return holds ? 1 : 0;
  }

  std::string_view Operator() {
    for (const std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (scanner_.Accept(op)) return op;
    }
    return "";
  }

  static bool Holds(int64_t left, std::string_view op, int64_t right) {
    if (op == "==") return left == right;
    if (op == "!=") return left != right;
    if (op == "<=") return left <= right;
    if (op == ">=") return left >= right;
    return op == "<" ? left < right : left > right;
  }

  // Wrapping, so that no text makes the arithmetic undefined.
  static int64_t Wrapped(uint64_t value) { return static_cast<int64_t>(value); }

  int64_t Sum() {
    int64_t value = Product();
    while (!scanner_.failed()) {
      const bool plus = scanner_.Accept("+");
      if (!plus && !scanner_.Accept("-")) break;
      const auto a = static_cast<uint64_t>(value);
      const auto b = static_cast<uint64_t>(Product());
      value = Wrapped(plus ? a + b : a - b);
    }
    return value;
  }

  int64_t Product() {
    int64_t value = Atom();
    while (!scanner_.failed()) {
      if (scanner_.Accept("*")) {
        value = Wrapped(static_cast<uint64_t>(value) *
                        static_cast<uint64_t>(Atom()));
        continue;
      }
      const bool divide = scanner_.Accept("/");
      if (!divide && !scanner_.Accept("%")) break;
      const int64_t by = Atom();
      if (by == 0 || by == -1) {
        scanner_.Fault("division by " + std::to_string(by));
        return 0;
      }
      value = divide ? value / by : value % by;
    }
    return value;
  }

  int64_t Atom() {
    if (scanner_.Accept("(")) {
      if (!Descend()) return 0;
      const int64_t value = Or();
      --depth_;
      scanner_.Expect(")");
      return value;
    }
    const std::string name = scanner_.Word();
    if (name.empty()) {
      return scanner_.Number(INT64_MIN / 16, INT64_MAX / 16).value_or(0);
    }
    const std::optional<int64_t> value = lookup_(name);
    if (!value) scanner_.Fault("nobody knows \"" + name + "\"");
    return value.value_or(0);
  }

  bool Descend() {
    if (++depth_ <= kMaxDepth) return true;
    return scanner_.Fault("too many parentheses");
  }

  Scanner scanner_;
  const Lookup& lookup_;
  int depth_ = 0;
};

}  // namespace

std::optional<int64_t> Evaluate(std::string_view text, const Lookup& lookup,
                                std::string* error) {
  return Evaluator(text, lookup).Run(error);
}

std::string NamedValues(std::string_view text, const Lookup& lookup) {
  std::set<std::string, std::less<>> seen;
  std::string values;
  std::string ignored;
  const Lookup noting = [&](std::string_view name) {
    const std::optional<int64_t> value = lookup(name);
    if (value && seen.insert(std::string(name)).second) {
      if (!values.empty()) values += ", ";
      values += std::string(name) + " = " + std::to_string(*value);
    }
    return value;
  };
  Evaluate(text, noting, &ignored);
  return values;
}

}  // namespace chimney::script
