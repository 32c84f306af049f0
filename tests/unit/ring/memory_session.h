// SPDX-License-Identifier: BSD-3-Clause
// A session in plain memory: both files, formatted, with one worker lane.
#ifndef CHIMNEY_TESTS_UNIT_RING_MEMORY_SESSION_H_
#define CHIMNEY_TESTS_UNIT_RING_MEMORY_SESSION_H_

#include <gtest/gtest.h>
#include <rte_ring.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "abi/layout.h"
#include "ring/session_layout.h"

namespace chimney::ring {

class MemorySession {
 public:
  explicit MemorySession(uint32_t ring_entries) {
    SessionShape shape;
    shape.ring_entries = ring_entries;
    shape.arena_bytes = 64 * 1024;
    shape.chunk_bytes = 2048;
    shape.chunks_per_lane = 16;
    shape.record_count = 4;
    EXPECT_EQ(ComputeSessionLayout(shape, &layout_), LayoutVerdict::kOk);
    shared_ = Allocate(layout_.shared_bytes);
    published_ = Allocate(layout_.published_bytes);
    FormatSession(layout_, SessionIdentity{7, 0}, shared_.get(),
                  published_.get());
  }

  const SessionLayout& layout() const { return layout_; }
  uint8_t* shared() const { return shared_.get(); }
  uint8_t* published() const { return published_.get(); }
  rte_ring* requests(uint32_t lane) const {
    return reinterpret_cast<rte_ring*>(
        shared() + layout_.lanes[lane].host_to_daemon_offset);
  }
  rte_ring* notices(uint32_t lane) const {
    return reinterpret_cast<rte_ring*>(
        published() + layout_.lanes[lane].daemon_to_host_offset);
  }
  std::atomic<uint32_t>* consumed(uint32_t lane) const {
    return &reinterpret_cast<abi::SharedHeader*>(shared())
                ->lanes[lane]
                .consumed;
  }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };
  using Memory = std::unique_ptr<uint8_t, Free>;
  static Memory Allocate(uint64_t bytes) {
    auto* memory = static_cast<uint8_t*>(std::aligned_alloc(4096, bytes));
    std::memset(memory, 0, bytes);
    return Memory(memory);
  }

  SessionLayout layout_;
  Memory shared_;
  Memory published_;
};

}  // namespace chimney::ring

#endif  // CHIMNEY_TESTS_UNIT_RING_MEMORY_SESSION_H_
