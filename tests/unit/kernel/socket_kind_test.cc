// SPDX-License-Identifier: BSD-3-Clause
// What a descriptor is, whatever it is (design D16).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/eligibility.h"

namespace chimney::kernel {
namespace {

using Code = KernelErrorCode;

void Expect(int fd, Code code) {
  EXPECT_EQ(CheckIsTcp(fd).code, code) << CheckIsTcp(fd).ToString();
  close(fd);
}

TEST(CheckIsTcp, EveryKindHasItsOwnAnswer) {
  Expect(socket(AF_INET, SOCK_STREAM, 0), Code::kOk);
  Expect(socket(AF_INET6, SOCK_STREAM, 0), Code::kOk);
  Expect(socket(AF_INET, SOCK_DGRAM, 0), Code::kNotTcp);
  Expect(socket(AF_UNIX, SOCK_STREAM, 0), Code::kNotTcp);
  Expect(socket(AF_UNIX, SOCK_SEQPACKET, 0), Code::kNotTcp);
  Expect(open("/dev/null", O_RDONLY), Code::kNotSocket);
  Expect(-1, Code::kNotSocket);
  constexpr int kIpProtoMptcp = 262;
  const int mptcp = socket(AF_INET, SOCK_STREAM, kIpProtoMptcp);
  if (mptcp >= 0) Expect(mptcp, Code::kMptcp);
}

}  // namespace
}  // namespace chimney::kernel
