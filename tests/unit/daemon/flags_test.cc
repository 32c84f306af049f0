// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/flags.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <string>

#include "daemon/cpu_list.h"

namespace chimney::daemon {
namespace {

class Flags : public testing::Test {
 protected:
  void SetUp() override {
    Set("wire_port", "net_null0");
    Set("host_port", "net_null1");
    Set("worker_cores", std::to_string(AllowedCpus().front()));
  }
  static void Set(const char* flag, const std::string& value) {
    ASSERT_NE(gflags::SetCommandLineOption(flag, value.c_str()), "") << flag;
  }
  // The message must name the flag, so that the person knows where to look.
  void ExpectRefused(const char* flag, const std::string& value) {
    const gflags::FlagSaver saver;
    Set(flag, value);
    std::string error;
    EXPECT_FALSE(ReadConfig(&config_, &error)) << flag << "=" << value;
    EXPECT_NE(error.find(std::string("--") + flag), std::string::npos) << error;
  }
  void ExpectTaken(const char* flag, const std::string& value) {
    Set(flag, value);
    std::string error;
    EXPECT_TRUE(ReadConfig(&config_, &error)) << error;
  }

  const gflags::FlagSaver saver_;
  Config config_;
};

TEST_F(Flags, PresetsWithTwoPortsAreEnough) {
  std::string error;
  ASSERT_TRUE(ReadConfig(&config_, &error)) << error;
  EXPECT_EQ(config_.wire_port, "net_null0");
  EXPECT_EQ(config_.socket_mode, 0666u);
  EXPECT_EQ(config_.huge, HugeMode::kAuto);
  EXPECT_EQ(config_.hold_timeout, Duration::Millis(100));  // design D2
}

TEST_F(Flags, PortsMustBeThereAndDiffer) {
  ExpectRefused("wire_port", "");
  ExpectRefused("host_port", "");
  ExpectRefused("host_port", "net_null0,size=1");
  ExpectRefused("wire_port", "net_null0 -m 10");
}

TEST_F(Flags, CoresMustBeAllowed) {
  ExpectRefused("worker_cores", "");
  ExpectRefused("worker_cores", "a");
  ExpectRefused("worker_cores", "3-1");
  ExpectRefused("worker_cores", "1023");
  ExpectRefused("worker_cores", "99999");
  ExpectRefused("control_core", "1023");
  ExpectRefused("control_core", "-2");
}

TEST_F(Flags, WordsAreOneOfTheirList) {
  ExpectRefused("huge", "maybe");
  ExpectRefused("idle", "");
  ExpectRefused("profile", "windows");
  ExpectRefused("rx_mode", "steal");
  ExpectTaken("huge", "off");
  EXPECT_EQ(config_.huge, HugeMode::kOff);
  ExpectTaken("idle", "poll");
  EXPECT_EQ(config_.idle, IdleMode::kPoll);
}

// sockaddr_un holds 107 bytes and a NUL.
TEST_F(Flags, SocketPathMustFit) {
  ExpectTaken("socket", std::string(107, 'x'));
  ExpectRefused("socket", std::string(108, 'x'));
  ExpectRefused("socket", "");
}

TEST_F(Flags, SocketModeIsOctal) {
  ExpectTaken("socket_mode", "0640");
  EXPECT_EQ(config_.socket_mode, 0640u);
  ExpectRefused("socket_mode", "0680");
  ExpectRefused("socket_mode", "1000");
  ExpectRefused("socket_mode", "");
}

TEST_F(Flags, NumbersHaveTheirRange) {
  ExpectRefused("max_sessions", "0");
  ExpectRefused("max_connections", "-5");
  ExpectRefused("hold_timeout_ms", "0");
  ExpectRefused("mtu", "1279");  // RFC 8200 section 5
  ExpectRefused("mtu", "65536");
  ExpectRefused("mbuf_count", "100");
  ExpectRefused("session_ring_entries", "1000");
  ExpectRefused("chunk_bytes", "1000");
  ExpectTaken("mtu", "0");
  ExpectTaken("mtu", "9000");
  EXPECT_EQ(config_.mtu_bytes, 9000u);
}

// Design D11: the rule book's numbers in one profile, the kernel's in the
// other, and each value for itself.
TEST_F(Flags, ProfilesSetParametersAndFlagsOverrideThem) {
  ExpectTaken("profile", "linux");
  EXPECT_EQ(config_.parameters.rto_min, Duration::Millis(200));
  ExpectTaken("profile", "chimney");
  EXPECT_EQ(config_.parameters.rto_min, Duration::Millis(300));
  EXPECT_EQ(config_.parameters.rto_max, Duration::Seconds(60));
  ExpectTaken("rto_min_ms", "250");
  EXPECT_EQ(config_.parameters.rto_min, Duration::Millis(250));
  ExpectTaken("byte_counting_limit", "2");
  EXPECT_EQ(config_.parameters.byte_counting_limit, 2);
  ExpectRefused("rto_min_ms", "60001");
  ExpectRefused("tail_loss_probe", "2");
  ExpectRefused("rto_min_ms", "0");
}

TEST_F(Flags, TheLeastTimeoutCannotExceedTheLargest) {
  ExpectTaken("rto_max_ms", "1000");
  ExpectRefused("rto_min_ms", "1001");
}

TEST_F(Flags, TextNamesEveryValueByItsFlag) {
  std::string error;
  ASSERT_TRUE(ReadConfig(&config_, &error)) << error;
  const std::string text = ConfigText(config_);
  for (const char* line :
       {"wire_port = net_null0\n", "huge = auto\n", "hold_timeout_ms = 100\n",
        "profile = linux\n", "rto_min_ms = 200\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST(CpuList, ListsAndRanges) {
  std::vector<uint32_t> cpus;
  EXPECT_TRUE(ParseCpuList("2,4-6,0", &cpus));
  EXPECT_EQ(cpus, (std::vector<uint32_t>{2, 4, 5, 6, 0}));
  EXPECT_EQ(CpuListText(cpus), "2,4,5,6,0");
  for (const char* wrong : {"", ",", "1,", "-1", "1-", "2-1", "1,1", "0-2,1",
                            "1024", "1 ", "x", "99999999999", "0-99999999"}) {
    EXPECT_FALSE(ParseCpuList(wrong, &cpus)) << wrong;
  }
}

}  // namespace
}  // namespace chimney::daemon
