// SPDX-License-Identifier: BSD-3-Clause
// Changes of the flow table; look-ups are inline.
#include "worker/flow_table.h"

#include <algorithm>

namespace chimney::worker {

FlowTable::FlowTable(uint32_t max_flows, HashKey key, FlowKey* keys,
                     size_t key_stride_bytes)
    : key_(key),
      max_flows_(max_flows),
      slot_count_(2 * std::max<uint32_t>(max_flows, 8)),
      keys_(reinterpret_cast<std::byte*>(keys)),
      key_stride_bytes_(key_stride_bytes) {
  slots_.resize(slot_count_);
}

bool FlowTable::Insert(FlowKey* key) {
  if (size_ == max_flows_) return false;
  const uint64_t hash = Hash(key->tuple);
  if (Find(hash, key->tuple) != nullptr) return false;
  const auto tag = static_cast<uint32_t>(hash);
  uint32_t i = HomeOf(tag);
  while (slots_[i].place != kEmpty) i = After(i);
  const auto offset =
      static_cast<size_t>(reinterpret_cast<std::byte*>(key) - keys_);
  slots_[i] = Slot{static_cast<uint32_t>(offset / key_stride_bytes_), tag};
  ++size_;
  return true;
}

bool FlowTable::Erase(FlowKey* key) {
  uint32_t hole = HomeOf(static_cast<uint32_t>(Hash(key->tuple)));
  for (;; hole = After(hole)) {
    if (slots_[hole].place == kEmpty) return false;
    if (KeyAt(slots_[hole].place) == key) break;
  }
  // Close the gap: what stands behind may move into the hole unless its search
  // begins between the hole and where it stands.
  for (uint32_t i = After(hole); slots_[i].place != kEmpty; i = After(i)) {
    if (Steps(HomeOf(slots_[i].tag), i) >= Steps(hole, i)) {
      slots_[hole] = slots_[i];
      hole = i;
    }
  }
  slots_[hole] = Slot{};
  --size_;
  return true;
}

}  // namespace chimney::worker
