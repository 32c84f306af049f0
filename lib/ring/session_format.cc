// SPDX-License-Identifier: BSD-3-Clause
// Writes headers and empty rings into the memory of a new session.
#include <rte_ring.h>

#include <cassert>
#include <cstring>
#include <new>

#include "ring/session_layout.h"

namespace chimney::ring {
namespace {

void FormatRing(void* memory, uint32_t ring_entries) {
  const int error = rte_ring_init(static_cast<rte_ring*>(memory), "session",
                                  ring_entries, RING_F_SP_ENQ | RING_F_SC_DEQ);
  assert(error == 0);
  static_cast<void>(error);
}

}  // namespace

void FormatSession(const SessionLayout& layout, const SessionIdentity& identity,
                   void* shared, void* published) {
  auto* shared_bytes = static_cast<uint8_t*>(shared);
  auto* published_bytes = static_cast<uint8_t*>(published);
  ::new (shared) abi::SharedHeader;
  auto* header = ::new (published) abi::PublishedHeader;
  header->session_id = identity.session_id;
  header->features = identity.features;
  header->lane_count = layout.lane_count;
  header->arena_offset = layout.arena_offset;
  header->arena_bytes = layout.arena_bytes;
  header->receive_offset = layout.receive_offset;
  header->chunk_bytes = layout.shape.chunk_bytes;
  header->chunks_per_lane = layout.shape.chunks_per_lane;
  header->records_offset = layout.records_offset;
  header->record_count = layout.shape.record_count;
  for (uint32_t i = 0; i < layout.lane_count; ++i) {
    const abi::Lane& lane = layout.lanes[i];
    header->lanes[i] = lane;
    FormatRing(shared_bytes + lane.host_to_daemon_offset, lane.ring_entries);
    FormatRing(published_bytes + lane.daemon_to_host_offset, lane.ring_entries);
  }
}

}  // namespace chimney::ring
