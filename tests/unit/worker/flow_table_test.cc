// SPDX-License-Identifier: BSD-3-Clause
// The flow table against std::map.
#include "worker/flow_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

#include "base/slab.h"

namespace chimney::worker {
namespace {

using Name = std::tuple<bool, uint32_t, uint16_t>;

FlowTuple TupleFor(const Name& name) {
  const auto& [v6, host, port] = name;
  FlowTuple tuple;
  if (v6) {
    std::array<uint8_t, 16> local{0xfd};
    std::array<uint8_t, 16> remote{0xfd};
    StoreBe32(&remote[12], host);
    tuple.local = IpAddress::FromV6Bytes(local);
    tuple.remote = IpAddress::FromV6Bytes(remote);
  } else {
    tuple.local = IpAddress::FromV4(0x0a000001);
    tuple.remote = IpAddress::FromV4(host);
  }
  tuple.local_port = 80;
  tuple.remote_port = port;
  return tuple;
}

class FlowTableProperty
    : public ::testing::TestWithParam<std::tuple<uint64_t, uint32_t>> {};

TEST_P(FlowTableProperty, AgreesWithAMap) {
  const auto [seed, max] = GetParam();
  Random random(seed);
  Slab<FlowKey> keys(max + 1);
  FlowTable table(max, HashKey{random.Next64(), random.Next64()},
                  keys.PlaceOf(0), sizeof(FlowKey));
  std::map<Name, FlowKey*> expected;
  for (int step = 0; step < 20000; ++step) {
    const Name name{random.Chance(1, 2), random.Below(8),
                    static_cast<uint16_t>(random.Below(30))};
    const FlowTuple tuple = TupleFor(name);
    const auto found = expected.find(name);
    FlowKey* hit = table.Find(tuple);
    ASSERT_EQ(hit, found == expected.end() ? nullptr : found->second);
    if (random.Chance(1, 2)) {
      FlowKey* key = keys.Allocate();
      key->tuple = tuple;
      const bool fits = found == expected.end() && expected.size() < max;
      ASSERT_EQ(table.Insert(key), fits);
      if (fits) {
        expected[name] = key;
      } else {
        keys.Free(key);
      }
    } else if (found != expected.end()) {
      ASSERT_TRUE(table.Erase(found->second));
      keys.Free(found->second);
      expected.erase(found);
    } else {
      FlowKey stranger;
      stranger.tuple = tuple;
      ASSERT_FALSE(table.Erase(&stranger));
    }
    ASSERT_EQ(table.size(), expected.size());
  }
}

// Powers of two, next to them and far from them; the small ones wrap around all
// the time.
INSTANTIATE_TEST_SUITE_P(
    Seeds, FlowTableProperty,
    ::testing::Combine(::testing::Range<uint64_t>(1, 6),
                       ::testing::Values(1, 7, 8, 9, 13, 50, 64, 65, 200)));

// Five keys whose search begins in the last two of `2 * max_flows` slots: all
// but two stand at the front of the table.
class FlowTableEnd : public ::testing::TestWithParam<uint32_t> {
 protected:
  static constexpr size_t kKeys = 5;

  void SetUp() override {
    const uint64_t slots = uint64_t{2} * GetParam();
    size_t found = 0;
    for (uint32_t host = 1; found < kKeys; ++host) {
      const FlowTuple tuple = TupleFor({false, host, 9});
      const uint64_t tag = static_cast<uint32_t>(table.Hash(tuple));
      // The first one in the last but one, the others in the last.
      const uint64_t home = slots - (found == 0 ? 2 : 1);
      if ((tag * slots) >> 32 == home) keys[found++].tuple = tuple;
    }
  }
  size_t CountFound() const {
    size_t found = 0;
    for (const FlowKey& key : keys) found += table.Find(key.tuple) == &key;
    return found;
  }

  std::array<FlowKey, kKeys> keys;
  FlowTable table{GetParam(), HashKey{3, 4}, keys.data(), sizeof(FlowKey)};
};

TEST_P(FlowTableEnd, SearchesAndGapsGoAround) {
  std::array<size_t, kKeys> order{0, 1, 2, 3, 4};
  do {
    for (FlowKey& key : keys) ASSERT_TRUE(table.Insert(&key));
    ASSERT_EQ(CountFound(), kKeys);
    for (size_t erased = 0; erased < kKeys; ++erased) {
      ASSERT_TRUE(table.Erase(&keys[order[erased]]));
      ASSERT_EQ(table.Find(keys[order[erased]].tuple), nullptr);
      ASSERT_EQ(CountFound(), kKeys - erased - 1);
    }
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(table.size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FlowTableEnd,
                         ::testing::Values(8, 9, 11, 16, 100));

TEST(FlowTable, ThePrefetchedHashFindsTheSame) {
  FlowKey key;
  FlowTable table(16, HashKey{1, 2}, &key, sizeof(key));
  key.tuple = TupleFor({false, 9, 9});
  ASSERT_TRUE(table.Insert(&key));
  const uint64_t hash = table.Hash(key.tuple);
  table.Prefetch(hash);
  EXPECT_EQ(table.Candidate(hash), &key);
  EXPECT_EQ(table.Candidate(hash + 1), nullptr);
  EXPECT_EQ(table.Find(hash, key.tuple), &key);
  EXPECT_EQ(table.Find(key.tuple.Reversed()), nullptr);
}

}  // namespace
}  // namespace chimney::worker
