// SPDX-License-Identifier: BSD-3-Clause
// Received data that the application holds as RECEIVE events: who lent it, and
// how much of it has not come back yet.
#ifndef CHIMNEY_CLIENT_LENT_TABLE_H_
#define CHIMNEY_CLIENT_LENT_TABLE_H_

#include <cstdint>
#include <vector>

namespace chimney::client {

struct LentData {
  uint64_t connection = 0;  // wire id
  uint64_t flow = 0;
  uint32_t lane = 0;
  uint32_t chunk = 0;
  uint32_t left_bytes = 0;
};

// Tokens carry a generation: a stale one resolves to nothing.
class LentTable {
 public:
  uint64_t Add(const LentData& data) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.data = data;
    slot.used = true;
    return (uint64_t{slot.generation} << 32) | index;
  }
  // nullptr for a token that is not lent.
  LentData* Find(uint64_t token) {
    const auto index = static_cast<uint32_t>(token);
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    const bool same = slot.used && slot.generation == token >> 32;
    return same ? &slot.data : nullptr;
  }
  void Remove(uint64_t token) {
    Slot& slot = slots_[static_cast<uint32_t>(token)];
    slot.used = false;
    ++slot.generation;
    free_.push_back(static_cast<uint32_t>(token));
  }
  // Calls visit(LentData&) for all of one connection and removes them.
  template <typename Visit>
  void RemoveAllOf(uint64_t connection, Visit visit) {
    for (uint32_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      if (!slot.used || slot.data.connection != connection) continue;
      visit(slot.data);
      Remove((uint64_t{slot.generation} << 32) | i);
    }
  }

 private:
  struct Slot {
    LentData data;
    uint32_t generation = 1;
    bool used = false;
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_LENT_TABLE_H_
