// SPDX-License-Identifier: BSD-3-Clause
// The layout of struct rte_ring as this build sees it.
#include "ring/ring_layout.h"

#include <rte_ring.h>

#include <cstddef>

namespace chimney::ring {

abi::RingLayout ThisBuildsRingLayout() {
  abi::RingLayout layout;
  layout.struct_bytes = sizeof(rte_ring);
  layout.size_offset = offsetof(rte_ring, size);
  layout.mask_offset = offsetof(rte_ring, mask);
  layout.capacity_offset = offsetof(rte_ring, capacity);
  layout.producer_head_offset =
      offsetof(rte_ring, prod) + offsetof(rte_ring_headtail, head);
  layout.producer_tail_offset =
      offsetof(rte_ring, prod) + offsetof(rte_ring_headtail, tail);
  layout.consumer_head_offset =
      offsetof(rte_ring, cons) + offsetof(rte_ring_headtail, head);
  layout.consumer_tail_offset =
      offsetof(rte_ring, cons) + offsetof(rte_ring_headtail, tail);
  return layout;
}

}  // namespace chimney::ring
