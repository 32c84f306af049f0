// SPDX-License-Identifier: BSD-3-Clause
// A bounded queue between threads of one process, on rte_ring in memory of its
// own: no EAL, no hugepages. Used between the control core and the workers.
//
// Which side may be used by several threads is said by every call, not by the
// ring: EnqueueSp needs a single producer thread, EnqueueMp allows several; the
// calls of one kind must not be mixed on one side.
#ifndef CHIMNEY_RING_IN_PROCESS_RING_H_
#define CHIMNEY_RING_IN_PROCESS_RING_H_

#include <rte_ring.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace chimney::ring {

// An initialised rte_ring in aligned memory, allocated once.
class RingMemory {
 public:
  // Holds exactly `capacity` (1..2^24) elements of `element_bytes` (a multiple
  // of 4).
  RingMemory(uint32_t element_bytes, uint32_t capacity);
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;

  rte_ring* get() const { return ring_; }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> memory_;
  rte_ring* ring_;
};

// T is a pointer or a small trivially copyable value.
template <typename T>
class InProcessRing {
  static_assert(std::is_trivially_copyable_v<T>);
  static_assert(sizeof(T) % 4 == 0, "rte_ring copies whole 32-bit words");

 public:
  explicit InProcessRing(uint32_t capacity) : memory_(sizeof(T), capacity) {}

  // False when the ring is full; then nothing was enqueued. What the producer
  // wrote before is visible to the thread that dequeues the element.
  [[nodiscard]] bool EnqueueSp(const T& value) {
    return rte_ring_sp_enqueue_bulk_elem(memory_.get(), &value, sizeof(T), 1,
                                         nullptr) == 1;
  }
  [[nodiscard]] bool EnqueueMp(const T& value) {
    return rte_ring_mp_enqueue_bulk_elem(memory_.get(), &value, sizeof(T), 1,
                                         nullptr) == 1;
  }

  // False when the ring is empty.
  [[nodiscard]] bool DequeueSc(T* value) {
    return rte_ring_sc_dequeue_elem(memory_.get(), value, sizeof(T)) == 0;
  }
  [[nodiscard]] bool DequeueMc(T* value) {
    return rte_ring_mc_dequeue_elem(memory_.get(), value, sizeof(T)) == 0;
  }
  // As many as there are, at most values.size(); returns how many.
  size_t DequeueBurstSc(std::span<T> values) {
    return rte_ring_sc_dequeue_burst_elem(
        memory_.get(), values.data(), sizeof(T),
        static_cast<unsigned int>(values.size()), nullptr);
  }

  // A moment's view; exact only for the one thread on that side.
  uint32_t Count() const { return rte_ring_count(memory_.get()); }
  uint32_t Room() const { return rte_ring_free_count(memory_.get()); }
  uint32_t capacity() const { return memory_.get()->capacity; }

 private:
  RingMemory memory_;
};

}  // namespace chimney::ring

#endif  // CHIMNEY_RING_IN_PROCESS_RING_H_
