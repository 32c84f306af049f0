// SPDX-License-Identifier: BSD-3-Clause
// The engine under the script of a file.
#include "tests/script/script_files.h"

#include "tests/script/engine_target.h"
#include "tests/script/parse_script.h"
#include "tests/script/run_script.h"

namespace chimney::script {
namespace {

// Of what happened before a failure, as many lines are shown.
constexpr size_t kTraceLines = 12;

std::string Explain(const RunResult& result, const std::string& origins) {
  std::string text = result.failure + "\n  (numbers begin " + origins + ")";
  if (result.trace.empty()) return text;
  text += "\n  segments up to there:";
  const size_t count = result.trace.size();
  const size_t from = count > kTraceLines ? count - kTraceLines : 0;
  for (size_t i = from; i < count; ++i) text += "\n    " + result.trace[i];
  return text;
}

}  // namespace

const std::vector<Origins>& AllOrigins() {
  static const std::vector<Origins> kOrigins = {
      {"anywhere", 0x1d2c3b4a, 0x5a6b7c8d, 0x01020304, 0x0a0b0c0d},
      {"just below 2^32", 0xfffffc00, 0xfffffe00, 0xffffff00, 0xffffff80},
      {"just below 2^31", 0x7ffffe00, 0x7ffffc00, 0x7fffff00, 0x7fffff80},
  };
  return kOrigins;
}

std::string RunScriptFile(const std::string& path) {
  const std::optional<std::string> text = ReadFile(path);
  if (!text) return path + ": cannot be read";
  std::string error;
  const std::optional<Script> script = ParseScript(path, *text, &error);
  if (!script) return error;
  for (const Origins& origins : AllOrigins()) {
    EngineTarget target;
    const RunResult result = RunScript(*script, origins, &target);
    if (!result.failure.empty()) return Explain(result, origins.name);
  }
  return "";
}

}  // namespace chimney::script
