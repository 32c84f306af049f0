// SPDX-License-Identifier: BSD-3-Clause
#include "tests/integration/differential/applicable.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>

#include "tests/integration/differential/kernel_target.h"
#include "tests/script/expression.h"

namespace chimney::differential {
namespace {

using script::Script;
using script::Statement;
using script::Timing;
using script::Verb;

// What TCP_REPAIR does not set, and no metric of a route either.
constexpr std::string_view kNotRestorable[] = {
    "dup_acks",      "keepalive_in", "keepalive_probes", "probe_count",
    "retransmit_in", "rttvar",       "ts_age",
};

std::string VerbNotForKernels(const Verb& verb) {
  if (verb.name == "terminate" || verb.name == "offload") {
    return "is handed over";
  }
  if (verb.name == "update") return "the host tells the connection something";
  for (const std::string_view name : kNotRestorable) {
    if (verb.Has(name)) {
      return "begins in a state that TCP_REPAIR cannot set (" +
             std::string(name) + ")";
    }
  }
  return "";
}

bool IsSeen(const std::string& expression) {
  bool seen = true;
  script::NamedValues(expression,
                      [&seen](std::string_view name) -> std::optional<int64_t> {
                        seen = seen && KernelTarget::HasInfo(name);
                        return 0;
                      });
  return seen;
}

}  // namespace

std::string NotForKernels(const Script& script) {
  const auto profile = script.options.find("profile");
  if (profile != script.options.end() && profile->second == "chimney") {
    return "is about --profile=chimney";
  }
  if (script.options.contains("hystart")) {
    return "needs --hystart=0, which all namespaces share";
  }
  if (script.options.contains("rack")) {
    return "needs --rack=0, which kernels from 6.17 on do not have";
  }
  for (const Statement& statement : script.statements) {
    if (const auto* verb = std::get_if<Verb>(&statement.action)) {
      std::string reason = VerbNotForKernels(*verb);
      if (!reason.empty()) return reason;
    }
  }
  return "";
}

Duration RunningTime(const Script& script) {
  Duration end;
  for (const Statement& statement : script.statements) {
    const Timing& timing = statement.timing;
    if (timing.kind == Timing::Kind::kAny) continue;
    const bool relative = timing.kind == Timing::Kind::kRelative;
    end = relative ? end + timing.at : std::max(end, timing.at);
  }
  return end;
}

Script AsAskedOfKernels(Script script) {
  for (Statement& statement : script.statements) {
    if (auto* expected = std::get_if<script::Expectation>(&statement.action)) {
      expected->segment.flags &= static_cast<uint8_t>(~testing::kPsh);
    }
    auto* assertion = std::get_if<script::Assertion>(&statement.action);
    if (assertion == nullptr) continue;
    std::erase_if(assertion->expressions,
                  [](const std::string& e) { return !IsSeen(e); });
  }
  return script;
}

}  // namespace chimney::differential
