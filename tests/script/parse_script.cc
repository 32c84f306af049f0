// SPDX-License-Identifier: BSD-3-Clause
// Options, timings, and which kind of statement follows.
#include "tests/script/parse_script.h"

namespace chimney::script {
namespace {

constexpr std::string_view kOptionNames[] = {
    "tolerance_usecs",
    "ip_version",
    "mtu",
    "profile",
    "isn",
    "peer_isn",
    "congestion_control",
    "quick_ack_segments",
    "max_retransmissions",
    "rack",
    "tail_loss_probe",
    "f_rto",
    "hystart",
};

bool ParseOption(Scanner* scanner, Script* script) {
  const std::string name = scanner->Word();
  bool known = false;
  for (const std::string_view option : kOptionNames) known |= option == name;
  if (!known) return scanner->Fault("unknown option --" + name);
  if (!scanner->Expect("=")) return false;
  const std::string value = scanner->RestOfLine();
  if (value.empty()) return scanner->Fault("--" + name + " needs a value");
  if (!script->options.emplace(name, value).second) {
    return scanner->Fault("--" + name + " is given twice");
  }
  return true;
}

// The second time of a pair is relative if the first is.
bool ParseSecondTime(Scanner* scanner, const Timing& timing,
                     std::optional<Duration>* out) {
  const bool relative = timing.kind == Timing::Kind::kRelative;
  if (scanner->Accept("+") && !relative) {
    return scanner->Fault("both times must be relative, or none");
  }
  const std::optional<Duration> seconds = scanner->Seconds();
  if (!seconds) return false;
  if (*seconds < timing.at) return scanner->Fault("the second time is earlier");
  *out = seconds;
  return true;
}

bool ParseTiming(Scanner* scanner, Timing* timing) {
  if (scanner->Accept("*")) {
    timing->kind = Timing::Kind::kAny;
    return true;
  }
  if (scanner->Accept("+")) timing->kind = Timing::Kind::kRelative;
  const std::optional<Duration> seconds = scanner->Seconds();
  if (!seconds) return false;
  timing->at = *seconds;
  if (scanner->Accept("~")) {
    return ParseSecondTime(scanner, *timing, &timing->latest);
  }
  if (scanner->Accept("...")) {
    return ParseSecondTime(scanner, *timing, &timing->returns);
  }
  return true;
}

bool ParseNamed(Scanner* scanner, Statement* statement) {
  const std::string name = scanner->Word();
  if (name.empty()) {
    return scanner->Fault("expected a segment, a call, a verb or %{ before " +
                          scanner->Glimpse());
  }
  if (IsVerb(name)) {
    Verb verb;
    if (!ParseVerb(scanner, name, &verb)) return false;
    statement->action = verb;
    return true;
  }
  if (!scanner->LooksAt("(")) {
    return scanner->Fault("unknown statement \"" + name + "\"");
  }
  Call call;
  if (!ParseCall(scanner, name, &call)) return false;
  statement->action = call;
  return true;
}

bool ParseAction(Scanner* scanner, Statement* statement) {
  if (scanner->Accept("<")) {
    Arrival arrival;
    if (!ParseSegment(scanner, Direction::kIn, &arrival.segment)) return false;
    statement->action = arrival;
    return true;
  }
  if (scanner->Accept(">")) {
    Expectation expected;
    if (!ParseSegment(scanner, Direction::kOut, &expected.segment)) {
      return false;
    }
    statement->action = expected;
    return true;
  }
  if (scanner->Accept("%{")) {
    Assertion assertion;
    if (!ParseAssertion(scanner, &assertion)) return false;
    statement->action = assertion;
    return true;
  }
  if (scanner->LooksAt("`")) {
    return scanner->Fault("a shell command amid the script");
  }
  return ParseNamed(scanner, statement);
}

bool CheckTiming(Scanner* scanner, const Statement& statement) {
  const Timing& timing = statement.timing;
  const bool expects = std::holds_alternative<Expectation>(statement.action);
  if (timing.returns && !std::holds_alternative<Call>(statement.action)) {
    return scanner->Fault("only a call can take time (...)");
  }
  const bool vague = timing.kind == Timing::Kind::kAny || timing.latest;
  if (vague && !expects) {
    return scanner->Fault("only an expected segment may have a vague time");
  }
  return true;
}

bool ParseStatements(Scanner* scanner, Script* script) {
  while (!scanner->failed() && !scanner->AtEnd()) {
    if (script->statements.empty() && scanner->Accept("--")) {
      if (!ParseOption(scanner, script)) return false;
      continue;
    }
    if (script->statements.empty() && scanner->Accept("`")) {
      if (!ParseCommand(scanner, script)) return false;
      continue;
    }
    Statement statement;
    statement.line = scanner->line();
    const char next = scanner->Peek();
    const bool time = next == '+' || next == '*' || next == '.' ||
                      (next >= '0' && next <= '9');
    if (!time) {
      return scanner->Fault("expected a time before " + scanner->Glimpse());
    }
    if (!ParseTiming(scanner, &statement.timing)) return false;
    if (!ParseAction(scanner, &statement)) return false;
    if (!CheckTiming(scanner, statement)) return false;
    script->statements.push_back(std::move(statement));
  }
  return !scanner->failed();
}

}  // namespace

std::optional<Script> ParseScript(const std::string& path,
                                  std::string_view text, std::string* error) {
  Scanner scanner(text);
  Script script;
  script.path = path;
  if (ParseStatements(&scanner, &script)) {
    if (!script.statements.empty()) return script;
    scanner.Fault("no statement");
  }
  *error = path + ":" + std::to_string(scanner.fault_line()) + ": " +
           scanner.message();
  return std::nullopt;
}

}  // namespace chimney::script
