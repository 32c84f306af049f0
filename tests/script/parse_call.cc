// SPDX-License-Identifier: BSD-3-Clause
// Calls, assertions and verbs of a script.
#include <string>

#include "tests/script/expression.h"
#include "tests/script/parse_script.h"

namespace chimney::script {
namespace {

constexpr size_t kMaxArguments = 8;
constexpr int64_t kMaxNanos = INT64_MAX / 2;

struct VerbForm {
  std::string_view name;
  // Keys with a whole number, and keys with seconds, kept in nanoseconds.
  std::string_view numbers;
  std::string_view seconds;
};

constexpr VerbForm kVerbs[] = {
    {"established",
     " mss win peer_wscale own_wscale sack ts_val ts_ecr rcvbuf cwnd ssthresh"
     " dup_acks probe_count keepalive_probes ",
     " rtt rttvar retransmit_in keepalive_in ts_age "},
    {"terminate", "", ""},
    {"offload", "", ""},
    {"update", " mtu rcvbuf ", ""},
};

bool Lists(std::string_view keys, const std::string& key) {
  return keys.find(" " + key + " ") != std::string_view::npos;
}

const VerbForm* FindVerb(std::string_view name) {
  for (const VerbForm& form : kVerbs) {
    if (form.name == name) return &form;
  }
  return nullptr;
}

// The largest number that means something.
int64_t MostOf(const std::string& key) {
  if (key == "mss") return UINT16_MAX;
  if (Lists(" peer_wscale own_wscale ", key)) return 14;  // RFC 7323, 2.3
  if (Lists(" dup_acks probe_count keepalive_probes ", key)) return UINT8_MAX;
  return UINT32_MAX;
}

// {onoff=1, linger=0} or [1, 2]
bool ParseList(Scanner* scanner, std::string_view close, Argument* argument) {
  argument->kind = Argument::Kind::kList;
  while (!scanner->Accept(close)) {
    if (!scanner->Word().empty() && !scanner->Expect("=")) return false;
    const auto number = scanner->Number(INT32_MIN, UINT32_MAX);
    if (!number) return false;
    argument->list.push_back(*number);
    if (!scanner->Accept(",") && !scanner->LooksAt(close)) {
      return scanner->Expect(close);
    }
  }
  return true;
}

bool ParseArgument(Scanner* scanner, Argument* argument) {
  if (scanner->Accept("...")) return true;
  if (scanner->Accept("[")) return ParseList(scanner, "]", argument);
  if (scanner->Accept("{")) return ParseList(scanner, "}", argument);
  if (scanner->Accept("\"")) {
    argument->kind = Argument::Kind::kText;
    const std::optional<std::string> text = scanner->Until("\"");
    if (text) argument->symbol = *text;
    return text.has_value();
  }
  const std::string word = scanner->Word();
  if (word.empty()) {
    argument->kind = Argument::Kind::kNumber;
    const auto number = scanner->Number(INT32_MIN, UINT32_MAX);
    if (number) argument->number = *number;
    return number.has_value();
  }
  argument->kind = Argument::Kind::kSymbol;
  argument->symbol = word;
  while (scanner->Accept("|")) argument->symbol += "|" + scanner->Word();
  return true;
}

bool ParseResult(Scanner* scanner, Call* call) {
  if (!scanner->Expect("=")) return false;
  if (scanner->Accept("?")) return true;
  call->result = scanner->Number(INT32_MIN, UINT32_MAX);
  if (!call->result) return false;
  const std::string word = scanner->PeekWord();
  if (word.size() > 1 && word[0] == 'E') call->error = scanner->Word();
  if (scanner->Accept("(")) return scanner->Until(")").has_value();
  return true;
}

// Everything of a line but blanks around it.
std::string Trimmed(const std::string& text) {
  const char* const kBlank = " \t\r";
  const size_t from = text.find_first_not_of(kBlank);
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

// `assert CONDITION, MESSAGE`: the message is for people.
bool ParseOneAssertion(Scanner* scanner, const std::string& line,
                       Assertion* assertion) {
  const std::string_view kWord = "assert ";
  if (line.rfind(kWord, 0) != 0) {
    return scanner->Fault("only assert is known here, not \"" + line + "\"");
  }
  const size_t comma = line.find(',');
  const std::string condition = line.substr(
      kWord.size(), comma == std::string::npos ? comma : comma - kWord.size());
  std::string error;
  const auto anything = [](std::string_view) -> std::optional<int64_t> {
    return 1;
  };
  if (!Evaluate(condition, anything, &error)) return scanner->Fault(error);
  assertion->expressions.push_back(Trimmed(condition));
  return true;
}

}  // namespace

bool IsVerb(std::string_view name) { return FindVerb(name) != nullptr; }

bool ParseVerb(Scanner* scanner, const std::string& name, Verb* verb) {
  const VerbForm* form = FindVerb(name);
  verb->name = name;
  while (true) {
    const std::string key = scanner->Word();
    if (key.empty()) return !scanner->failed();
    std::optional<int64_t> value;
    if (Lists(form->numbers, key)) {
      value = scanner->Number(0, MostOf(key));
    } else if (Lists(form->seconds, key)) {
      const std::optional<Duration> seconds = scanner->Seconds();
      if (seconds) value = std::min(seconds->nanos(), kMaxNanos);
    } else {
      return scanner->Fault("\"" + name + "\" has no \"" + key + "\"");
    }
    if (!value) return false;
    if (!verb->numbers.emplace(key, *value).second) {
      return scanner->Fault("\"" + key + "\" is given twice");
    }
  }
}

bool ParseCall(Scanner* scanner, const std::string& name, Call* call) {
  call->name = name;
  if (!scanner->Expect("(")) return false;
  while (!scanner->Accept(")")) {
    if (call->arguments.size() == kMaxArguments) {
      return scanner->Fault("more arguments than any call takes");
    }
    call->arguments.emplace_back();
    if (!ParseArgument(scanner, &call->arguments.back())) return false;
    if (!scanner->Accept(",") && !scanner->LooksAt(")")) {
      return scanner->Expect(")");
    }
  }
  return ParseResult(scanner, call);
}

bool ParseAssertion(Scanner* scanner, Assertion* assertion) {
  const std::optional<std::string> code = scanner->Until("}%");
  if (!code) return false;
  size_t from = 0;
  while (from <= code->size()) {
    const size_t end = std::min(code->find_first_of(";\n", from), code->size());
    const std::string line = Trimmed(code->substr(from, end - from));
    if (!line.empty() && !ParseOneAssertion(scanner, line, assertion)) {
      return false;
    }
    from = end + 1;
  }
  if (!assertion->expressions.empty()) return true;
  return scanner->Fault("nothing is asserted");
}

}  // namespace chimney::script
