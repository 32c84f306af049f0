// SPDX-License-Identifier: BSD-3-Clause
// The per-connection record a worker publishes before anything it tells leaves
// for the peer (design D9), readable by other processes at any moment, also
// after this one was killed in the middle of a write.
#ifndef CHIMNEY_BASE_PUBLISHED_RECORD_H_
#define CHIMNEY_BASE_PUBLISHED_RECORD_H_

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace chimney {

// Plain values, host byte order. Part of the ABI: append only.
struct PublishedView {
  uint64_t connection_id = 0;  // 0 = slot unused
  uint32_t rcv_nxt = 0;
  uint32_t rcv_edge = 0;  // highest right window edge ever advertised
  uint32_t snd_una = 0;
  uint32_t snd_nxt = 0;
  uint32_t snd_max = 0;  // counts a sent FIN
  uint32_t tsval_max = 0;
  uint32_t snd_wnd = 0;
  uint8_t state = 0;  // tcp::ConnectionState
  uint8_t fin_sent = 0;
  uint8_t fin_received = 0;
  uint8_t fin_queued = 0;
  uint64_t bytes_sent = 0;      // accepted from the session
  uint64_t bytes_received = 0;  // made available to the session
};
static_assert(std::is_trivially_copyable_v<PublishedView>);
static_assert(sizeof(PublishedView) == 56);

// Two copies; `version` says which is whole: copy (version & 1) is readable and
// the other one may be in the middle of a write. So a kill at any point leaves
// the last whole one. Written by the owning worker; read by anybody.
struct alignas(128) PublishedRecord {
  std::atomic<uint64_t> version;  // release store pairs with Read's acquire
  PublishedView copies[2];

  void Write(const PublishedView& view) {
    // The previous version must be visible before its other copy is reused.
    std::atomic_thread_fence(std::memory_order_release);
    const uint64_t next = version.load(std::memory_order_relaxed) + 1;
    std::memcpy(&copies[next & 1], &view, sizeof(view));
    version.store(next, std::memory_order_release);
  }
  // A consistent copy, retried while the writer overtakes the reader.
  PublishedView Read() const {
    PublishedView view;
    for (;;) {
      const uint64_t before = version.load(std::memory_order_acquire);
      std::memcpy(&view, &copies[before & 1], sizeof(view));
      std::atomic_thread_fence(std::memory_order_acquire);
      const uint64_t after = version.load(std::memory_order_relaxed);
      // The copy read is only overwritten by the write after next.
      if (after == before) return view;
    }
  }
};
static_assert(sizeof(PublishedRecord) == 128);

}  // namespace chimney

#endif  // CHIMNEY_BASE_PUBLISHED_RECORD_H_
