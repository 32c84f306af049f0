// SPDX-License-Identifier: BSD-3-Clause
// A DPDK port whose other end the test holds: two rings of mbufs.
#ifndef CHIMNEY_TESTS_UNIT_DPDKIO_RING_PORTS_H_
#define CHIMNEY_TESTS_UNIT_DPDKIO_RING_PORTS_H_

#include <rte_mbuf.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dpdkio/mempools.h"

struct rte_ring;

namespace chimney::dpdkio {

// Bytes of a frame, all pieces together.
std::vector<uint8_t> BytesOf(const rte_mbuf* frame);
rte_mbuf* MakeFrame(rte_mempool* pool, std::span<const uint8_t> bytes);

class RingPort {
 public:
  // `capacity` frames may be on their way out; `pool` outlives the port.
  RingPort(const std::string& name, uint32_t capacity, rte_mempool* pool);
  ~RingPort();
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;

  uint16_t id() const { return id_; }
  // Makes a frame arrive.
  void Arrive(rte_mbuf* frame);
  // The oldest frame that left, or nullptr; the caller's.
  rte_mbuf* Leave();
  // Its bytes, empty if none left; frees it.
  std::vector<uint8_t> LeaveBytes();

 private:
  const std::string name_;
  rte_ring* arriving_;
  rte_ring* leaving_;
  uint16_t id_;
};

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_TESTS_UNIT_DPDKIO_RING_PORTS_H_
