// SPDX-License-Identifier: BSD-3-Clause
// Event counters named by an enumeration: one thread counts, any thread reads.
#ifndef CHIMNEY_BASE_COUNTERS_H_
#define CHIMNEY_BASE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace chimney {

// kCount 64-bit counters indexed by Enum (values 0..kCount-1). Written by the
// owning thread alone, so an increment is a plain load and store, not a locked
// read-modify-write. Readers on other threads see each counter whole but no
// order between two of them.
template <typename Enum, size_t kCount>
class alignas(64) CounterBlock {
 public:
  CounterBlock() = default;
  CounterBlock(const CounterBlock&) = delete;
  CounterBlock& operator=(const CounterBlock&) = delete;

  // Owner thread only.
  void Add(Enum which, uint64_t amount = 1) {
    std::atomic<uint64_t>& counter = counters_[static_cast<size_t>(which)];
    counter.store(counter.load(std::memory_order_relaxed) + amount,
                  std::memory_order_relaxed);
  }
  // Any thread.
  uint64_t Get(Enum which) const {
    return counters_[static_cast<size_t>(which)].load(
        std::memory_order_relaxed);
  }
  static constexpr size_t size() { return kCount; }

 private:
  static_assert(std::atomic<uint64_t>::is_always_lock_free);
  std::array<std::atomic<uint64_t>, kCount> counters_{};
};

}  // namespace chimney

#endif  // CHIMNEY_BASE_COUNTERS_H_
