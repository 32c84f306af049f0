// SPDX-License-Identifier: BSD-3-Clause
// The daemon's side of a host->daemon ring. The ring lies in memory that the
// session can write at any time, so nothing in it is believed: size, mask and
// the consumer index are the daemon's own, the producer's index is checked, and
// each entry is copied out exactly once before anybody looks at it (design D5).
#ifndef CHIMNEY_RING_REQUEST_CONSUMER_H_
#define CHIMNEY_RING_REQUEST_CONSUMER_H_

#include <rte_ring.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>

#include "abi/ring_entry.h"

namespace chimney::ring {

enum class RequestRingVerdict : uint8_t {
  kEntry,  // *entry was filled
  kEmpty,
  kRulesBroken,  // the session wrote an impossible index: end it
};

// One thread: the core that owns the lane.
class RequestConsumer {
 public:
  // `ring` is a formatted ring of `ring_entries` slots; it stays mapped as long
  // as this object is used. `index`: entries taken before, 0 for a new ring.
  RequestConsumer(void* ring, uint32_t ring_entries, uint32_t index = 0)
      : ring_(static_cast<rte_ring*>(ring)),
        slots_(static_cast<const uint8_t*>(ring) + sizeof(rte_ring)),
        mask_(ring_entries - 1),
        capacity_(ring_entries - 1),
        index_(index),
        known_tail_(index),
        told_(index) {}

  // Copies the oldest entry out and leaves it in the ring. Each call copies
  // again; the caller must act on the copy whose op it has checked.
  RequestRingVerdict Peek(abi::RequestEntry* entry) {
    if (known_tail_ == index_) {
      if (sealed_) return RequestRingVerdict::kEmpty;
      // Acquire pairs with the release of prod.tail by the session's
      // rte_ring_sp_enqueue: the entries up to the tail are written.
      known_tail_ = __atomic_load_n(&ring_->prod.tail, __ATOMIC_ACQUIRE);
      if (known_tail_ - index_ > capacity_) {
        known_tail_ = index_;
        return RequestRingVerdict::kRulesBroken;
      }
      if (known_tail_ == index_) return RequestRingVerdict::kEmpty;
    }
    // Volatile: one read of each word, whatever the optimiser would like.
    const auto* from = reinterpret_cast<const volatile uint64_t*>(
        slots_ + uint64_t{index_ & mask_} * sizeof(abi::RequestEntry));
    uint64_t words[sizeof(abi::RequestEntry) / sizeof(uint64_t)];
    for (size_t i = 0; i < std::size(words); ++i) words[i] = from[i];
    std::memcpy(static_cast<void*>(entry), words, sizeof(words));
    return RequestRingVerdict::kEntry;
  }

  // The flows that the next entries name, as far as Peek has looked: to
  // prefetch, the session may still write others. Returns how many: none while
  // the oldest entry is one of those told before.
  size_t FlowsAhead(std::span<uint64_t> flows) {
    const uint32_t known = known_tail_ - index_;
    const uint32_t told = told_ - index_;  // huge if behind
    if (told != 0 && told <= known) return 0;
    const uint32_t count =
        static_cast<uint32_t>(std::min<size_t>(flows.size(), known));
    for (uint32_t i = 0; i < count; ++i) {
      const auto* entry = reinterpret_cast<const volatile abi::RequestEntry*>(
          slots_ + uint64_t{(index_ + i) & mask_} * sizeof(abi::RequestEntry));
      flows[i] = entry->flow;
    }
    told_ = index_ + count;
    return count;
  }

  // Takes the entry of the last Peek that returned kEntry out of the ring; the
  // session may reuse its slot.
  void Pop() {
    ++index_;
    // Release pairs with the acquire of cons.tail in the session's enqueue. The
    // daemon only ever writes this word, so a session that overwrites it fools
    // nobody but itself.
    __atomic_store_n(&ring_->cons.tail, index_, __ATOMIC_RELEASE);
  }

  // What is in the ring now is all that will ever be taken from it: whoever
  // still writes to it is not waited for. kRulesBroken as above.
  RequestRingVerdict Seal() {
    if (sealed_) return RequestRingVerdict::kEmpty;
    sealed_ = true;
    // Acquire as in Peek.
    const uint32_t tail = __atomic_load_n(&ring_->prod.tail, __ATOMIC_ACQUIRE);
    if (tail - index_ > capacity_) return RequestRingVerdict::kRulesBroken;
    known_tail_ = tail;
    return RequestRingVerdict::kEmpty;
  }

  // Entries taken so far, modulo 2^32.
  uint32_t index() const { return index_; }

 private:
  rte_ring* ring_;
  const uint8_t* slots_;
  uint32_t mask_;
  uint32_t capacity_;
  uint32_t index_;
  // Producer index that was checked last; entries before it may be read.
  uint32_t known_tail_;
  uint32_t told_;  // end of what FlowsAhead told last
  bool sealed_ = false;
};

}  // namespace chimney::ring

#endif  // CHIMNEY_RING_REQUEST_CONSUMER_H_
