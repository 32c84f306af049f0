// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/eal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_lcore.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace chimney::dpdkio {
namespace {

using testing::Contains;
using testing::Not;

TEST(EalArguments, VirtualDevicesNeedNoPciBus) {
  EalOptions options;
  options.devices = {"net_null0", "net_tap0,iface=a"};
  const auto arguments = EalArguments(options, "prefix");
  EXPECT_THAT(arguments, Contains("--vdev=net_null0"));
  EXPECT_THAT(arguments, Contains("--vdev=net_tap0,iface=a"));
  EXPECT_THAT(arguments, Contains("--no-pci"));
}

TEST(EalArguments, CardsAreAllowedOneByOne) {
  EalOptions options;
  options.devices = {"0000:03:00.0", "net_tap0"};
  const auto arguments = EalArguments(options, "prefix");
  EXPECT_THAT(arguments, Contains("-a0000:03:00.0"));
  EXPECT_THAT(arguments, Not(Contains("--no-pci")));
}

TEST(EalArguments, OrdinaryPagesAreReservedHugePagesAreNot) {
  EalOptions options;
  options.memory_bytes = (100u << 20) + 1;
  EXPECT_THAT(EalArguments(options, "p"), Contains("--no-huge"));
  EXPECT_THAT(EalArguments(options, "p"), Contains("-m101"));
  options.huge_pages = true;
  EXPECT_THAT(EalArguments(options, "p"), Contains("--in-memory"));
  EXPECT_THAT(EalArguments(options, "p"), Not(Contains("--no-huge")));
}

TEST(EalArguments, OneLcoreOnTheControlCore) {
  EalOptions options;
  options.main_core = 5;
  EXPECT_THAT(EalArguments(options, "p"), Contains("--lcores=0@5"));
}

// The environment has started DPDK; nothing may stay behind even if this
// process were killed now.
TEST(Eal, LeavesNoRuntimeDirectory) {
  for (const char* folder : {"/run", "/tmp"}) {
    std::error_code failed;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder, failed)) {
      const auto mine =
          entry.path() / "dpdk" / ("chimneyd-" + std::to_string(getpid()));
      EXPECT_FALSE(std::filesystem::exists(mine, failed)) << mine;
    }
  }
  EXPECT_EQ(getenv("RUNTIME_DIRECTORY"), nullptr);
}

TEST(ThreadRegistration, GivesAThreadAnLcoreForItsLife) {
  std::thread([] {
    EXPECT_EQ(rte_lcore_id(), LCORE_ID_ANY);
    {
      const ThreadRegistration registration;
      EXPECT_TRUE(registration.ok());
      EXPECT_NE(rte_lcore_id(), LCORE_ID_ANY);
    }
    EXPECT_EQ(rte_lcore_id(), LCORE_ID_ANY);
  }).join();
}

}  // namespace
}  // namespace chimney::dpdkio
