// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/dpdkio/ring_ports.h"

#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <algorithm>

namespace chimney::dpdkio {

std::vector<uint8_t> BytesOf(const rte_mbuf* frame) {
  std::vector<uint8_t> bytes;
  for (const rte_mbuf* piece = frame; piece != nullptr; piece = piece->next) {
    const auto* data = rte_pktmbuf_mtod(piece, const uint8_t*);
    bytes.insert(bytes.end(), data, data + piece->data_len);
  }
  return bytes;
}

rte_mbuf* MakeFrame(rte_mempool* pool, std::span<const uint8_t> bytes) {
  rte_mbuf* frame = rte_pktmbuf_alloc(pool);
  if (frame == nullptr) return nullptr;
  auto* to = reinterpret_cast<uint8_t*>(
      rte_pktmbuf_append(frame, static_cast<uint16_t>(bytes.size())));
  std::copy(bytes.begin(), bytes.end(), to);
  return frame;
}

RingPort::RingPort(const std::string& name, uint32_t capacity,
                   rte_mempool* pool)
    : name_(name),
      arriving_(rte_ring_create((name + "_in").c_str(), 4096, SOCKET_ID_ANY,
                                RING_F_EXACT_SZ)),
      leaving_(rte_ring_create((name + "_out").c_str(), capacity, SOCKET_ID_ANY,
                               RING_F_EXACT_SZ)) {
  const int port =
      rte_eth_from_rings(name.c_str(), &arriving_, 1, &leaving_, 1, 0);
  EXPECT_GE(port, 0);
  id_ = static_cast<uint16_t>(port);
  rte_eth_conf conf{};
  EXPECT_EQ(rte_eth_dev_configure(id_, 1, 1, &conf), 0);
  EXPECT_EQ(rte_eth_rx_queue_setup(id_, 0, 64, 0, nullptr, pool), 0);
  EXPECT_EQ(rte_eth_tx_queue_setup(id_, 0, 64, 0, nullptr), 0);
  EXPECT_EQ(rte_eth_dev_start(id_), 0);
}

RingPort::~RingPort() {
  void* frame = nullptr;
  for (rte_ring* ring : {arriving_, leaving_}) {
    while (rte_ring_dequeue(ring, &frame) == 0) {
      rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
    }
  }
  rte_eth_dev_stop(id_);
  // Closes the port and forgets the name it was given.
  rte_eal_hotplug_remove("vdev", ("net_ring_" + name_).c_str());
  rte_ring_free(arriving_);
  rte_ring_free(leaving_);
}

void RingPort::Arrive(rte_mbuf* frame) {
  EXPECT_EQ(rte_ring_enqueue(arriving_, frame), 0);
}

rte_mbuf* RingPort::Leave() {
  void* frame = nullptr;
  if (rte_ring_dequeue(leaving_, &frame) != 0) return nullptr;
  return static_cast<rte_mbuf*>(frame);
}

std::vector<uint8_t> RingPort::LeaveBytes() {
  rte_mbuf* frame = Leave();
  const std::vector<uint8_t> bytes = BytesOf(frame);
  rte_pktmbuf_free(frame);
  return bytes;
}

}  // namespace chimney::dpdkio
