// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/receive.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "tests/unit/dpdkio/ring_ports.h"

namespace chimney::dpdkio {
namespace {

using Bytes = std::vector<uint8_t>;

class Receive : public testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    pool_ = CreateMempool({"receive_test", 511, 2176}, &error);
    ASSERT_NE(pool_, nullptr) << error;
  }
  void TearDown() override { EXPECT_EQ(MbufsInUse(pool_.get()), 0u); }

  // A frame as a driver delivers it that has taken the tag out.
  rte_mbuf* Stripped(const Bytes& untagged, uint16_t tci) {
    rte_mbuf* frame = MakeFrame(pool_.get(), untagged);
    frame->vlan_tci = tci;
    frame->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    return frame;
  }

  Mempool pool_;
};

Bytes Untagged() {
  Bytes bytes(60);
  std::iota(bytes.begin(), bytes.end(), uint8_t{1});
  return bytes;
}

// IEEE 802.1Q: the tag stands behind the two addresses.
Bytes Tagged(uint16_t tci) {
  Bytes bytes = Untagged();
  const Bytes tag = {0x81, 0x00, static_cast<uint8_t>(tci >> 8),
                     static_cast<uint8_t>(tci & 0xff)};
  bytes.insert(bytes.begin() + 12, tag.begin(), tag.end());
  return bytes;
}

TEST_F(Receive, PutsStrippedTagsBackAndLeavesTheOthersAlone) {
  std::array<rte_mbuf*, 3> frames = {MakeFrame(pool_.get(), Untagged()),
                                     Stripped(Untagged(), 0x6123),
                                     MakeFrame(pool_.get(), Tagged(5))};
  ASSERT_EQ(RestoreVlanTags(frames), 3);
  EXPECT_EQ(BytesOf(frames[0]), Untagged());
  EXPECT_EQ(BytesOf(frames[1]), Tagged(0x6123));
  EXPECT_EQ(frames[1]->pkt_len, 64u);
  EXPECT_EQ(frames[1]->ol_flags, 0u);
  EXPECT_EQ(BytesOf(frames[2]), Tagged(5));
  for (rte_mbuf* frame : frames) rte_pktmbuf_free(frame);
}

TEST_F(Receive, AFrameWithoutRoomForItsTagIsDroppedAlone) {
  rte_mbuf* crowded = Stripped(Untagged(), 7);
  rte_pktmbuf_prepend(crowded, rte_pktmbuf_headroom(crowded));
  std::array<rte_mbuf*, 3> frames = {Stripped(Untagged(), 1), crowded,
                                     Stripped(Untagged(), 2)};
  ASSERT_EQ(RestoreVlanTags(frames), 2);
  EXPECT_EQ(BytesOf(frames[0]), Tagged(1));
  EXPECT_EQ(BytesOf(frames[1]), Tagged(2));
  rte_pktmbuf_free(frames[0]);
  rte_pktmbuf_free(frames[1]);
}

TEST_F(Receive, BurstsComeTaggedAsOnTheWire) {
  RingPort port("receive", 64, pool_.get());
  port.Arrive(Stripped(Untagged(), 9));
  std::array<rte_mbuf*, 32> frames;
  uint64_t lost = 0;
  ASSERT_EQ(ReceiveBurst({port.id(), 0, true}, frames, &lost), 1);
  EXPECT_EQ(BytesOf(frames[0]), Tagged(9));
  EXPECT_EQ(lost, 0u);
  rte_pktmbuf_free(frames[0]);
}

}  // namespace
}  // namespace chimney::dpdkio
