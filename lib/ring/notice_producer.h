// SPDX-License-Identifier: BSD-3-Clause
// The daemon's side of a daemon->host ring. The ring is an rte_ring in the
// published file, which only the daemon can write; what the session writes is
// one word in the shared file that says how far it has read. That word is
// checked before the ring's consumer index is moved (design D5).
#ifndef CHIMNEY_RING_NOTICE_PRODUCER_H_
#define CHIMNEY_RING_NOTICE_PRODUCER_H_

#include <rte_ring.h>

#include <atomic>
#include <cstdint>

#include "abi/layout.h"
#include "abi/ring_entry.h"

namespace chimney::ring {

// One thread: the core that owns the lane.
class NoticeProducer {
 public:
  // `ring` is formatted, in the published file; `consumed` lies in the shared
  // file. Both stay mapped as long as this object is used.
  NoticeProducer(void* ring, const std::atomic<uint32_t>* consumed)
      : ring_(static_cast<rte_ring*>(ring)), consumed_(consumed) {}

  // Notices that Push would surely take now. 0 for good once the session has
  // written an impossible index: rules_broken() then says so.
  uint32_t Room() {
    const uint32_t room = ring_->capacity - (pushed_ - accepted_);
    if (room > ring_->capacity / 2 || broken_) return broken_ ? 0 : room;
    Refresh();
    return broken_ ? 0 : ring_->capacity - (pushed_ - accepted_);
  }

  // False when there is no room or the session broke the rules.
  [[nodiscard]] bool Push(const abi::NoticeEntry& entry) {
    return PushBytes(&entry);
  }
  [[nodiscard]] bool Push(const abi::QueryEntry& entry) {
    return PushBytes(&entry);
  }

  // The session's index did not lie between what it had consumed before and
  // what was produced: end the session.
  bool rules_broken() const { return broken_; }
  // Notices pushed and not yet consumed, as far as the session has said.
  uint32_t outstanding() {
    Refresh();
    return pushed_ - accepted_;
  }

 private:
  bool PushBytes(const void* entry) {
    if (Room() == 0) return false;
    // The call copies from the object; its parameter only lacks the const.
    if (rte_ring_sp_enqueue_elem(ring_, const_cast<void*>(entry),
                                 sizeof(abi::NoticeEntry)) != 0) {
      return false;
    }
    ++pushed_;
    return true;
  }

  void Refresh() {
    if (broken_) return;
    // Acquire pairs with the session's release in HostConsumer: it has finished
    // reading the slots before the index.
    const uint32_t said = consumed_->load(std::memory_order_acquire);
    if (said - accepted_ > pushed_ - accepted_) {
      broken_ = true;
      return;
    }
    accepted_ = said;
    // This thread is also the only reader of cons.tail.
    ring_->cons.tail = said;
  }

  rte_ring* ring_;
  const std::atomic<uint32_t>* consumed_;
  uint32_t pushed_ = 0;
  uint32_t accepted_ = 0;  // last index of the session that was checked
  bool broken_ = false;
};

}  // namespace chimney::ring

#endif  // CHIMNEY_RING_NOTICE_PRODUCER_H_
