// SPDX-License-Identifier: BSD-3-Clause
// What the tools print: chimney-nc's statistics, chimneyctl's tables.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hostapi/tools/json_table.h"
#include "hostapi/tools/json_value.h"
#include "hostapi/tools/nc_stats.h"

namespace chimney::tools {
namespace {

TEST(NcStats, PercentilesAreNearestRank) {
  std::vector<uint32_t> samples;
  for (uint32_t i = 1; i <= 200; ++i) samples.push_back(i * 1000);
  EXPECT_EQ(PercentilesJson(samples),
            R"({"p50":100.0,"p99":198.0,"max":200.0})");
  EXPECT_EQ(PercentilesJson({1550}), R"({"p50":1.5,"p99":1.5,"max":1.5})");
  EXPECT_EQ(PercentilesJson({}), R"({"p50":0.0,"p99":0.0,"max":0.0})");
}

TEST(NcStats, JsonHasEveryMemberOfTheContract) {
  NcStats stats;
  stats.bytes_in = 1;
  stats.bytes_out = 2;
  stats.offload_ns = {42000, 43000};
  stats.upload_ns = {7000};
  const auto value = ParseJson(StatsJson(stats));
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->Find("bytes_in")->text, "1");
  EXPECT_EQ(value->Find("bytes_out")->text, "2");
  EXPECT_EQ(value->Find("offloads")->text, "2");
  EXPECT_EQ(value->Find("uploads")->text, "1");
  EXPECT_EQ(value->Find("offload_us")->Find("max")->text, "43.0");
  EXPECT_EQ(value->Find("upload_us")->Find("p50")->text, "7.0");
}

TEST(JsonValue, ReadsWhatRfc8259Allows) {
  const auto value =
      ParseJson(R"( {"a" : [1, -2.5e3, true, null], "b":"x\n\u00e4\"" } )");
  ASSERT_TRUE(value.has_value());
  ASSERT_EQ(value->Find("a")->items.size(), 4u);
  EXPECT_EQ(value->Find("a")->items[1].text, "-2.5e3");
  EXPECT_EQ(value->Find("b")->text, "x\n\xc3\xa4\"");
  EXPECT_EQ(value->Find("c"), nullptr);
}

TEST(JsonValue, RefusesEverythingElse) {
  const char* cases[] = {"",        "{",       "[1,",   "{\"a\"}",
                         "\"open",  "{} {}",   "[1 2]", "{\"a\":}",
                         "\"\\x\"", "\"\\u12", "{a:1}", "\"\\u12g4\""};
  for (const char* text : cases) {
    EXPECT_FALSE(ParseJson(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseJson(std::string(10000, '[')).has_value());
}

std::string Render(const char* json, bool hide_zeros = false) {
  const auto value = ParseJson(json);
  EXPECT_TRUE(value.has_value());
  return RenderForPeople(*value, TableOptions{hide_zeros});
}

TEST(JsonTable, ScalarsAreLines) {
  EXPECT_EQ(Render(R"({"version":"1.0","paused":false})"),
            "  version 1.0\n"
            "  paused  false\n");
}

TEST(JsonTable, ArraysOfObjectsAreTables) {
  EXPECT_EQ(Render(R"({"connections":[
                {"id":7,"local":"10.0.0.1","local_port":80,"state":"CLOSED"},
                {"id":12,"local":"fd77::1","local_port":9,"state":"X"}]})"),
            "connections:\n"
            "  id local       state\n"
            "   7 10.0.0.1:80 CLOSED\n"
            "  12 [fd77::1]:9 X\n");
  EXPECT_EQ(Render(R"({"connections":[]})"), "connections: none\n");
}

TEST(JsonTable, ObjectsOfObjectsHaveNamedRows) {
  EXPECT_EQ(Render(R"({"steps":{"freeze":{"p50_ns":5,"max_ns":9},
                                "thaw":{"p50_ns":10,"max_ns":11}}})"),
            "steps:\n"
            "         p50_ns max_ns\n"
            "  freeze      5      9\n"
            "  thaw       10     11\n");
}

TEST(JsonTable, ManyCountersStandUprightWithoutZeros) {
  std::string json = R"({"workers":[{"index":0)";
  for (int i = 0; i < 20; ++i) {
    json += ",\"c" + std::to_string(i) + "\":" + (i == 3 ? "5" : "0");
  }
  json += "}]}";
  EXPECT_EQ(Render(json.c_str(), true),
            "workers:\n"
            "  index 0\n"
            "  c3    5\n"
            "  (19 more are 0; --all shows them)\n");
}

}  // namespace
}  // namespace chimney::tools
