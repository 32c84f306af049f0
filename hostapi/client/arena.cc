// SPDX-License-Identifier: BSD-3-Clause
// Buffers inside a session's send memory.
#include "hostapi/client/arena.h"

#include <algorithm>

namespace chimney::client {

Arena::Arena(uint8_t* base, uint64_t bytes) : base_(base) {
  const uint64_t usable = bytes & ~(kGranuleBytes - 1);
  if (usable != 0) AddFree(0, usable);
}

void Arena::AddFree(uint64_t offset, uint64_t bytes) {
  free_by_offset_.emplace(offset, bytes);
  free_by_size_.emplace(bytes, offset);
  free_bytes_ += bytes;
}

void Arena::RemoveFree(uint64_t offset, uint64_t bytes) {
  free_by_offset_.erase(offset);
  free_by_size_.erase({bytes, offset});
  free_bytes_ -= bytes;
}

uint8_t* Arena::Allocate(uint64_t bytes) {
  if (bytes == 0 || bytes > free_bytes_) return nullptr;
  const uint64_t wanted = (bytes + kGranuleBytes - 1) & ~(kGranuleBytes - 1);
  const auto best = free_by_size_.lower_bound({wanted, 0});
  if (best == free_by_size_.end()) return nullptr;
  const auto [extent_bytes, offset] = *best;
  RemoveFree(offset, extent_bytes);
  if (extent_bytes > wanted) AddFree(offset + wanted, extent_bytes - wanted);
  allocated_.emplace(offset, wanted);
  return base_ + offset;
}

uint8_t* Arena::AllocateUpTo(uint64_t wanted, uint64_t least, uint64_t* bytes) {
  *bytes = std::min(wanted, largest_free_bytes());
  if (*bytes < least) return nullptr;
  return Allocate(*bytes);
}

bool Arena::Free(const void* buffer) {
  const auto it = allocated_.find(OffsetOf(buffer));
  if (it == allocated_.end()) return false;
  uint64_t offset = it->first;
  uint64_t bytes = it->second;
  allocated_.erase(it);
  auto next = free_by_offset_.lower_bound(offset);
  if (next != free_by_offset_.end() && next->first == offset + bytes) {
    const auto [next_offset, next_bytes] = *next;
    RemoveFree(next_offset, next_bytes);
    bytes += next_bytes;
  }
  next = free_by_offset_.lower_bound(offset);
  if (next != free_by_offset_.begin()) {
    const auto [previous_offset, previous_bytes] = *std::prev(next);
    if (previous_offset + previous_bytes == offset) {
      RemoveFree(previous_offset, previous_bytes);
      offset = previous_offset;
      bytes += previous_bytes;
    }
  }
  AddFree(offset, bytes);
  return true;
}

bool Arena::Contains(const void* data, uint64_t bytes) const {
  const uint64_t offset = OffsetOf(data);
  auto it = allocated_.upper_bound(offset);
  if (it == allocated_.begin()) return false;
  --it;
  const uint64_t inside = offset - it->first;
  return inside <= it->second && bytes <= it->second - inside;
}

}  // namespace chimney::client
