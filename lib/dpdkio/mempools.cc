// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/mempools.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include <algorithm>
#include <cstdint>

namespace chimney::dpdkio {

namespace {

constexpr uint32_t kCacheMbufs = 256;
// Objects are not spread over memory channels by padding: an AF_XDP chunk
// fills its page exactly.
constexpr unsigned int kPoolFlags = RTE_MEMPOOL_F_NO_SPREAD;

// 0, or a negative errno.
int Populate(rte_mempool* pool, uint32_t data_room_bytes) {
  int result =
      rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
  if (result != 0) return result;
  rte_pktmbuf_pool_private room{};
  room.mbuf_data_room_size = static_cast<uint16_t>(data_room_bytes);
  rte_pktmbuf_pool_init(pool, &room);
  result = rte_mempool_populate_default(pool);
  if (result < 0) return result;
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return 0;
}

// From the first object to the end of the last one.
uint64_t UsedBytes(const rte_mempool& pool) {
  uintptr_t first = UINTPTR_MAX;
  uintptr_t last = 0;
  for (const rte_mempool_objhdr* object = STAILQ_FIRST(&pool.elt_list);
       object != nullptr; object = STAILQ_NEXT(object, next)) {
    const auto address = reinterpret_cast<uintptr_t>(object);
    first = std::min(first, address);
    last = std::max(last, address);
  }
  if (last == 0) return 0;
  return last - first + pool.header_size + pool.elt_size + pool.trailer_size;
}

}  // namespace

void FreeMempool::operator()(rte_mempool* pool) const {
  rte_mempool_free(pool);
}

Mempool CreateMempool(const MempoolOptions& options, std::string* error) {
  if (options.data_room_bytes > UINT16_MAX) {
    *error = "frames of " + std::to_string(options.data_room_bytes) +
             " bytes do not fit an mbuf of at most " +
             std::to_string(UINT16_MAX);
    return nullptr;
  }
  const uint32_t cache =
      options.mbuf_count >= 8 * kCacheMbufs ? kCacheMbufs : 0;
  Mempool pool(rte_mempool_create_empty(
      options.name.c_str(), options.mbuf_count,
      static_cast<unsigned int>(sizeof(rte_mbuf)) + options.data_room_bytes,
      cache, sizeof(rte_pktmbuf_pool_private),
      static_cast<int>(rte_socket_id()),
      options.end_to_end ? kPoolFlags | RTE_MEMPOOL_F_NO_IOVA_CONTIG
                         : kPoolFlags));
  const int result = pool == nullptr
                         ? -rte_errno
                         : Populate(pool.get(), options.data_room_bytes);
  if (result == 0) return pool;
  *error = "no memory for " + std::to_string(options.mbuf_count) +
           " mbufs of " + std::to_string(options.data_room_bytes) +
           " bytes: " + rte_strerror(-result);
  return nullptr;
}

uint64_t MempoolBytes(uint32_t mbuf_count, uint32_t data_room_bytes) {
  const uint32_t element =
      static_cast<uint32_t>(sizeof(rte_mbuf)) + data_room_bytes;
  const uint32_t object =
      rte_mempool_calc_obj_size(element, kPoolFlags, nullptr);
  // Each mbuf also has a place in the pool's ring, whose size is rounded up to
  // a power of two.
  return uint64_t{mbuf_count} * (object + 2 * sizeof(void*));
}

bool LiesEndToEnd(const rte_mempool* pool) {
  return pool->nb_mem_chunks == 1 &&
         uint64_t{pool->populated_size} *
                 (pool->header_size + pool->elt_size + pool->trailer_size) >=
             UsedBytes(*pool);
}

uint32_t MbufsInUse(const rte_mempool* pool) {
  return rte_mempool_in_use_count(pool);
}

}  // namespace chimney::dpdkio
