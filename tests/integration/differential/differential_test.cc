// SPDX-License-Identifier: BSD-3-Clause
// The scripts of tests/script, which the engine keeps to, asked of this
// machine's kernel: whatever it does otherwise is in differences.txt with the
// reason, and nothing else is.
//   integration_differential --gtest_filter='*sack*'
//   CHIMNEY_DIFFERENTIAL_SECONDS=400 integration_differential   # long ones too
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/differential/compare_scripts.h"
#include "tests/integration/differential/difference_table.h"
#include "tests/integration/differential/tun_namespace.h"
#include "tests/script/script_files.h"

namespace chimney::differential {
namespace {

constexpr int kMostSeconds = 21;

int MostSeconds() {
  const char* value = std::getenv("CHIMNEY_DIFFERENTIAL_SECONDS");
  return value == nullptr ? kMostSeconds : std::atoi(value);
}

DifferenceTable Known(std::string* fault) {
  const auto text = script::ReadFile(DIFFERENCES_FILE);
  if (!text) *fault = "there is no differences.txt";
  return ParseDifferences(text.value_or(""), fault);
}

std::string CaseName(const std::string& path) {
  std::string name = path.substr(0, path.rfind(".pkt"));
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

class DifferentialTest : public ::testing::TestWithParam<std::string> {
 protected:
  // All scripts that were chosen, before the first test case.
  static void SetUpTestSuite() {
    if (!CanMakeNamespaces(&why_not_)) return;
    std::string fault;
    known_ = Known(&fault);
    std::vector<std::string> chosen;
    const ::testing::TestSuite& suite =
        *::testing::UnitTest::GetInstance()->current_test_suite();
    std::map<std::string, bool> should_run;
    for (int i = 0; i < suite.total_test_count(); ++i) {
      const ::testing::TestInfo& info = *suite.GetTestInfo(i);
      const std::string name = info.name();
      should_run[name.substr(name.find('/') + 1)] = info.should_run();
    }
    for (const std::string& path : script::FindScripts(SCRIPT_FOLDER)) {
      if (should_run[CaseName(path)]) chosen.push_back(path);
    }
    comparisons_ = CompareScripts(SCRIPT_FOLDER, chosen, known_, MostSeconds());
  }

  static void TearDownTestSuite() {
    size_t asked = 0;
    size_t equal = 0;
    std::map<std::string, size_t> not_asked;
    for (const auto& [path, comparison] : comparisons_) {
      if (!comparison.not_asked.empty()) {
        ++not_asked[comparison.not_asked];
        continue;
      }
      ++asked;
      if (comparison.line == 0) ++equal;
    }
    std::cout << asked << " scripts asked of the kernel: it does the same in "
              << equal << ", something else in " << asked - equal << "\n";
    for (const auto& [reason, count] : not_asked) {
      std::cout << count << " not asked: " << reason << "\n";
    }
  }

  static std::string why_not_;
  static DifferenceTable known_;
  static std::map<std::string, Comparison> comparisons_;
};

std::string DifferentialTest::why_not_;
DifferenceTable DifferentialTest::known_;
std::map<std::string, Comparison> DifferentialTest::comparisons_;

// D11: behind a hand-over a connection meets the behaviour it had before.
TEST_P(DifferentialTest, KernelDoesTheSame) {
  if (!why_not_.empty()) GTEST_SKIP() << why_not_;
  const Comparison& comparison = comparisons_[GetParam()];
  const auto known = known_.find(GetParam());
  if (!comparison.not_asked.empty()) {
    const bool listed = known != known_.end() && !comparison.too_long;
    EXPECT_FALSE(listed) << "in differences.txt, but " << comparison.not_asked;
    return;
  }
  if (known == known_.end()) {
    EXPECT_EQ(comparison.line, 0) << "not in differences.txt:\n"
                                  << comparison.difference;
    return;
  }
  EXPECT_EQ(comparison.line, known->second.line)
      << "differences.txt has: " << known->second.kernel << "\nseen: "
      << (comparison.line == 0 ? "no difference" : comparison.difference);
}

std::string NameOf(const ::testing::TestParamInfo<std::string>& script) {
  return CaseName(script.param);
}

INSTANTIATE_TEST_SUITE_P(
    Pkt, DifferentialTest,
    ::testing::ValuesIn(script::FindScripts(SCRIPT_FOLDER)), NameOf);

TEST(DifferencesFile, ExplainsEachOfItsEntries) {
  std::string fault;
  const DifferenceTable known = Known(&fault);
  EXPECT_EQ(fault, "");
  for (const auto& [path, difference] : known) {
    EXPECT_TRUE(script::ReadFile(std::string(SCRIPT_FOLDER) + "/" + path))
        << path << " is no script";
    EXPECT_FALSE(difference.kernel.empty()) << path;
    EXPECT_FALSE(difference.why.empty()) << path;
  }
}

}  // namespace
}  // namespace chimney::differential
