// SPDX-License-Identifier: BSD-3-Clause
// Fixed-capacity object pools. Memory is taken once, at construction; after
// that Allocate and Free are O(1) and touch no allocator. One owner thread.
#ifndef CHIMNEY_BASE_SLAB_H_
#define CHIMNEY_BASE_SLAB_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace chimney {

// A pool of `capacity` objects of type T. Allocate constructs a T, Free
// destroys it; those still in use are destroyed with the slab. Freed slots are
// reused last in, first out, while their memory is still in the cache; what was
// never used was never touched, and takes addresses but no memory.
template <typename T>
class Slab {
 public:
  explicit Slab(uint32_t capacity)
      : slots_(std::make_unique_for_overwrite<Slot[]>(capacity)),
        next_free_(std::make_unique_for_overwrite<uint32_t[]>(capacity)),
        capacity_(capacity) {}
  ~Slab() {
    ForEachInUse([this](T* object) { Free(object); });
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // nullptr when every slot is in use.
  template <typename... Args>
  T* Allocate(Args&&... args) {
    uint32_t index = first_free_;
    if (index != kEndOfList) {
      first_free_ = next_free_[index];
    } else if (used_once_ != capacity_) {
      index = used_once_++;
    } else {
      return nullptr;
    }
    next_free_[index] = kInUse;
    ++in_use_;
    return ::new (static_cast<void*>(slots_[index].bytes))
        T(std::forward<Args>(args)...);
  }
  // `object` came from Allocate of this slab and is in use.
  void Free(T* object) {
    const uint32_t index = IndexOf(object);
    assert(index < used_once_ && next_free_[index] == kInUse);
    object->~T();
    next_free_[index] = first_free_;
    first_free_ = index;
    --in_use_;
  }

  uint32_t IndexOf(const T* object) const {
    const auto* slot = reinterpret_cast<const Slot*>(object);
    return static_cast<uint32_t>(slot - slots_.get());
  }
  // nullptr if `index` is out of range or its slot is free; so an index from
  // outside may be passed as it is.
  T* At(uint32_t index) {
    return index < used_once_ && next_free_[index] == kInUse ? Pointer(index)
                                                             : nullptr;
  }

  // Where the object `index` is, or would be.
  T* PlaceOf(uint32_t index) {
    return reinterpret_cast<T*>(slots_[index].bytes);
  }

  uint32_t in_use() const { return in_use_; }
  // No index from here on was ever in use.
  uint32_t used_end() const { return used_once_; }
  uint32_t capacity() const { return capacity_; }

  // Calls visit(T*) for each object in use, O(capacity). `visit` may free the
  // object that it is given, and no other.
  template <typename Visit>
  void ForEachInUse(Visit visit) {
    for (uint32_t i = 0; i < used_once_; ++i) {
      if (next_free_[i] == kInUse) visit(Pointer(i));
    }
  }

 private:
  static constexpr uint32_t kEndOfList = 0xffffffff;
  static constexpr uint32_t kInUse = 0xfffffffe;

  struct Slot {
    alignas(T) std::byte bytes[sizeof(T)];
  };

  T* Pointer(uint32_t index) {
    return std::launder(reinterpret_cast<T*>(slots_[index].bytes));
  }

  std::unique_ptr<Slot[]> slots_;
  // For a free slot the next free one, for one in use kInUse; below used_once_.
  std::unique_ptr<uint32_t[]> next_free_;
  uint32_t capacity_;
  uint32_t used_once_ = 0;  // slots from here on have never been touched
  uint32_t first_free_ = kEndOfList;
  uint32_t in_use_ = 0;
};

// A pool whose objects stay constructed while nobody has them: one is taken as
// it was given back, which costs less than making it anew. A place that was
// never used was never touched. One owner thread.
template <typename T>
class Pool {
 public:
  explicit Pool(uint32_t capacity)
      : slots_(std::make_unique_for_overwrite<Slot[]>(capacity)),
        waiting_(std::make_unique_for_overwrite<uint32_t[]>(capacity)),
        capacity_(capacity) {}
  ~Pool() {
    for (uint32_t i = 0; i < made_; ++i) At(i)->~T();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // The one given back last, or else a new one; nullptr when there is none.
  T* Take() {
    if (waiting_count_ != 0) return At(waiting_[--waiting_count_]);
    if (made_ == capacity_) return nullptr;
    return ::new (static_cast<void*>(slots_[made_++].bytes)) T();
  }
  // `object` was taken from this pool.
  void GiveBack(T* object) {
    const auto* slot = reinterpret_cast<const Slot*>(object);
    assert(slot >= slots_.get() && slot < slots_.get() + made_);
    assert(waiting_count_ < made_);
    waiting_[waiting_count_++] = static_cast<uint32_t>(slot - slots_.get());
  }
  uint32_t in_use() const { return made_ - waiting_count_; }

 private:
  struct Slot {
    alignas(T) std::byte bytes[sizeof(T)];
  };

  T* At(uint32_t index) {
    return std::launder(reinterpret_cast<T*>(slots_[index].bytes));
  }

  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<uint32_t[]> waiting_;  // a stack
  uint32_t capacity_;
  uint32_t made_ = 0;
  uint32_t waiting_count_ = 0;
};

// Names an object of a HandleSlab for longer than it may live: after the object
// is freed, its handle is stale and resolves to nothing. The default handle
// names nothing, and its packed value is 0.
struct Handle {
  uint32_t index = 0;
  uint32_t generation = 0;  // 0 = none

