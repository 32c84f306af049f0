// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/mempools.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

namespace chimney::dpdkio {

namespace {

constexpr uint32_t kCacheMbufs = 256;

}  // namespace

void FreeMempool::operator()(rte_mempool* pool) const {
  rte_mempool_free(pool);
}

Mempool CreateMempool(const MempoolOptions& options, std::string* error) {
  Mempool pool(rte_pktmbuf_pool_create(
      options.name.c_str(), options.mbuf_count,
      options.mbuf_count >= 8 * kCacheMbufs ? kCacheMbufs : 0, 0,
      static_cast<uint16_t>(options.data_room_bytes),
      static_cast<int>(rte_socket_id())));
  if (pool == nullptr) {
    *error = "no memory for " + std::to_string(options.mbuf_count) +
             " mbufs of " + std::to_string(options.data_room_bytes) +
             " bytes: " + rte_strerror(rte_errno);
  }
  return pool;
}

uint64_t MempoolBytes(uint32_t mbuf_count, uint32_t data_room_bytes) {
  const uint32_t element =
      static_cast<uint32_t>(sizeof(rte_mbuf)) + data_room_bytes;
  const uint32_t object = rte_mempool_calc_obj_size(element, 0, nullptr);
  // Each mbuf also has a place in the pool's ring, whose size is rounded up to
  // a power of two.
  return uint64_t{mbuf_count} * (object + 2 * sizeof(void*));
}

uint32_t MbufsInUse(const rte_mempool* pool) {
  return rte_mempool_in_use_count(pool);
}

}  // namespace chimney::dpdkio
