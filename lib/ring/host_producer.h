// SPDX-License-Identifier: BSD-3-Clause
// The host process's side of a host->daemon ring: a plain rte_ring in the
// shared file. The library trusts the daemon.
#ifndef CHIMNEY_RING_HOST_PRODUCER_H_
#define CHIMNEY_RING_HOST_PRODUCER_H_

#include <rte_ring.h>

#include <cstdint>
#include <span>

#include "abi/ring_entry.h"

namespace chimney::ring {

// One thread at a time.
class HostProducer {
 public:
  HostProducer() = default;
  explicit HostProducer(void* ring) : ring_(static_cast<rte_ring*>(ring)) {}

  // False when the ring is full. rte_ring's release of prod.tail pairs with the
  // acquire in RequestConsumer::Peek.
  [[nodiscard]] bool Push(const abi::RequestEntry& entry) {
    return PushAll(std::span(&entry, 1));
  }
  // All of them or none.
  [[nodiscard]] bool PushAll(std::span<const abi::RequestEntry> entries) {
    const auto count = static_cast<unsigned int>(entries.size());
    return rte_ring_sp_enqueue_bulk_elem(ring_, entries.data(),
                                         sizeof(abi::RequestEntry), count,
                                         nullptr) == count;
  }
  uint32_t Room() const { return rte_ring_free_count(ring_); }
  uint32_t capacity() const { return ring_->capacity; }

 private:
  rte_ring* ring_ = nullptr;
};

}  // namespace chimney::ring

#endif  // CHIMNEY_RING_HOST_PRODUCER_H_
