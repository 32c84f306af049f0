// SPDX-License-Identifier: BSD-3-Clause
// Computes where everything lies in the two files of a session (abi/layout.h),
// and puts headers and empty rings into them. Used by the daemon, and by tests
// that build a session in plain memory.
#ifndef CHIMNEY_RING_SESSION_LAYOUT_H_
#define CHIMNEY_RING_SESSION_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "abi/layout.h"

namespace chimney::ring {

// What a session is to hold.
struct SessionShape {
  uint32_t worker_count = 1;     // 0: a management session, control lane only
  uint32_t ring_entries = 1024;  // per ring; a power of two, kMin..kMax below
  uint64_t arena_bytes = 0;      // rounded up to whole pages
  uint32_t chunk_bytes = 0;      // a multiple of 64, 0 only with 0 chunks
  uint32_t chunks_per_lane = 0;  // per worker
  uint32_t record_count = 0;     // connections that can be published at once
  uint64_t page_bytes = 4096;    // a power of two; both files are whole pages
};

inline constexpr uint32_t kMinRingEntries = 8;
inline constexpr uint32_t kMaxRingEntries = 1u << 18;
// No single part of a session is larger than this.
inline constexpr uint64_t kMaxPartBytes = uint64_t{1} << 40;

// Why a shape has no layout.
enum class LayoutVerdict : uint8_t {
  kOk,
  kTooManyWorkers,
  kBadRingEntries,
  kBadPageSize,
  kBadChunks,
  kTooLarge,
};
const char* LayoutVerdictText(LayoutVerdict verdict);

// Offsets from the start of each file. The daemon keeps this private copy and
// never reads an offset back from the session's memory.
struct SessionLayout {
  SessionShape shape;
  uint32_t lane_count = 0;  // 1 + shape.worker_count
  abi::Lane lanes[abi::kMaxLanes];
  uint64_t arena_offset = 0;  // shared file
  uint64_t arena_bytes = 0;
  uint64_t receive_offset = 0;  // published file
  uint64_t receive_lane_bytes = 0;
  uint64_t records_offset = 0;  // published file
  uint64_t shared_bytes = 0;    // file sizes, whole pages
  uint64_t published_bytes = 0;
};

// Fills `*layout`, or says why it cannot; then `*layout` is unspecified.
LayoutVerdict ComputeSessionLayout(const SessionShape& shape,
                                   SessionLayout* layout);

// Bytes of one ring of 64-byte entries with its header; a multiple of 64.
uint64_t SessionRingBytes(uint32_t ring_entries);

struct SessionIdentity {
  uint32_t session_id = 0;
  uint64_t features = 0;
};

// Writes both headers and every ring into two zeroed, page-aligned memories of
// layout.shared_bytes and layout.published_bytes. Before the other side sees
// them. Needs librte_ring.
void FormatSession(const SessionLayout& layout, const SessionIdentity& identity,
                   void* shared, void* published);

// First byte of the chunks of worker `worker` in the published file.
inline uint64_t ReceiveLaneOffset(const SessionLayout& layout,
                                  uint32_t worker) {
  return layout.receive_offset + uint64_t{worker} * layout.receive_lane_bytes;
}

}  // namespace chimney::ring

#endif  // CHIMNEY_RING_SESSION_LAYOUT_H_
