// SPDX-License-Identifier: BSD-3-Clause
// The command lines of chimney-nc and chimneyctl (design section 5).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hostapi/tools/ctl_options.h"
#include "hostapi/tools/nc_options.h"

namespace chimney::tools {
namespace {

// argv as main gets it.
class Arguments {
 public:
  explicit Arguments(std::vector<std::string> words)
      : words_(std::move(words)) {
    words_.insert(words_.begin(), "program");
    for (std::string& word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  int argc() const { return static_cast<int>(words_.size()); }
  char** argv() { return pointers_.data(); }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

struct ParsedNc {
  ParseVerdict verdict;
  NcOptions options;
  std::string error;
};
ParsedNc Nc(std::vector<std::string> words) {
  Arguments arguments(std::move(words));
  ParsedNc parsed;
  parsed.verdict = ParseNcOptions(arguments.argc(), arguments.argv(),
                                  &parsed.options, &parsed.error);
  return parsed;
}

TEST(NcOptions, HostAndPortAreEnough) {
  const ParsedNc parsed = Nc({"10.77.0.2", "9000"});
  ASSERT_EQ(parsed.verdict, ParseVerdict::kRun);
  EXPECT_EQ(parsed.options.host, "10.77.0.2");
  EXPECT_EQ(parsed.options.port, "9000");
  EXPECT_FALSE(parsed.options.listen);
  EXPECT_EQ(parsed.options.offload, OffloadMode::kIfPossible);
  EXPECT_EQ(parsed.options.cycle_ms, 0u);
}

TEST(NcOptions, OptionsMayStandAnywhere) {
  const ParsedNc parsed =
      Nc({"--socket", "/run/x", "-l", "fd77::1", "80", "--offload=start",
          "--cycle", "20", "--stats=s.json"});
  ASSERT_EQ(parsed.verdict, ParseVerdict::kRun);
  EXPECT_EQ(parsed.options.socket_path, "/run/x");
  EXPECT_TRUE(parsed.options.listen);
  EXPECT_EQ(parsed.options.host, "fd77::1");
  EXPECT_EQ(parsed.options.offload, OffloadMode::kStart);
  EXPECT_EQ(parsed.options.cycle_ms, 20u);
  EXPECT_EQ(parsed.options.stats_path, "s.json");
}

TEST(NcOptions, WhatIsWrongIsSaid) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "HOST and PORT"},
      {{"host"}, "HOST and PORT"},
      {{"a", "b", "c"}, "HOST and PORT"},
      {{"a", "0"}, "PORT"},
      {{"a", "99999"}, "PORT"},
      {{"a", "99999999999999999999999"}, "PORT"},
      {{"a", ""}, "PORT"},
      {{"a", "b", "--cycle", "0"}, "--cycle"},
      {{"a", "b", "--cycle", "-5"}, "--cycle"},
      {{"a", "b", "--cycle", "20ms"}, "--cycle"},
      {{"a", "b", "--cycle", "99999999999"}, "--cycle"},
      {{"a", "b", "--offload=often"}, "--offload"},
      {{"a", "b", "--nonsense"}, "--nonsense"},
      {{"a", "b", "--stats"}, "needs a value"},
      {{"a", "b", "--offload=never", "--cycle", "5"}, "contradict"},
  };
  for (const auto& [words, text] : cases) {
    const ParsedNc parsed = Nc(words);
    EXPECT_EQ(parsed.verdict, ParseVerdict::kError);
    EXPECT_NE(parsed.error.find(text), std::string::npos) << parsed.error;
  }
  EXPECT_EQ(Nc({"--help"}).verdict, ParseVerdict::kHelp);
}

struct ParsedCtl {
  bool good;
  CtlOptions options;
  std::string error;
};
ParsedCtl Ctl(std::vector<std::string> words) {
  Arguments arguments(std::move(words));
  ParsedCtl parsed;
  parsed.good = ParseCtlOptions(arguments.argc(), arguments.argv(),
                                &parsed.options, &parsed.error);
  return parsed;
}

TEST(CtlOptions, EveryCommandOfTheContract) {
  const std::pair<const char*, CtlCommand> commands[] = {
      {"status", CtlCommand::kStatus},
      {"connections", CtlCommand::kConnections},
      {"stats", CtlCommand::kStats},
      {"upload-all", CtlCommand::kUploadAll},
      {"resume", CtlCommand::kResume},
      {"pause", CtlCommand::kPause},
  };
  for (const auto& [name, command] : commands) {
    const ParsedCtl parsed = Ctl({"--socket", "/s", name, "--json"});
    ASSERT_TRUE(parsed.good) << parsed.error;
    EXPECT_EQ(parsed.options.command, command);
    EXPECT_EQ(parsed.options.socket_path, "/s");
    EXPECT_TRUE(parsed.options.json);
  }
  const ParsedCtl terminate = Ctl({"terminate", "17"});
  ASSERT_TRUE(terminate.good);
  EXPECT_EQ(terminate.options.id, 17u);
}

TEST(CtlOptions, WhatIsWrongIsSaid) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "a command is needed"},
      {{"frobnicate"}, "unknown command"},
      {{"terminate"}, "needs the id"},
      {{"terminate", "x7"}, "no connection id"},
      {{"terminate", "7", "8"}, "too much"},
      {{"status", "now"}, "too much"},
      {{"--socket"}, "needs a value"},
      {{"--quiet", "status"}, "unknown option"},
  };
  for (const auto& [words, text] : cases) {
    const ParsedCtl parsed = Ctl(words);
    EXPECT_FALSE(parsed.good);
    EXPECT_NE(parsed.error.find(text), std::string::npos) << parsed.error;
  }
}

}  // namespace
}  // namespace chimney::tools
