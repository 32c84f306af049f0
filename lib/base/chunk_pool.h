// SPDX-License-Identifier: BSD-3-Clause
// Equal chunks of memory that belongs to someone else, for example a file
// shared with a session. All book-keeping lies in private memory: whatever
// another process writes into the chunks cannot lead the pool astray. One owner
// thread.
#ifndef CHIMNEY_BASE_CHUNK_POOL_H_
#define CHIMNEY_BASE_CHUNK_POOL_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimney {

using ChunkIndex = uint32_t;
inline constexpr ChunkIndex kNoChunk = 0xffffffff;

// Each chunk is free or held by one or more references. The memory outlives the
// pool and is never read or written by it.
class ChunkPool {
 public:
  // `base` is the start of chunk_bytes * chunk_count bytes; chunk_count is
  // below kNoChunk.
  ChunkPool(uint8_t* base, uint32_t chunk_bytes, uint32_t chunk_count);
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // A chunk with one reference, or kNoChunk when none is free. Its contents are
  // whatever they were.
  ChunkIndex Allocate() {
    if (free_.empty()) return kNoChunk;
    const ChunkIndex index = free_.back();
    free_.pop_back();
    references_[index] = 1;
    return index;
  }
  // True if `index` names a chunk that is held; use it on an index from
  // outside before anything else.
  bool IsHeld(ChunkIndex index) const {
    return index < references_.size() && references_[index] != 0;
  }
  // `index` is held.
  void AddRef(ChunkIndex index) {
    assert(IsHeld(index));
    ++references_[index];
  }
  // `index` is held; true if this was the last reference, and the chunk is free
  // again.
  bool Release(ChunkIndex index) {
    assert(IsHeld(index));
    if (--references_[index] != 0) return false;
    free_.push_back(index);  // Within the capacity reserved at construction.
    return true;
  }
  uint32_t references(ChunkIndex index) const {
    return index < references_.size() ? references_[index] : 0;
  }

  // `index` is below chunk_count(), held or not.
  uint8_t* Data(ChunkIndex index) const { return base_ + OffsetOf(index); }
  // Bytes from the pool's base to the chunk.
  uint64_t OffsetOf(ChunkIndex index) const {
    assert(index < references_.size());
    return static_cast<uint64_t>(index) * chunk_bytes_;
  }
  // The chunk that holds the byte at `offset`, kNoChunk outside the pool.
  ChunkIndex IndexAt(uint64_t offset) const {
    const uint64_t index = offset / chunk_bytes_;
    return index < references_.size() ? static_cast<ChunkIndex>(index)
                                      : kNoChunk;
  }

  uint32_t chunk_bytes() const { return chunk_bytes_; }
  uint32_t chunk_count() const {
    return static_cast<uint32_t>(references_.size());
  }
  uint32_t free_count() const { return static_cast<uint32_t>(free_.size()); }
  uint32_t in_use() const { return chunk_count() - free_count(); }

 private:
  uint8_t* base_;
  uint32_t chunk_bytes_;
  // A stack of free chunks, reserved to chunk_count so that it never grows.
  std::vector<ChunkIndex> free_;
  std::vector<uint32_t> references_;
};

}  // namespace chimney

#endif  // CHIMNEY_BASE_CHUNK_POOL_H_
