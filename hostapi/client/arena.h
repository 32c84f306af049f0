// SPDX-License-Identifier: BSD-3-Clause
// Buffers inside a session's send memory. All book-keeping lies outside it, so
// that nothing written into a buffer can damage the allocator.
#ifndef CHIMNEY_CLIENT_ARENA_H_
#define CHIMNEY_CLIENT_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace chimney::client {

// Best fit over extents of 64-byte granules, neighbours joined when freed. Not
// thread-safe: the session's lock covers it.
class Arena {
 public:
  static constexpr uint64_t kGranuleBytes = 64;

  Arena(uint8_t* base, uint64_t bytes);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // nullptr when no extent is large enough, or bytes is 0.
  uint8_t* Allocate(uint64_t bytes);
  // As much as possible between `least` and `wanted` bytes; *bytes says how
  // much. nullptr when not even `least` fits.
  uint8_t* AllocateUpTo(uint64_t wanted, uint64_t least, uint64_t* bytes);
  // False if `buffer` is not the start of an allocated buffer.
  bool Free(const void* buffer);
  // Whether the bytes lie inside one allocated buffer.
  bool Contains(const void* data, uint64_t bytes) const;

  uint64_t OffsetOf(const void* data) const {
    return static_cast<uint64_t>(static_cast<const uint8_t*>(data) - base_);
  }
  uint64_t free_bytes() const { return free_bytes_; }
  uint64_t largest_free_bytes() const {
    return free_by_size_.empty() ? 0 : free_by_size_.rbegin()->first;
  }

 private:
  void AddFree(uint64_t offset, uint64_t bytes);
  void RemoveFree(uint64_t offset, uint64_t bytes);

  uint8_t* base_;
  uint64_t free_bytes_ = 0;
  std::map<uint64_t, uint64_t> free_by_offset_;           // offset -> bytes
  std::set<std::pair<uint64_t, uint64_t>> free_by_size_;  // bytes, offset
  std::map<uint64_t, uint64_t> allocated_;                // offset -> bytes
};

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_ARENA_H_
