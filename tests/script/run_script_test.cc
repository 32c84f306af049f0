// SPDX-License-Identifier: BSD-3-Clause
// The runner itself: what a script does not say, or says wrongly, fails it.
#include "tests/script/run_script.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/script/engine_target.h"
#include "tests/script/parse_script.h"
#include "tests/script/script_files.h"

namespace chimney::script {
namespace {

std::string FailureOf(const std::string& text) {
  std::string error;
  const std::optional<Script> script = ParseScript("x.pkt", text, &error);
  if (!script) return error;
  EngineTarget target;
  return RunScript(*script, AllOrigins().front(), &target).failure;
}

const std::string kBegin = "0 established mss 1000\n";
const std::string kWrite = kBegin + "+0 write(4, ..., 100) = 100\n";

struct Wrong {
  std::string script;
  std::string says;
};

class WrongScripts : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongScripts, FailWithLineAndReason) {
  const std::string failure = FailureOf(GetParam().script);
  EXPECT_NE(failure.find(GetParam().says), std::string::npos)
      << GetParam().script << "\nsays: " << failure;
}

INSTANTIATE_TEST_SUITE_P(
    Segments, WrongScripts,
    ::testing::Values(
        Wrong{kWrite, "x.pkt:2: nobody expected, at 0.000000\n    > P. 1:101"},
        Wrong{kWrite + "+0 > P. 1:101(100) ack 1\n+2 terminate",
              "nobody expected, at 1.000000"},
        Wrong{kBegin + "+0 > . 1:1(0) ack 1",
              "x.pkt:2: expected at 0.000000\n    > . 1:1(0) ack 1\n  but "
              "nothing was sent"},
        Wrong{kWrite + "+.1 > P. 1:101(100) ack 1", "sent at 0.000000"},
        Wrong{kWrite + "+0 > . 1:101(100) ack 1", "differs in: flags"},
        Wrong{kWrite + "+0 > P. 2:102(100) ack 1", "sequence-number"},
        Wrong{kWrite + "+0 > P. 1:91(90) ack 1", "differs in: length"},
        Wrong{kWrite + "+0 > P. 1:201(200) ack 1", "differs in: length"},
        Wrong{kWrite + "+0 > P. 1:101(100) ack 2", "differs in: ack"},
        Wrong{kWrite + "+0 > P. 1:101(100) ack 1 win 7", "differs in: win"},
        Wrong{kWrite + "+0 > [ect0] P. 1:101(100) ack 1", "in: ECN-mark"},
        Wrong{kWrite + "+0 > P. 1:101(100) ack 1 <TS val 1 ecr 1>",
              "differs in: timestamps"},
        Wrong{kWrite + "+0 > P. 1:101(100) ack 1 <sack 1:2>", "in: sack"},
        Wrong{"0 established ts_val 9 ts_ecr 5\n+0 write(4, ..., 1) = 1\n"
              "+0 > P. 1:2(1) ack 1 <TS val 20 ecr 6>",
              "differs in: TSval TSecr"}));

INSTANTIATE_TEST_SUITE_P(
    Statements, WrongScripts,
    ::testing::Values(
        Wrong{"0 terminate", "terminate does not belong to a handshake"},
        Wrong{"0 socket(..., 1, 2) = 3", "ends before there is a connection"},
        Wrong{"0 < . 1:1(0) ack 1 win 1", "does not belong to a handshake"},
        Wrong{"0 %{ assert 1 }%", "before there is a connection"},
        Wrong{kBegin + kBegin, "there is a connection already"},
        Wrong{kBegin + "+1 offload", "the connection is not away"},
        Wrong{kBegin + "+0 terminate\n+0 terminate", "is away already"},
        Wrong{"1 established\n0.5 terminate", "x.pkt:2: goes back in time"},
        Wrong{kBegin + "+0 %{ assert tcpi_rto == 5 }%",
              "not so: tcpi_rto == 5\n  at 0.000000: tcpi_rto = 1000000"},
        Wrong{kBegin + "+0 %{ assert tcpi_speed == 5 }%",
              "nobody knows \"tcpi_speed\""},
        Wrong{"--rack=maybe\n0 established", "--rack=maybe is not known"},
        Wrong{"--mtu=5\n0 established", "--mtu=5 is not known"},
        Wrong{"--isn=x\n0 established", "--isn needs a number"}));

INSTANTIATE_TEST_SUITE_P(
    Calls, WrongScripts,
    ::testing::Values(
        Wrong{kBegin + "+0 poll(4, ..., 1) = 1", "unknown call \"poll\""},
        Wrong{kBegin + "+0 write(5, ..., 1) = 1", "is not the connection's"},
        Wrong{kBegin + "+0 write(4, ..., ...) = 1", "are not understood"},
        Wrong{kBegin + "+0 send(4, ..., 1, MSG_OOB) = 1", "not understood"},
        Wrong{kBegin + "+0 shutdown(4, SHUT_RD) = 0", "not understood"},
        Wrong{kBegin + "+0 accept(3, ..., ...) = 5", "nothing can be accepted"},
        Wrong{kBegin + "+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0",
              "unknown socket option \"TCP_CORK\""},
        Wrong{kBegin + "+0 read(4, ..., 10) = 10",
              "read returned -1 EAGAIN, not 10"},
        Wrong{kBegin + "+0...+1 read(4, ..., 10) = 10", "read never returned"},
        Wrong{kBegin + "+0...+1 write(4, ..., 1) = 1", "returned at once"},
        Wrong{kBegin + "+0...+1 read(4, ..., 10) = 1\n"
                       "+.5 < P. 1:2(1) ack 1 win 1",
              "read returned at 0.500000, not at 1.000000"}));

TEST(RunScript, ToleranceIsTheScripts) {
  const std::string late = kWrite + "+.01 > P. 1:101(100) ack 1";
  EXPECT_NE(FailureOf(late), "");
  EXPECT_EQ(FailureOf("--tolerance_usecs=10000\n" + late), "");
}

TEST(RunScript, OneLargeSegmentStandsForItsParts) {
  EXPECT_EQ(FailureOf(kBegin + "+0 write(4, ..., 2500) = 2500\n"
                               "+0 > P. 1:2501(2500) ack 1"),
            "");
}

}  // namespace
}  // namespace chimney::script
