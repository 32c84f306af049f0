// SPDX-License-Identifier: BSD-3-Clause
// Receive memory of an engine under test.
#include "tests/support/engine_store.h"

#include <algorithm>
#include <cstring>

namespace chimney::testing {

void EngineStore::Free(tcp::Fragment* fragment) {
  const ChunkIndex chunk = fragment->chunk;
  fragments_.Free(fragment);
  if (chunks_.Release(chunk)) {
    std::memset(chunks_.Data(chunk), 0xdd, chunks_.chunk_bytes());
  }
}

void EngineStore::FreeAll(tcp::FragmentList* list) {
  while (tcp::Fragment* fragment = list->PopFront()) Free(fragment);
}

bool EngineStore::Append(SeqNum seq, ByteSpan bytes, tcp::FragmentList* list) {
  while (!bytes.empty()) {
    tcp::Fragment* fragment = fragments_.Allocate();
    const ChunkIndex chunk = chunks_.Allocate();
    if (fragment == nullptr || chunk == kNoChunk) return false;
    const size_t count = std::min<size_t>(bytes.size(), chunks_.chunk_bytes());
    std::memcpy(chunks_.Data(chunk), bytes.data(), count);
    fragment->seq = seq;
    fragment->length = static_cast<uint32_t>(count);
    fragment->chunk = chunk;
    list->PushBack(fragment);
    seq += fragment->length;
    bytes = bytes.subspan(count);
  }
  return true;
}

std::string EngineStore::Leftovers() const {
  if (chunks_.in_use() == 0 && fragments_.in_use() == 0 &&
      flight_ranges_.in_use() == 0) {
    return "";
  }
  return "leak: " + std::to_string(chunks_.in_use()) + " chunks, " +
         std::to_string(fragments_.in_use()) + " fragments, " +
         std::to_string(flight_ranges_.in_use()) + " flight ranges";
}

}  // namespace chimney::testing
