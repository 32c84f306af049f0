// SPDX-License-Identifier: BSD-3-Clause
// The host process's side of a daemon->host ring: entries are read in place
// from the published file (mapped read-only), and how far they were read is
// said in the shared file.
#ifndef CHIMNEY_RING_HOST_CONSUMER_H_
#define CHIMNEY_RING_HOST_CONSUMER_H_

#include <rte_ring.h>

#include <atomic>
#include <cstdint>

#include "abi/layout.h"
#include "abi/ring_entry.h"

namespace chimney::ring {

// One thread at a time.
class HostConsumer {
 public:
  HostConsumer() = default;
  HostConsumer(const void* ring, uint32_t ring_entries,
               std::atomic<uint32_t>* consumed)
      : ring_(static_cast<const rte_ring*>(ring)),
        slots_(static_cast<const uint8_t*>(ring) + sizeof(rte_ring)),
        mask_(ring_entries - 1),
        consumed_(consumed) {}

  // The oldest entry, or nullptr; valid until Release().
  const abi::NoticeEntry* Peek() {
    if (known_tail_ == index_) {
      // Acquire pairs with the daemon's release of prod.tail in its enqueue.
      known_tail_ = __atomic_load_n(&ring_->prod.tail, __ATOMIC_ACQUIRE);
      if (known_tail_ == index_) return nullptr;
    }
    return reinterpret_cast<const abi::NoticeEntry*>(
        slots_ + uint64_t{index_ & mask_} * sizeof(abi::NoticeEntry));
  }

  // Steps over the entry of the last Peek. The daemon may reuse its slot only
  // after Publish().
  void Release() { ++index_; }
  // Tells the daemon. Release pairs with the acquire in NoticeProducer.
  void Publish() { consumed_->store(index_, std::memory_order_release); }

  // Whether entries wait; sees what the daemon pushed before this call.
  bool HasEntries() const {
    return known_tail_ != index_ ||
           __atomic_load_n(&ring_->prod.tail, __ATOMIC_ACQUIRE) != index_;
  }

 private:
  const rte_ring* ring_ = nullptr;
  const uint8_t* slots_ = nullptr;
  uint32_t mask_ = 0;
  std::atomic<uint32_t>* consumed_ = nullptr;
  uint32_t index_ = 0;
  uint32_t known_tail_ = 0;
};

}  // namespace chimney::ring

#endif  // CHIMNEY_RING_HOST_CONSUMER_H_
