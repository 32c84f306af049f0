// SPDX-License-Identifier: BSD-3-Clause
// From the 4-tuple of a frame to its flow.
#ifndef CHIMNEY_WORKER_FLOW_TABLE_H_
#define CHIMNEY_WORKER_FLOW_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/inet_address.h"
#include "base/random.h"

namespace chimney::worker {

// What can be found: a flow derives from it. The tuple is as this end sees it
// and does not change while the key is in a table.
struct FlowKey {
  FlowTuple tuple;
};

// Open addressing with linear probing, at most half full; keyed hashing keeps
// strangers from choosing tuples that collide. Look-ups in batches: hash and
// prefetch all, then find all.
class FlowTable {
 public:
  // Two slots of two words of 32 bits, since half of them stay empty.
  static constexpr size_t kBytesPerFlow = 16;

  // Takes all its memory here, two slots for each of `max_flows` (below 2^31;
  // for less than eight as for eight). Insert is called for at most
  // `max_flows`, all of them keys of one array: the first at `keys`,
  // `key_stride_bytes` apart.
  FlowTable(uint32_t max_flows, HashKey key, FlowKey* keys,
            size_t key_stride_bytes);

  uint64_t Hash(const FlowTuple& tuple) const {
    return HashFlowTuple(key_, tuple);
  }
  void Prefetch(uint64_t hash) const {
    __builtin_prefetch(&slots_[HomeOf(static_cast<uint32_t>(hash))]);
  }
  // `hash` is Hash(tuple); nullptr if the tuple is not there.
  FlowKey* Find(uint64_t hash, const FlowTuple& tuple) const {
    const auto tag = static_cast<uint32_t>(hash);
    for (uint32_t i = HomeOf(tag);; i = After(i)) {
      const Slot& slot = slots_[i];
      if (slot.place == kEmpty) return nullptr;
      if (slot.tag != tag) continue;
      FlowKey* key = KeyAt(slot.place);
      if (key->tuple == tuple) return key;
    }
  }
  // The first that Find would compare with, for a prefetch; nullptr if none.
  const FlowKey* Candidate(uint64_t hash) const {
    const auto tag = static_cast<uint32_t>(hash);
    for (uint32_t i = HomeOf(tag); slots_[i].place != kEmpty; i = After(i)) {
      if (slots_[i].tag == tag) return KeyAt(slots_[i].place);
    }
    return nullptr;
  }
  FlowKey* Find(const FlowTuple& tuple) const {
    return Find(Hash(tuple), tuple);
  }

  // False, and nothing changed, if the tuple is there or the table is full.
  bool Insert(FlowKey* key);
  // False if this key is not in the table.
  bool Erase(FlowKey* key);

  uint32_t size() const { return size_; }

 private:
  static constexpr uint32_t kEmpty = 0xffffffff;

  struct Slot {
    uint32_t place = kEmpty;  // of the key in its array
    uint32_t tag = 0;  // low half of the hash: HomeOf it is where to begin
  };

  static_assert(kBytesPerFlow == 2 * sizeof(Slot));

  // Where the search begins: the tag as a fraction of all tags, so that the
  // count of slots need not be a power of two.
  uint32_t HomeOf(uint32_t tag) const {
    return static_cast<uint32_t>((uint64_t{tag} * slot_count_) >> 32);
  }
  uint32_t After(uint32_t i) const { return i + 1 == slot_count_ ? 0 : i + 1; }
  // Steps from slot `from` to slot `to`.
  uint32_t Steps(uint32_t from, uint32_t to) const {
    return to >= from ? to - from : to + (slot_count_ - from);
  }

  FlowKey* KeyAt(uint32_t place) const {
    return reinterpret_cast<FlowKey*>(keys_ + place * key_stride_bytes_);
  }

  HashKey key_;
  uint32_t max_flows_;
  uint32_t slot_count_;
  uint32_t size_ = 0;
  std::byte* keys_;
  size_t key_stride_bytes_;
  std::vector<Slot> slots_;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_FLOW_TABLE_H_
