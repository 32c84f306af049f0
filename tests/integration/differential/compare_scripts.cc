// SPDX-License-Identifier: BSD-3-Clause
#include "tests/integration/differential/compare_scripts.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/integration/differential/applicable.h"
#include "tests/integration/differential/kernel_target.h"
#include "tests/script/parse_script.h"
#include "tests/script/run_script.h"
#include "tests/script/script_files.h"

namespace chimney::differential {
namespace {

constexpr size_t kThreads = 24;
constexpr int kAttempts = 3;

const script::Origins& OriginsOfKernels() {
  static const script::Origins kOrigins = {"somewhere", 0x1d2c3b4a, 0x5a6b7c8d,
                                           0x01020304, 0x0a0b0c0d};
  return kOrigins;
}

Comparison Ask(const script::Script& script, int expected_line) {
  Comparison comparison;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    KernelTarget target;
    const script::RunResult result =
        RunScript(script, OriginsOfKernels(), &target);
    comparison.line = result.line;
    comparison.difference = result.failure;
    for (const std::string& line : result.trace) {
      comparison.difference += "\n    " + line;
    }
    if (result.failure.empty()) comparison.difference.clear();
    if (comparison.line == expected_line) break;
  }
  return comparison;
}

Comparison CompareScript(const std::string& path, int expected_line,
                         int most_seconds) {
  Comparison comparison;
  std::string error;
  const std::optional<std::string> text = script::ReadFile(path);
  const std::optional<script::Script> script =
      script::ParseScript(path, text.value_or(""), &error);
  if (!script) {
    comparison.line = 1;
    comparison.difference = error;
    return comparison;
  }
  comparison.not_asked = NotForKernels(*script);
  if (comparison.not_asked.empty() &&
      RunningTime(*script) > Duration::Seconds(most_seconds)) {
    comparison.too_long = true;
    comparison.not_asked =
        "takes longer than " + std::to_string(most_seconds) + " s";
  }
  if (!comparison.not_asked.empty()) return comparison;
  return Ask(AsAskedOfKernels(*script), expected_line);
}

}  // namespace

std::map<std::string, Comparison> CompareScripts(
    const std::string& folder, const std::vector<std::string>& paths,
    const DifferenceTable& known, int most_seconds) {
  std::map<std::string, Comparison> comparisons;
  std::mutex mutex;  // of `comparisons`
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) {
      const auto found = known.find(paths[i]);
      const int line = found == known.end() ? 0 : found->second.line;
      const Comparison comparison =
          CompareScript(folder + "/" + paths[i], line, most_seconds);
      const std::lock_guard lock(mutex);
      comparisons[paths[i]] = comparison;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(kThreads, paths.size()); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) thread.join();
  return comparisons;
}

}  // namespace chimney::differential
