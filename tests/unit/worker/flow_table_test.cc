// SPDX-License-Identifier: BSD-3-Clause
// The flow table against std::map.
#include "worker/flow_table.h"

#include <gtest/gtest.h>

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

class FlowTableProperty : public ::testing::TestWithParam<uint64_t> {};

TEST_P(FlowTableProperty, AgreesWithAMap) {
  constexpr uint32_t kMax = 200;
  Random random(GetParam());
  Slab<FlowKey> keys(kMax + 1);
  FlowTable table(kMax, HashKey{random.Next64(), random.Next64()},
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
      const bool fits = found == expected.end() && expected.size() < kMax;
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

INSTANTIATE_TEST_SUITE_P(Seeds, FlowTableProperty,
                         ::testing::Range<uint64_t>(1, 6));

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
