// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/port.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <vector>

#include "dpdkio/mempools.h"

namespace chimney::dpdkio {
namespace {

TEST(Port, ADeviceThatIsNotThereIsNamed) {
  std::string error;
  EXPECT_EQ(Port::Open("net_null7,size=64", 1500, &error), nullptr);
  EXPECT_NE(error.find("net_null7"), std::string::npos) << error;
}

TEST(Port, OneQueueForEachPoolAndNoneTooMany) {
  std::string error;
  auto port = Port::Open("net_null0", 1500, &error);
  ASSERT_NE(port, nullptr) << error;
  const Mempool pool = CreateMempool({"port_test", 2047, 2176}, &error);
  ASSERT_NE(pool, nullptr) << error;
  std::vector<rte_mempool*> pools(5000, pool.get());
  PortQueueOptions options;
  options.pools = pools;
  EXPECT_FALSE(port->Start(options, &error));
  EXPECT_NE(error.find("5000"), std::string::npos) << error;
  options.pools = std::span(pools).first(2);
  EXPECT_TRUE(port->Start(options, &error)) << error;
  EXPECT_TRUE(port->LinkIsUp());
}

rte_eth_dev_info InfoOf(const char* driver, uint64_t rx, uint64_t tx) {
  rte_eth_dev_info info{};
  info.driver_name = driver;
  info.rx_offload_capa = rx;
  info.tx_offload_capa = tx;
  info.max_mtu = 9600;
  info.max_rx_pktlen = 9622;
  return info;
}

constexpr uint64_t kRxChecksums =
    RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;

// Design D6: chains only with MULTI_SEGS, references only where the driver has
// let go of them when the call returns.
TEST(PortCapabilities, ReferencesNeedChainsAndAPromptDriver) {
  const auto af_packet =
      InfoOf("net_af_packet", 0, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
  EXPECT_EQ(DecideCapabilities("net_af_packet0,iface=a", af_packet).payload,
            PayloadMode::kReferenced);
  EXPECT_EQ(
      DecideCapabilities("net_af_xdp0,iface=a", InfoOf("net_af_xdp", 0, 0))
          .payload,
      PayloadMode::kCopied);
  const auto virtio =
      InfoOf("net_virtio_user", 0, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
  EXPECT_EQ(DecideCapabilities("net_virtio_user0", virtio).payload,
            PayloadMode::kCopied);
  const auto card = InfoOf("net_i40e", 0, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
  EXPECT_EQ(DecideCapabilities("0000:03:00.0", card).payload,
            PayloadMode::kCopied);
}

TEST(PortCapabilities, OnlyHardwareIsAskedForChecksums) {
  const auto card =
      InfoOf("net_i40e", kRxChecksums, RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
  EXPECT_TRUE(DecideCapabilities("0000:03:00.0", card).verifies_checksums);
  EXPECT_TRUE(DecideCapabilities("0000:03:00.0", card).completes_tcp_checksum);
  const auto tap =
      InfoOf("net_tap", kRxChecksums, RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
  EXPECT_FALSE(DecideCapabilities("net_tap0", tap).verifies_checksums);
  EXPECT_FALSE(DecideCapabilities("net_tap0", tap).completes_tcp_checksum);
  // A virtio card hands out frames whose checksum is still open.
  const auto virtio =
      InfoOf("net_virtio", kRxChecksums, RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
  EXPECT_FALSE(DecideCapabilities("0000:00:05.0", virtio).verifies_checksums);
}

TEST(PortCapabilities, TextNamesWhatWasDecided) {
  const std::string text = CapabilitiesText(DecideCapabilities(
      "net_af_packet0,iface=a",
      InfoOf("net_af_packet", 0, RTE_ETH_TX_OFFLOAD_MULTI_SEGS)));
  EXPECT_NE(text.find("net_af_packet"), std::string::npos);
  EXPECT_NE(text.find("payload referenced"), std::string::npos);
  EXPECT_NE(text.find("MTU up to 1994"), std::string::npos) << text;
}

}  // namespace
}  // namespace chimney::dpdkio
