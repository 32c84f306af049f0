// SPDX-License-Identifier: BSD-3-Clause
// Send records; those freed too early are found by the address sanitizer.
#include "tests/support/send_memory.h"

#include <utility>

namespace chimney::testing {

SendMemory::~SendMemory() {
  for (auto& [key, owned] : owned_) owned.record->Unlink();
}

tcp::SendRecord* SendMemory::Make(std::vector<uint8_t> bytes, uint64_t offset,
                                  bool ends_nbl) {
  Owned owned;
  owned.bytes = std::move(bytes);
  owned.end_offset = offset + owned.bytes.size();
  owned.record = std::make_unique<tcp::SendRecord>();
  tcp::SendRecord* record = owned.record.get();
  record->data = owned.bytes.data();
  record->length = static_cast<uint32_t>(owned.bytes.size());
  record->nbl_id = next_nbl_id_++;
  record->ends_nbl = ends_nbl;
  record->push = ends_nbl;
  owned_.emplace(record, std::move(owned));
  return record;
}

uint64_t SendMemory::EndOffset(const tcp::SendRecord* record) const {
  return owned_.at(record).end_offset;
}

void SendMemory::Retire(tcp::SendRecord* record) {
  if (record->io_refs == 0) {
    owned_.erase(record);
  } else {
    owned_.at(record).retired = true;
  }
}

void SendMemory::ReleaseFromWire(tcp::SendRecord* record) {
  --record->io_refs;
  if (owned_.at(record).retired) Retire(record);
}

}  // namespace chimney::testing
