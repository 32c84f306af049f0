// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/frame_size.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace chimney::dpdkio {
namespace {

// Checked on Linux 6.18 with DPDK 22.11: frames of this MTU with two VLAN tags
// pass, and with one byte more the UMEM is refused. 4096 - 64 (mempool header)
// - 128 (mbuf) - 128 (headroom) - 256 (XDP headroom) - 14 - 8.
TEST(FrameSize, AfXdpCarries3498BytesOnPagesOf4096) {
  if (sysconf(_SC_PAGESIZE) != 4096) GTEST_SKIP() << "other page size";
  EXPECT_EQ(MtuLimitOf("net_af_xdp0,iface=a"), 3498u);
}

TEST(FrameSize, AfPacketIsLimitedByItsSlots) {
  EXPECT_EQ(MtuLimitOf("net_af_packet0,iface=a"), 2048u - 32 - 22);
  EXPECT_EQ(MtuLimitOf("net_af_packet0,iface=a,framesz=16384"),
            16384u - 32 - 22);
  EXPECT_EQ(MtuLimitOf("net_af_packet0,framesz=16"), 0u);
}

TEST(FrameSize, OthersSetNoLimit) {
  EXPECT_FALSE(MtuLimitOf("net_tap0,iface=a"));
  EXPECT_FALSE(MtuLimitOf("net_null0"));
}

TEST(FrameSize, OrdinaryFramesGetTheDefaultRoom) {
  EXPECT_EQ(DataRoomFor("net_null0", 1500), 2048u + 128);
}

TEST(FrameSize, EveryAfXdpFrameFillsItsPage) {
  if (sysconf(_SC_PAGESIZE) != 4096) GTEST_SKIP() << "other page size";
  EXPECT_EQ(DataRoomFor("net_af_xdp0", 1500) + 64 + 128, 4096u);
  EXPECT_EQ(DataRoomFor("net_af_xdp0", 3498) + 64 + 128, 4096u);
}

// The driver refuses a pool whose mbufs could not take a full slot.
TEST(FrameSize, AfPacketRoomFollowsTheSlotNotTheMtu) {
  EXPECT_GE(DataRoomFor("net_af_packet0,framesz=16384", 1500),
            16384u - 32 + 128);
}

TEST(FrameSize, JumboFramesFitOneMbuf) {
  EXPECT_GE(DataRoomFor("net_tap0", 9000), 9000u + 22 + 128);
}

}  // namespace
}  // namespace chimney::dpdkio
