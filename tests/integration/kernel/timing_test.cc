// SPDX-License-Identifier: BSD-3-Clause
// How long the kernel's part of a hand-over takes; printed, never judged.
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "kernel/eligibility.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

class Samples {
 public:
  explicit Samples(const char* name) : name_(name) {}
  ~Samples() {
    std::sort(microseconds_.begin(), microseconds_.end());
    const size_t count = microseconds_.size();
    if (count == 0) return;
    std::printf("%-14s p50 %7.1f  p99 %7.1f  max %7.1f us\n", name_,
                microseconds_[count / 2], microseconds_[count * 99 / 100],
                microseconds_.back());
  }
  template <typename Step>
  void Measure(Step step) {
    const auto start = std::chrono::steady_clock::now();
    const KernelError error = step();
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(error.ok()) << error.ToString();
    microseconds_.push_back(taken.count());
  }

 private:
  const char* name_;
  std::vector<double> microseconds_;
};

using Timing = KernelLab;

TEST_F(Timing, StepsOfAnIdleConnection) {
  const TcpPair pair = MakeTcpPair(*lab_, {});
  const int fd = pair.host_fd;
  HostLimits limits;
  ASSERT_TRUE(ReadHostLimits(&limits).ok());
  EXPECT_GT(limits.max_receive_buffer_bytes, 0u);
  EligibilityContext context;
  context.netlink = sockets_.get();
  context.sockmaps = &sockmaps_;
  context.host_interface_index = lab_->host_interface();
  struct stat status {};
  ASSERT_EQ(stat("/proc/thread-self/ns/net", &status), 0);
  context.namespace_inode = status.st_ino;
  Samples check("check");
  Samples peek("peek rcv_nxt");
  Samples freeze("freeze, read");
  Samples placeholder("placeholder");
  Samples restore("restore");
  Samples thaw("thaw");
  Samples complete("complete");
  SocketImage image;
  for (int i = 0; i < 1000; ++i) {
    EligibilityFacts facts;
    check.Measure([&] { return CheckEligibility(fd, context, &facts); });
    SeqNum rcv_nxt;
    peek.Measure([&] { return PeekReceiveNext(fd, &rcv_nxt); });
    freeze.Measure([&] { return Freeze(fd, limits, &image); });
    EXPECT_EQ(image.snapshot.tcp.delegated.rcv_nxt, rcv_nxt);
    placeholder.Measure([&] { return MakePlaceholder(fd, image); });
    restore.Measure([&] { return Restore(fd, &image); });
    KernelError leftover;
    thaw.Measure([&] { return Thaw(fd, image, &leftover); });
    UploadProgress progress;
    complete.Measure(
        [&] { return CompleteUpload(fd, image, true, &progress); });
  }
}

}  // namespace
}  // namespace chimney::kernel
