// SPDX-License-Identifier: BSD-3-Clause
// The language: what is understood, and what is said about what is not.
#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "tests/script/expression.h"
#include "tests/script/parse_script.h"

namespace chimney::script {
namespace {

Script Parsed(const std::string& text) {
  std::string error;
  const std::optional<Script> script = ParseScript("x.pkt", text, &error);
  EXPECT_TRUE(script.has_value()) << error;
  return script.value_or(Script{});
}

std::string ErrorOf(const std::string& text) {
  std::string error;
  return ParseScript("x.pkt", text, &error) ? "" : error;
}

SegmentText SegmentOf(const std::string& text) {
  const Script script = Parsed("0 > " + text);
  if (script.statements.empty()) return {};
  return std::get<Expectation>(script.statements[0].action).segment;
}

TEST(ParseTimings, AbsoluteRelativeRangeAnyAndBlocking) {
  const Script script = Parsed(
      "0.100 > . 1:1(0) ack 1\n"
      "+.05 > . 1:1(0) ack 1\n"
      "+0~+.2 > . 1:1(0) ack 1\n"
      "* > . 1:1(0) ack 1\n"
      "0.5...0.75 read(4, ..., 10) = 10\n");
  ASSERT_EQ(script.statements.size(), 5U);
  EXPECT_EQ(script.statements[0].timing.kind, Timing::Kind::kAbsolute);
  EXPECT_EQ(script.statements[0].timing.at, Duration::Millis(100));
  EXPECT_EQ(script.statements[1].timing.kind, Timing::Kind::kRelative);
  EXPECT_EQ(script.statements[1].timing.at, Duration::Millis(50));
  EXPECT_EQ(script.statements[2].timing.latest, Duration::Millis(200));
  EXPECT_EQ(script.statements[3].timing.kind, Timing::Kind::kAny);
  EXPECT_EQ(script.statements[4].timing.returns, Duration::Millis(750));
}

TEST(ParseSegments, EveryPartOfOne) {
  const SegmentText segment = SegmentOf(
      "[ect0] FP.UEW 1:1001(1000) ack 7 win 257 urg 3 "
      "<mss 1460,sackOK,TS val 1 ecr *,nop,wscale 7,sack 1:2 3:4>");
  EXPECT_EQ(segment.ecn, EcnMark::kEct0);
  EXPECT_EQ(segment.flags, 0xf9);
  EXPECT_EQ(segment.start, 1U);
  EXPECT_EQ(segment.payload_bytes, 1000U);
  EXPECT_EQ(segment.ack, 7U);
  EXPECT_EQ(segment.window, 257);
  EXPECT_EQ(segment.urgent_pointer, 3);
  EXPECT_EQ(segment.options.mss, 1460);
  EXPECT_EQ(segment.options.wscale, 7);
  EXPECT_TRUE(segment.options.sack_permitted);
  EXPECT_EQ(segment.options.timestamps->value, 1U);
  EXPECT_FALSE(segment.options.timestamps->echo.has_value());
  ASSERT_EQ(segment.options.sack.size(), 2U);
  EXPECT_EQ(segment.options.sack[1].right, 4U);
}

TEST(ParseSegments, NotationIsReadAgain) {
  const std::string text =
      "P. 4294967295:9(10) ack 7 win 257 <mss 1460,sackOK,TS val 1 ecr 2,"
      "wscale 7,sack 1:2>";
  EXPECT_EQ(Notation(SegmentOf(text)), text);
  EXPECT_EQ(Notation(SegmentOf("- 1:1(0)")), "- 1:1(0)");
  EXPECT_EQ(Notation(SegmentOf("R 1:1(0) <...>")), "R 1:1(0) <...>");
}

TEST(ParseCalls, ArgumentsResultAndNote) {
  const Script script = Parsed(
      "0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n"
      "+0 send(4, ..., 0x10, MSG_MORE|MSG_DONTWAIT) = -1 EPIPE (Broken pipe)\n"
      "+0 close(4) = ?");
  const Call& set = std::get<Call>(script.statements[0].action);
  EXPECT_EQ(set.arguments[3].list, (std::vector<int64_t>{1, 0}));
  const Call& send = std::get<Call>(script.statements[1].action);
  EXPECT_EQ(send.arguments[1].kind, Argument::Kind::kEllipsis);
  EXPECT_EQ(send.arguments[2].number, 16);
  EXPECT_EQ(send.arguments[3].symbol, "MSG_MORE|MSG_DONTWAIT");
  EXPECT_EQ(send.result, -1);
  EXPECT_EQ(send.error, "EPIPE");
  EXPECT_FALSE(std::get<Call>(script.statements[2].action).result.has_value());
}

TEST(ParseScripts, CommentsOptionsAndVerbs) {
  const Script script = Parsed(
      "// first\n--profile=chimney\n/* more\nlines */ --mtu=600\n"
      "0 established mss 1000 rtt .1 // behind\n+1 terminate\n+1 offload\n");
  EXPECT_EQ(script.options.at("profile"), "chimney");
  EXPECT_EQ(script.options.at("mtu"), "600");
  ASSERT_EQ(script.statements.size(), 3U);
  EXPECT_EQ(script.statements[0].line, 5);
  const Verb& verb = std::get<Verb>(script.statements[0].action);
  EXPECT_EQ(verb.Get("mss", 0), 1000);
  EXPECT_EQ(verb.Get("rtt", 0), Duration::Millis(100).nanos());
}

TEST(ParseScripts, CommandsOfPublicScripts) {
  const Script script = Parsed(
      "// as found\n`../common/defaults.sh\n"
      "sysctl -q net.ipv4.tcp_congestion_control=reno`\n0 terminate\n");
  EXPECT_EQ(script.options.size(), 1U);
  EXPECT_EQ(script.options.at("congestion_control"), "reno");
}

struct BadScript {
  const char* text;
  const char* error;
};

class BadScripts : public ::testing::TestWithParam<BadScript> {};

TEST_P(BadScripts, AreRefusedWithLineAndReason) {
  const std::string error = ErrorOf(GetParam().text);
  EXPECT_NE(error.find(GetParam().error), std::string::npos)
      << GetParam().text << "\nsays: " << error;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadScripts,
    ::testing::Values(
        BadScript{"", "x.pkt:1: no statement"},
        BadScript{"// only a comment\n", "no statement"},
        BadScript{"/* open", "comment without an end"},
        BadScript{"\n\nwrite(4, ..., 1) = 1", "x.pkt:3: expected a time"},
        BadScript{"0 jump", "unknown statement \"jump\""},
        BadScript{"0 `sysctl -q x`", "a shell command amid the script"},
        BadScript{"`rm -r x`\n0 terminate", "\"rm\" of a shell command"},
        BadScript{"`../defaults.sh\n0 terminate", "no \"`\" follows"},
        BadScript{"0", "expected a segment, a call"},
        BadScript{"+ > . 1:1(0) ack 1", "expected seconds"},
        BadScript{"9999999999 > . 1:1(0) ack 1", "expected seconds"},
        BadScript{"0.2~0.1 > . 1:1(0) ack 1", "second time is earlier"},
        BadScript{"0~+1 > . 1:1(0) ack 1", "both times must be relative"},
        BadScript{"0...1 > . 1:1(0) ack 1", "only a call can take time"},
        BadScript{"* < . 1:1(0) ack 1 win 1", "vague time"},
        BadScript{"0~1 write(4, ..., 1) = 1", "vague time"},
        BadScript{"0 > icmp", "flags of a TCP segment"},
        BadScript{"0 > PP. 1:1(0) ack 1", "a flag twice"},
        BadScript{"0 > . 1:5(3) ack 1", "length does not fit"},
        BadScript{"0 > . 1:1(0", "expected \")\""},
        BadScript{"0 > . 1:1(0)", "flag . and a number after ack"},
        BadScript{"0 > P 1:1(0) ack 1", "flag . and a number after ack"},
        BadScript{"0 > . 4294967296:1(0) ack 1", "from 0 to 4294967295"},
        BadScript{"0 > . 1:2000001(2000000) ack 1", "from 0 to 1048576"},
        BadScript{"0 < . 1:1(0) ack 1", "needs its win"},
        BadScript{"0 < . 1:1(0) ack 1 win 65536", "from 0 to 65535"},
        BadScript{"0 < . 1:1(0) ack 1 win 1 <...>", "in an arrival"},
        BadScript{"0 < . 1:1(0) ack 1 win 1 <TS val * ecr 1>", "* in an"},
        BadScript{"0 > . 1:1(0) ack 1 <nop", "expected \">\""},
        BadScript{"0 > . 1:1(0) ack 1 <md5>", "unknown TCP option \"md5\""},
        BadScript{"0 > . 1:1(0) ack 1 <sack 1:2 3:4 5:6 7:8 9:10>",
                  "more SACK blocks"},
        BadScript{"0 > [foo] . 1:1(0) ack 1", "unknown mark [foo]"}));

INSTANTIATE_TEST_SUITE_P(
    Words, BadScripts,
    ::testing::Values(
        BadScript{"--speed=1\n0 terminate", "unknown option --speed"},
        BadScript{"--mtu=\n0 terminate", "needs a value"},
        BadScript{"--mtu=1\n--mtu=2\n0 terminate", "given twice"},
        BadScript{"0 terminate\n--mtu=1", "expected a time"},
        BadScript{"0 established speed 1", "has no \"speed\""},
        BadScript{"0 established mss 1 mss 2", "given twice"},
        BadScript{"0 established mss", "expected a number"},
        BadScript{"0 established mss 65536", "from 0 to 65535"},
        BadScript{"0 established own_wscale 15", "from 0 to 14"},
        BadScript{"0 established dup_acks 256", "from 0 to 255"},
        BadScript{"0 write(4", "expected \")\""},
        BadScript{"0 write(4, ..., 1)", "expected \"=\""},
        BadScript{"0 write(4, ..., 1) = one", "expected a number"},
        BadScript{"0 write(1,2,3,4,5,6,7,8,9) = 0", "more arguments"},
        BadScript{"0 open(\"x) = 0", "no \"\"\" follows"},
        BadScript{"0 close(4) = -1 EPIPE (x", "no \")\" follows"},
        BadScript{"0 %{ assert 1", "no \"}%\" follows"},
        BadScript{"0 %{ }%", "nothing is asserted"},
        BadScript{"0 %{ print x }%", "only assert is known"},
        BadScript{"0 %{ assert 1 + }%", "expected a number"},
        BadScript{"0 %{ assert (1 }%", "expected \")\""},
        BadScript{"0 %{ assert a b }%", "did not expect"}));

// Any beginning of a good script, and any with one character changed, is
// either a script or gets a message.
TEST(ParseScripts, NoTextMakesTheParserFall) {
  const std::string good =
      "--mtu=1500\n0 established mss 1000 rtt .1\n+.1~+.2 > P. 1:2(1) ack 1 "
      "<TS val 1 ecr 2,sack 1:2 3:4>\n+0...+1 read(4, [1], {a=2}, \"x\") = -1 "
      "EAGAIN (x)\n+0 %{ assert not (1 <= tcpi_rto < 5) and 3 % 2 == 1 }%\n";
  Parsed(good);
  const std::string odd = "\0\xff<>%{}()[]*/+-.~\"\n9Sn";
  for (size_t cut = 0; cut < good.size(); ++cut) {
    std::string error;
    if (!ParseScript("x", good.substr(0, cut), &error)) {
      EXPECT_FALSE(error.empty());
    }
    for (const char c : odd) {
      std::string changed = good;
      changed[cut] = c;
      error.clear();
      if (!ParseScript("x", changed, &error)) {
        EXPECT_FALSE(error.empty());
      }
    }
  }
}

std::optional<int64_t> ValueOf(const std::string& text) {
  std::string error;
  const Lookup lookup = [](std::string_view name) -> std::optional<int64_t> {
    if (name == "four") return 4;
    return std::nullopt;
  };
  return Evaluate(text, lookup, &error);
}

TEST(Expressions, PrecedenceChainsAndNames) {
  EXPECT_EQ(ValueOf("1 + 2 * 3"), 7);
  EXPECT_EQ(ValueOf("(1 + 2) * 3"), 9);
  EXPECT_EQ(ValueOf("7 / 2 - 7 % 2"), 2);
  EXPECT_EQ(ValueOf("1 < 2 < 3"), 1);
  EXPECT_EQ(ValueOf("1 < 3 < 2"), 0);
  EXPECT_EQ(ValueOf("four == 4 and not four > 4 or 0"), 1);
  EXPECT_EQ(ValueOf("-5 + four"), -1);
  EXPECT_EQ(ValueOf("five"), std::nullopt);
  EXPECT_EQ(ValueOf("1 / 0"), std::nullopt);
  EXPECT_EQ(ValueOf("9223372036854775807 / -1"), std::nullopt);
  EXPECT_EQ(ValueOf(std::string(100, '(')), std::nullopt);
}

}  // namespace
}  // namespace chimney::script
