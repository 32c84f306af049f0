// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/mempools.h"

#include <gtest/gtest.h>

#include <string>

#include "dpdkio/frame_size.h"

namespace chimney::dpdkio {
namespace {

constexpr uint32_t kMbufs = 2048;

// net_af_xdp registers so many bytes as its objects take end to end; frames
// beyond that would be dropped by the kernel for good.
TEST(Mempools, FramesOfAfXdpLeaveNoGaps) {
  std::string error;
  const Mempool pool = CreateMempool(
      {"end_to_end", kMbufs, DataRoomFor("net_af_xdp0", 1500)}, &error);
  ASSERT_NE(pool, nullptr) << error;
  EXPECT_TRUE(LiesEndToEnd(pool.get()));
}

// DPDK lets no object cross an ordinary page.
TEST(Mempools, SmallerFramesOnOrdinaryPagesLeaveGaps) {
  std::string error;
  const Mempool pool = CreateMempool({"with_gaps", kMbufs, 2048 + 128}, &error);
  ASSERT_NE(pool, nullptr) << error;
  EXPECT_FALSE(LiesEndToEnd(pool.get()));
}

}  // namespace
}  // namespace chimney::dpdkio
