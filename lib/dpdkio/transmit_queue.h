// SPDX-License-Identifier: BSD-3-Clause
// Frames on their way to one transmit queue, in order. What the driver does not
// take waits here for the next turn; what does not fit either is dropped and
// counted. One thread.
#ifndef CHIMNEY_DPDKIO_TRANSMIT_QUEUE_H_
#define CHIMNEY_DPDKIO_TRANSMIT_QUEUE_H_

#include <rte_mbuf.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace chimney::dpdkio {

class TapWriter;

struct TransmitQueueOptions {
  uint16_t port = 0;
  uint16_t queue = 0;
  // The driver refuses longer frames for good; they go to `long_frames`, which
  // outlives the queue, or are dropped.
  uint32_t longest_frame_bytes = UINT32_MAX;
  const TapWriter* long_frames = nullptr;
};

class TransmitQueue {
 public:
  // Frames that wait at most.
  static constexpr size_t kCapacity = 1024;

  explicit TransmitQueue(const TransmitQueueOptions& options)
      : options_(options) {}
  // Frees what waits.
  ~TransmitQueue();
  TransmitQueue(const TransmitQueue&) = delete;
  TransmitQueue& operator=(const TransmitQueue&) = delete;

  size_t Room() const { return kCapacity - count_; }
  size_t waiting() const { return count_; }

  // Appends; false and nothing taken when full.
  [[nodiscard]] bool Push(rte_mbuf* frame) {
    if (count_ == kCapacity) return false;
    frames_[count_++] = frame;
    return true;
  }

  // Takes a burst for sending at once, behind what waits. All are taken.
  void Send(std::span<rte_mbuf*> frames);

  // Offers what waits to the driver. Returns frames sent.
  size_t Flush();

  // Frees what waits.
  void Drop();

  // Any thread.
  uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  static void Count(std::atomic<uint64_t>* counter, uint64_t amount) {
    counter->store(counter->load(std::memory_order_relaxed) + amount,
                   std::memory_order_relaxed);
  }
  // Offers frames a bounded number of times; returns how many are done with.
  size_t Offer(std::span<rte_mbuf*> frames);
  void SendLong(rte_mbuf* frame);

  const TransmitQueueOptions options_;
  size_t count_ = 0;
  // Written by the owner thread alone.
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> dropped_{0};
  std::array<rte_mbuf*, kCapacity> frames_;
};

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_TRANSMIT_QUEUE_H_
