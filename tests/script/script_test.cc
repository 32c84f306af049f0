// SPDX-License-Identifier: BSD-3-Clause
// Every script of this folder is a test case, named after its path:
//   script_test --gtest_filter='*sack_reneging*'
// Or some files, wherever they are, each with its verdict:
//   script_test FILE.pkt...
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/script/script_files.h"

namespace chimney::script {
namespace {

class ScriptTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ScriptTest, IsKept) {
  const std::string failure =
      RunScriptFile(std::string(SCRIPT_FOLDER) + "/" + GetParam());
  EXPECT_TRUE(failure.empty()) << failure;
}

// A script says in its first line which clause or rule it proves.
TEST_P(ScriptTest, CitesItsSource) {
  const auto text = ReadFile(std::string(SCRIPT_FOLDER) + "/" + GetParam());
  ASSERT_TRUE(text.has_value());
  const std::string line = text->substr(0, text->find('\n'));
  const bool rfc = line.rfind("// RFC ", 0) == 0;
  const bool rule = line.rfind("// R", 0) == 0 && line.size() > 4 &&
                    std::isdigit(static_cast<unsigned char>(line[4])) != 0;
  EXPECT_TRUE((rfc || rule) && line.find(": ") != std::string::npos)
      << GetParam() << " begins with: " << line;
}

std::string CaseName(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.rfind(".pkt"));
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Pkt, ScriptTest,
                         ::testing::ValuesIn(FindScripts(SCRIPT_FOLDER)),
                         CaseName);

// A folder that is not found would make no test case, and so no failure.
TEST(ScriptFolder, HoldsAtLeast150Scripts) {
  EXPECT_GE(FindScripts(SCRIPT_FOLDER).size(), 150U);
}

int RunFiles(const std::vector<std::string>& paths) {
  int failed = 0;
  for (const std::string& path : paths) {
    const std::string failure = RunScriptFile(path);
    if (!failure.empty()) ++failed;
    std::printf("%s\n",
                failure.empty() ? (path + ": ok").c_str() : failure.c_str());
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace chimney::script

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::vector<std::string> paths(argv + 1, argv + argc);
  return paths.empty() ? RUN_ALL_TESTS() : chimney::script::RunFiles(paths);
}
