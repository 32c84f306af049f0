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
      {"end_to_end", kMbufs, DataRoomFor("net_af_xdp0", 1500), true}, &error);
  ASSERT_NE(pool, nullptr) << error;
  EXPECT_TRUE(LiesEndToEnd(pool.get()));
}

// DPDK lets no object cross an ordinary page.
TEST(Mempools, SmallerFramesOnOrdinaryPagesLeaveGapsUnlessTold) {
  std::string error;
  const Mempool gaps = CreateMempool({"with_gaps", kMbufs, 2048 + 128}, &error);
  ASSERT_NE(gaps, nullptr) << error;
  EXPECT_FALSE(LiesEndToEnd(gaps.get()));
  const Mempool none =
      CreateMempool({"no_gaps", kMbufs, 2048 + 128, true}, &error);
  ASSERT_NE(none, nullptr) << error;
  EXPECT_TRUE(LiesEndToEnd(none.get()));
}

}  // namespace
}  // namespace chimney::dpdkio