  static constexpr Handle None() { return Handle{}; }
  constexpr bool IsNone() const { return generation == 0; }
  constexpr uint64_t Packed() const {
    return (static_cast<uint64_t>(generation) << 32) | index;
  }
  static constexpr Handle FromPacked(uint64_t packed) {
    return Handle{static_cast<uint32_t>(packed),
                  static_cast<uint32_t>(packed >> 32)};
  }
  friend constexpr bool operator==(Handle, Handle) = default;
};

// A slab whose objects are named by generation-checked handles. A handle may
// come from an untrusted side: any value is safe to pass to Get.
template <typename T>
class HandleSlab {
 public:
  // Beside the object: its generation, and where the next free one is.
  static constexpr size_t kBytesBeside = 2 * sizeof(uint32_t);

  explicit HandleSlab(uint32_t capacity)
      : slab_(capacity), generations_(capacity, 1) {}

  // nullptr (and *handle = none) when full. `handle` may be nullptr.
  template <typename... Args>
  T* Allocate(Handle* handle, Args&&... args) {
    T* object = slab_.Allocate(std::forward<Args>(args)...);
    if (handle != nullptr) {
      *handle = object == nullptr ? Handle::None() : HandleOf(object);
    }
    return object;
  }
  // nullptr if the handle is none, stale or was never given out.
  T* Get(Handle handle) {
    T* object = slab_.At(handle.index);
    if (object == nullptr) return nullptr;
    return generations_[handle.index] == handle.generation ? object : nullptr;
  }
  Handle HandleOf(const T* object) const {
    const uint32_t index = slab_.IndexOf(object);
    return Handle{index, generations_[index]};
  }
  void Free(T* object) {
    const uint32_t index = slab_.IndexOf(object);
    slab_.Free(object);
    // 0 is never a generation, it marks the handle that names nothing.
    if (++generations_[index] == 0) generations_[index] = 1;
  }
  // False, and nothing freed, if the handle is stale.
  bool Free(Handle handle) {
    T* object = Get(handle);
    if (object == nullptr) return false;
    Free(object);
    return true;
  }

  T* At(uint32_t index) { return slab_.At(index); }
  T* PlaceOf(uint32_t index) { return slab_.PlaceOf(index); }
  uint32_t IndexOf(const T* object) const { return slab_.IndexOf(object); }
  uint32_t in_use() const { return slab_.in_use(); }
  uint32_t used_end() const { return slab_.used_end(); }
  uint32_t capacity() const { return slab_.capacity(); }
  template <typename Visit>
  void ForEachInUse(Visit visit) {
    slab_.ForEachInUse([&visit](T* object) { visit(object); });
  }

 private:
  Slab<T> slab_;
  std::vector<uint32_t> generations_;
};

}  // namespace chimney

#endif  // CHIMNEY_BASE_SLAB_H_
