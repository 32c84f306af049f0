// SPDX-License-Identifier: BSD-3-Clause
// Object pools and generation-checked handles.
#include "base/slab.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace chimney {
namespace {

// Counts itself, so that a missing or doubled destructor shows.
struct Tracked {
  Tracked(int* alive_count, int v) : alive(alive_count), value(v) { ++*alive; }
  ~Tracked() { --*alive; }
  Tracked(const Tracked&) = delete;
  Tracked& operator=(const Tracked&) = delete;
  int* alive;
  int value;
};

struct alignas(64) CacheLine {
  uint8_t bytes[64];
};

TEST(Slab, HandsOutCapacityThenNull) {
  int alive = 0;
  Slab<Tracked> slab(3);
  std::set<Tracked*> objects;
  for (int i = 0; i < 3; ++i) objects.insert(slab.Allocate(&alive, i));
  EXPECT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects.count(nullptr), 0u);
  EXPECT_EQ(slab.Allocate(&alive, 9), nullptr);
  EXPECT_EQ(alive, 3);
  EXPECT_EQ(slab.in_use(), 3u);
  EXPECT_EQ(slab.capacity(), 3u);
  slab.Free(*objects.begin());
  EXPECT_EQ(alive, 2);
  EXPECT_EQ(slab.Allocate(&alive, 4), *objects.begin());
}

TEST(Slab, DestroysWhatIsLeft) {
  int alive = 0;
  {
    Slab<Tracked> slab(8);
    for (int i = 0; i < 5; ++i) slab.Allocate(&alive, i);
    EXPECT_EQ(alive, 5);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Slab, ZeroCapacityIsAlwaysFull) {
  Slab<int> slab(0);
  EXPECT_EQ(slab.Allocate(), nullptr);
  EXPECT_EQ(slab.At(0), nullptr);
}

TEST(Slab, IndexAndPointerAgree) {
  int alive = 0;
  Slab<Tracked> slab(4);
  Tracked* a = slab.Allocate(&alive, 1);
  Tracked* b = slab.Allocate(&alive, 2);
  EXPECT_NE(slab.IndexOf(a), slab.IndexOf(b));
  EXPECT_EQ(slab.At(slab.IndexOf(a)), a);
  const uint32_t index = slab.IndexOf(b);
  slab.Free(b);
  EXPECT_EQ(slab.At(index), nullptr);
  EXPECT_EQ(slab.At(4), nullptr);
  EXPECT_EQ(slab.At(0xffffffff), nullptr);
}

// Places for every connection there may be cost nothing before there are any.
TEST(Slab, ReusesAPlaceBeforeItTouchesANewOne) {
  int alive = 0;
  Slab<Tracked> slab(1u << 20);
  Tracked* first = slab.Allocate(&alive, 1);
  Tracked* second = slab.Allocate(&alive, 2);
  slab.Free(first);
  slab.Free(second);
  EXPECT_EQ(slab.Allocate(&alive, 3), second) << "last in, first out";
  EXPECT_EQ(slab.Allocate(&alive, 4), first);
  EXPECT_EQ(slab.IndexOf(slab.Allocate(&alive, 5)), 2u);
  EXPECT_EQ(slab.At(3), nullptr) << "never used";
  EXPECT_EQ(slab.used_end(), 3u) << "the most that were in use at once";
}

TEST(Slab, HonoursAlignment) {
  Slab<CacheLine> slab(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(slab.Allocate()) % 64, 0u);
  }
}

TEST(Slab, VisitsObjectsInUseAndAllowsFreeingThem) {
  int alive = 0;
  Slab<Tracked> slab(4);
  std::vector<Tracked*> objects;
  objects.reserve(4);
  for (int i = 0; i < 4; ++i) objects.push_back(slab.Allocate(&alive, i));
  slab.Free(objects[1]);
  int sum = 0;
  slab.ForEachInUse([&](Tracked* object) {
    sum += object->value;
    slab.Free(object);
  });
  EXPECT_EQ(sum, 0 + 2 + 3);
  EXPECT_EQ(slab.in_use(), 0u);
}

struct Sheet {
  explicit Sheet(int first = 7) : written(first) { ++made; }
  ~Sheet() { --made; }
  int written;
  static inline int made = 0;
};

TEST(Pool, HandsOutWhatWasGivenBackAsItWasLeft) {
  {
    Pool<Sheet> pool(2);
    Sheet* first = pool.Take();
    Sheet* second = pool.Take();
    EXPECT_EQ(pool.Take(), nullptr);
    EXPECT_EQ(pool.in_use(), 2u);
    EXPECT_EQ(first->written, 7);
    second->written = 8;
    pool.GiveBack(first);
    pool.GiveBack(second);
    EXPECT_EQ(pool.in_use(), 0u);
    EXPECT_EQ(Sheet::made, 2) << "none is destroyed";
    EXPECT_EQ(pool.Take(), second) << "last in, first out";
    EXPECT_EQ(second->written, 8);
    EXPECT_EQ(pool.Take(), first);
  }
  EXPECT_EQ(Sheet::made, 0);
}

TEST(HandleSlab, StaleHandleResolvesToNothing) {
  HandleSlab<int> slab(1);
  Handle first;
  int* object = slab.Allocate(&first, 41);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(slab.Get(first), object);
  EXPECT_EQ(slab.HandleOf(object), first);
  EXPECT_TRUE(slab.Free(first));
  EXPECT_EQ(slab.Get(first), nullptr);
  EXPECT_FALSE(slab.Free(first));
  Handle second;
  EXPECT_EQ(slab.Allocate(&second, 42), object);
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_EQ(slab.Get(first), nullptr);
  EXPECT_EQ(*slab.Get(second), 42);
}

TEST(HandleSlab, FullGivesTheHandleOfNothing) {
  HandleSlab<int> slab(1);
  slab.Allocate(nullptr, 1);
  Handle handle{3, 4};
  EXPECT_EQ(slab.Allocate(&handle, 2), nullptr);
  EXPECT_TRUE(handle.IsNone());
}

TEST(HandleSlab, AnyHandleIsSafeToResolve) {
  HandleSlab<int> slab(2);
  Handle handle;
  slab.Allocate(&handle, 1);
  EXPECT_EQ(slab.Get(Handle::None()), nullptr);
  EXPECT_EQ(slab.Get(Handle{handle.index, 0}), nullptr);
  EXPECT_EQ(slab.Get(Handle{handle.index, handle.generation + 1}), nullptr);
  EXPECT_EQ(slab.Get(Handle{1, 1}), nullptr);  // Never given out.
  EXPECT_EQ(slab.Get(Handle{0xffffffff, 1}), nullptr);
}

TEST(Handle, PacksIntoOneWordAndNothingIsZero) {
  const Handle handle{0x11223344, 0x55667788};
  EXPECT_EQ(handle.Packed(), 0x5566778811223344u);
  EXPECT_EQ(Handle::FromPacked(handle.Packed()), handle);
  EXPECT_EQ(Handle::None().Packed(), 0u);
}

}  // namespace
}  // namespace chimney
