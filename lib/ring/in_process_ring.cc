// SPDX-License-Identifier: BSD-3-Clause
// Memory of a ring inside one process.
#include "ring/in_process_ring.h"

#include <cassert>
#include <cstdlib>
#include <new>

namespace chimney::ring {

RingMemory::RingMemory(uint32_t element_bytes, uint32_t capacity) {
  assert(element_bytes != 0 && element_bytes % 4 == 0);
  assert(capacity != 0 && capacity <= (1u << 24));
  // rte_ring rounds its size up so that `capacity` elements fit beside the one
  // slot that always stays empty.
  uint32_t slots = 2;
  while (slots < capacity + 1) slots *= 2;
  const size_t wanted = sizeof(rte_ring) + size_t{slots} * element_bytes;
  const size_t bytes =
      (wanted + RTE_CACHE_LINE_SIZE - 1) & ~size_t{RTE_CACHE_LINE_SIZE - 1};
  memory_.reset(std::aligned_alloc(RTE_CACHE_LINE_SIZE, bytes));
  if (!memory_) throw std::bad_alloc();
  ring_ = static_cast<rte_ring*>(memory_.get());
  const int error =
      rte_ring_init(ring_, "in_process", capacity, RING_F_EXACT_SZ);
  assert(error == 0);
  static_cast<void>(error);
}

void RingMemory::Free::operator()(void* memory) const { std::free(memory); }

}  // namespace chimney::ring
