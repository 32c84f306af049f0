// SPDX-License-Identifier: BSD-3-Clause
// Pools of mbufs.
#ifndef CHIMNEY_DPDKIO_MEMPOOLS_H_
#define CHIMNEY_DPDKIO_MEMPOOLS_H_

#include <cstdint>
#include <memory>
#include <string>

struct rte_mempool;

namespace chimney::dpdkio {

struct FreeMempool {
  void operator()(rte_mempool* pool) const;
};
using Mempool = std::unique_ptr<rte_mempool, FreeMempool>;

struct MempoolOptions {
  std::string name;  // unique in the process, short
  uint32_t mbuf_count = 0;
  uint32_t data_room_bytes = 0;  // headroom included
  // End to end in virtual memory, whatever the pages behind it: for net_af_xdp.
  // A device that works on physical addresses needs the contrary.
  bool end_to_end = false;
};

// nullptr and a message if there is no memory.
Mempool CreateMempool(const MempoolOptions& options, std::string* error);

// Bytes that such a pool takes, for sizing EAL's memory.
uint64_t MempoolBytes(uint32_t mbuf_count, uint32_t data_room_bytes);

// Whether the pool is one area of memory without gaps between its objects, as
// net_af_xdp takes for granted. Walks all of them.
bool LiesEndToEnd(const rte_mempool* pool);

// Mbufs of the pool that somebody has. Walks every cache: for checks only.
uint32_t MbufsInUse(const rte_mempool* pool);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_MEMPOOLS_H_
