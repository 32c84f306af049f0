// SPDX-License-Identifier: BSD-3-Clause
// Asking for memory before it is needed, so that what many objects miss in the
// cache is waited for once.
#ifndef CHIMNEY_BASE_PREFETCH_H_
#define CHIMNEY_BASE_PREFETCH_H_

#include <cstddef>
#include <cstdint>

namespace chimney {

inline constexpr size_t kCacheLineBytes = 64;

// Every cache line of [at, at + bytes). Any address is safe.
inline void PrefetchBytes(const void* at, size_t bytes) {
  const auto* first = static_cast<const std::byte*>(at);
  for (size_t i = 0; i < bytes; i += kCacheLineBytes) {
    __builtin_prefetch(first + i, 1);
  }
  // The start need not be that of a line.
  __builtin_prefetch(first + bytes - 1, 1);
}

template <typename T>
void PrefetchObject(const T* object) {
  PrefetchBytes(object, sizeof(T));
}

}  // namespace chimney

#endif  // CHIMNEY_BASE_PREFETCH_H_
