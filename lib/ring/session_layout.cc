// SPDX-License-Identifier: BSD-3-Clause
// Offsets of everything in a session's two files, with every sum and product
// checked: the numbers in a shape may come from a session's hello.
#include "ring/session_layout.h"

#include <rte_ring.h>

#include "abi/ring_entry.h"
#include "base/published_record.h"

namespace chimney::ring {
namespace {

static_assert(sizeof(abi::RequestEntry) == 64);
static_assert(sizeof(abi::NoticeEntry) == 64);

bool IsPowerOfTwo(uint64_t value) {
  return value != 0 && (value & (value - 1)) == 0;
}

// Hands out room from the front of a file.
class Cursor {
 public:
  // Offset of `bytes` aligned to `alignment` (a power of two).
  uint64_t Take(uint64_t bytes, uint64_t alignment) {
    uint64_t start = 0;
    if (__builtin_add_overflow(end_, alignment - 1, &start)) ok_ = false;
    start &= ~(alignment - 1);
    if (bytes > kMaxPartBytes) ok_ = false;
    if (__builtin_add_overflow(start, bytes, &end_)) ok_ = false;
    return start;
  }
  uint64_t end() const { return end_; }
  bool ok() const { return ok_; }

 private:
  uint64_t end_ = 0;
  bool ok_ = true;
};

LayoutVerdict CheckShape(const SessionShape& shape) {
  if (shape.worker_count > abi::kMaxWorkers) {
    return LayoutVerdict::kTooManyWorkers;
  }
  if (!IsPowerOfTwo(shape.ring_entries) ||
      shape.ring_entries < kMinRingEntries ||
      shape.ring_entries > kMaxRingEntries) {
    return LayoutVerdict::kBadRingEntries;
  }
  if (!IsPowerOfTwo(shape.page_bytes) || shape.page_bytes < 4096 ||
      shape.page_bytes > (uint64_t{1} << 30)) {
    return LayoutVerdict::kBadPageSize;
  }
  const bool no_chunks = shape.chunks_per_lane == 0 && shape.chunk_bytes == 0;
  if (!no_chunks &&
      (shape.chunk_bytes == 0 || shape.chunk_bytes % 64 != 0 ||
       shape.chunks_per_lane == 0 || shape.chunks_per_lane == UINT32_MAX)) {
    return LayoutVerdict::kBadChunks;
  }
  if (shape.arena_bytes > kMaxPartBytes) return LayoutVerdict::kTooLarge;
  return LayoutVerdict::kOk;
}

}  // namespace

uint64_t SessionRingBytes(uint32_t ring_entries) {
  return sizeof(rte_ring) + uint64_t{ring_entries} * 64;
}

LayoutVerdict ComputeSessionLayout(const SessionShape& shape,
                                   SessionLayout* layout) {
  const LayoutVerdict verdict = CheckShape(shape);
  if (verdict != LayoutVerdict::kOk) return verdict;
  *layout = SessionLayout{};
  layout->shape = shape;
  layout->lane_count = 1 + shape.worker_count;

  // The factors are below 2^32, so neither product overflows 64 bits.
  layout->receive_lane_bytes =
      uint64_t{shape.chunks_per_lane} * shape.chunk_bytes;
  const uint64_t record_bytes =
      uint64_t{shape.record_count} * sizeof(PublishedRecord);
  if (layout->receive_lane_bytes > kMaxPartBytes / abi::kMaxWorkers) {
    return LayoutVerdict::kTooLarge;
  }

  const uint64_t page = shape.page_bytes;
  Cursor shared;
  Cursor published;
  shared.Take(sizeof(abi::SharedHeader), 64);
  published.Take(sizeof(abi::PublishedHeader), 64);
  const uint64_t ring_bytes = SessionRingBytes(shape.ring_entries);
  for (uint32_t i = 0; i < layout->lane_count; ++i) {
    abi::Lane& lane = layout->lanes[i];
    lane.ring_entries = shape.ring_entries;
    lane.host_to_daemon_offset = shared.Take(ring_bytes, 4096);
    lane.daemon_to_host_offset = published.Take(ring_bytes, 4096);
  }
  layout->arena_bytes = (shape.arena_bytes + page - 1) & ~(page - 1);
  layout->arena_offset = shared.Take(layout->arena_bytes, page);
  layout->records_offset =
      published.Take(record_bytes, alignof(PublishedRecord));
  layout->receive_offset =
      published.Take(layout->receive_lane_bytes * shape.worker_count, page);
  layout->shared_bytes = shared.Take(0, page);
  layout->published_bytes = published.Take(0, page);
  return shared.ok() && published.ok() ? LayoutVerdict::kOk
                                       : LayoutVerdict::kTooLarge;
}

const char* LayoutVerdictText(LayoutVerdict verdict) {
  switch (verdict) {
    case LayoutVerdict::kOk:
      return "ok";
    case LayoutVerdict::kTooManyWorkers:
      return "more workers than a session has lanes for";
    case LayoutVerdict::kBadRingEntries:
      return "ring entries must be a power of two from 8 to 262144";
    case LayoutVerdict::kBadPageSize:
      return "page size must be a power of two from 4 KiB to 1 GiB";
    case LayoutVerdict::kBadChunks:
      return "receive chunks must be a multiple of 64 bytes";
    case LayoutVerdict::kTooLarge:
      return "a part of the session is too large";
  }
  return "unknown";
}

}  // namespace chimney::ring
