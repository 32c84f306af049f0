// SPDX-License-Identifier: BSD-3-Clause
// Where an engine under test keeps what it receives: a chunk pool over its own
// memory, slabs of fragments and flight ranges, all with a census for leaks.
#ifndef CHIMNEY_TESTS_SUPPORT_ENGINE_STORE_H_
#define CHIMNEY_TESTS_SUPPORT_ENGINE_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/chunk_pool.h"
#include "base/slab.h"
#include "tcp/fragments.h"
#include "tcp/tcb.h"

namespace chimney::testing {

class EngineStore {
 public:
  EngineStore(uint32_t chunk_bytes, uint32_t chunk_count,
              uint32_t fragment_count)
      : memory_(uint64_t{chunk_bytes} * chunk_count),
        chunks_(memory_.data(), chunk_bytes, chunk_count),
        fragments_(fragment_count),
        flight_ranges_(fragment_count),
        outgoing_(kConnections),
        reassemblies_(kConnections),
        histories_(kConnections) {}

  // For connections that all behave as `params` says.
  tcp::ConnectionStore* view(const tcp::Parameters* params) {
    view_.params = params;
    return &view_;
  }
  ByteSpan Bytes(const tcp::Fragment& fragment) const {
    return {chunks_.Data(fragment.chunk) + fragment.offset_in_chunk,
            fragment.length};
  }
  // Gives one fragment that is on no list back, with its chunk reference. The
  // chunk is overwritten when it becomes free, so that late readers show.
  void Free(tcp::Fragment* fragment);
  void FreeAll(tcp::FragmentList* list);
  // Appends a copy of `bytes` to `list` in as many fragments as it takes.
  // False if memory ran out.
  bool Append(SeqNum seq, ByteSpan bytes, tcp::FragmentList* list);
  // What is still in use, empty if nothing.
  std::string Leftovers() const;
  // Of parts of control blocks: they may wait for sends to be popped.
  uint32_t parts_in_use() const {
    return outgoing_.in_use() + reassemblies_.in_use();
  }

 private:
  // At a time: one, and those before a hand-over whose sends are not over.
  static constexpr uint32_t kConnections = 1024;

  std::vector<uint8_t> memory_;
  ChunkPool chunks_;
  Slab<tcp::Fragment> fragments_;
  Slab<tcp::FlightRange> flight_ranges_;
  Pool<tcp::Outgoing> outgoing_;
  Slab<tcp::Reassembly> reassemblies_;
  Slab<tcp::History> histories_;
  tcp::ConnectionStore view_{&chunks_,   &fragments_,    &flight_ranges_,
                             &outgoing_, &reassemblies_, &histories_,
                             nullptr};
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_ENGINE_STORE_H_
