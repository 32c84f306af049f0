// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/device_args.h"

#include <gtest/gtest.h>

namespace chimney::dpdkio {
namespace {

TEST(DeviceArgs, NameEndsAtTheFirstComma) {
  EXPECT_EQ(DeviceName("net_tap0,iface=chim0"), "net_tap0");
  EXPECT_EQ(DeviceName("0000:03:00.0"), "0000:03:00.0");
}

TEST(DeviceArgs, ArgumentsAreFoundByTheirWholeKey) {
  const char* device = "net_af_packet0,iface=eth0,framesz=2048,x";
  EXPECT_EQ(DeviceArgument(device, "iface"), "eth0");
  EXPECT_EQ(DeviceArgument(device, "framesz"), "2048");
  EXPECT_FALSE(DeviceArgument(device, "frame"));
  EXPECT_FALSE(DeviceArgument(device, "x"));
  EXPECT_FALSE(DeviceArgument("net_tap0", "iface"));
  EXPECT_EQ(DeviceArgument("net_tap0,iface=", "iface"), "");
}

TEST(DeviceArgs, VirtualDevicesAreToldFromBusAddresses) {
  EXPECT_TRUE(IsVirtualDevice("net_null0"));
  EXPECT_TRUE(IsVirtualDevice("eth_ring0"));
  EXPECT_FALSE(IsVirtualDevice("0000:03:00.0"));
  EXPECT_FALSE(IsVirtualDevice("03:00.0,txq_inline=128"));
}

TEST(DeviceArgs, DriverIsTheNameWithoutItsNumber) {
  EXPECT_TRUE(IsDriver("net_tap3,iface=a", "net_tap"));
  EXPECT_TRUE(IsDriver("net_tap", "net_tap"));
  EXPECT_FALSE(IsDriver("net_tapestry0", "net_tap"));
  EXPECT_FALSE(IsDriver("net_af_packet0", "net_af_xdp"));
}

TEST(DeviceArgs, WhatEalWouldMisreadIsRefused) {
  EXPECT_EQ(CheckDeviceArgs("net_null0"), "");
  EXPECT_NE(CheckDeviceArgs(""), "");
  EXPECT_NE(CheckDeviceArgs(",iface=a"), "");
  EXPECT_NE(CheckDeviceArgs("net_null0 --huge"), "");
  EXPECT_NE(CheckDeviceArgs("--no-pci"), "");
}

TEST(DeviceArgs, AfPacketGetsARingForBursts) {
  EXPECT_EQ(CompleteDeviceArgs("net_af_packet0,iface=a", 1500),
            "net_af_packet0,iface=a,framesz=2048,blocksz=65536,framecnt=2048");
}

// A slot holds 32 bytes of the ring, 22 of Ethernet with two tags, and the MTU;
// blocks must be whole pages and hold slots without a rest.
TEST(DeviceArgs, AfPacketGetsSlotsForJumboFrames) {
  EXPECT_EQ(CompleteDeviceArgs("net_af_packet0,iface=a", 9000),
            "net_af_packet0,iface=a,framesz=12288,blocksz=12288,framecnt=2048");
  EXPECT_EQ(CompleteDeviceArgs("net_af_packet0,iface=a", 4042),
            "net_af_packet0,iface=a,framesz=4096,blocksz=4096,framecnt=2048");
}

TEST(DeviceArgs, WhatThePersonGaveStays) {
  const char* device = "net_af_packet0,iface=a,framecnt=512";
  EXPECT_EQ(CompleteDeviceArgs(device, 9000), device);
  EXPECT_EQ(CompleteDeviceArgs("net_tap0,iface=a", 9000), "net_tap0,iface=a");
}

}  // namespace
}  // namespace chimney::dpdkio
