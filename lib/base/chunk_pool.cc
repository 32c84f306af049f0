// SPDX-License-Identifier: BSD-3-Clause
// Set-up of the chunk pool; the rest is inline.
#include "base/chunk_pool.h"

namespace chimney {

ChunkPool::ChunkPool(uint8_t* base, uint32_t chunk_bytes, uint32_t chunk_count)
    : base_(base), chunk_bytes_(chunk_bytes), references_(chunk_count, 0) {
  assert(chunk_bytes != 0 && chunk_count < kNoChunk);
  free_.reserve(chunk_count);
  // Last on top, so that the first Allocate hands out chunk 0.
  for (ChunkIndex index = chunk_count; index > 0; --index) {
    free_.push_back(index - 1);
  }
}

}  // namespace chimney
