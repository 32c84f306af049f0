// SPDX-License-Identifier: BSD-3-Clause
// Which bytes of a stream are there, as disjoint ranges with holes between.
#ifndef CHIMNEY_TESTS_SUPPORT_BYTE_RANGES_H_
#define CHIMNEY_TESTS_SUPPORT_BYTE_RANGES_H_

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

namespace chimney::testing {

// Ranges are [from, to).
class ByteRanges {
 public:
  void Add(uint64_t from, uint64_t to) {
    if (from >= to) return;
    auto next = end_of_.upper_bound(from);
    if (next != end_of_.begin() && std::prev(next)->second >= from) {
      next = std::prev(next);
      from = next->first;
    }
    while (next != end_of_.end() && next->first <= to) {
      to = std::max(to, next->second);
      next = end_of_.erase(next);
    }
    end_of_.emplace_hint(next, from, to);
  }

  bool Contains(uint64_t from, uint64_t to) const {
    if (from >= to) return true;
    const auto next = end_of_.upper_bound(from);
    return next != end_of_.begin() && std::prev(next)->second >= to;
  }

  // The first byte that is missing.
  uint64_t FirstHole() const {
    const auto first = end_of_.begin();
    return first == end_of_.end() || first->first != 0 ? 0 : first->second;
  }

 private:
  std::map<uint64_t, uint64_t> end_of_;  // by first byte
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_BYTE_RANGES_H_
