// SPDX-License-Identifier: BSD-3-Clause
// A crowd of connections at rest, as a worker keeps them, and the segments
// that their peers would send.
#ifndef CHIMNEY_TESTS_BENCH_ENGINE_CONNECTIONS_H_
#define CHIMNEY_TESTS_BENCH_ENGINE_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/chunk_pool.h"
#include "base/slab.h"
#include "base/time.h"
#include "packet/segment.h"
#include "tcp/engine.h"

namespace chimney::bench {

// What is measured at a time: the cost of reading the counter is spread over
// as many calls, and so is what a burst of frames shares.
inline constexpr size_t kBatch = 32;
// Connections are prepared in advance, so many that the first of them have
// left the caches when they are measured, if there are that many.
inline constexpr size_t kMostPrepared = 1 << 16;
inline constexpr uint32_t kMss = 1448;

// ESTABLISHED, with timestamps, SACK and window scaling.
tcp::TcpState StateAtRest();

// All of the same parameters and memory, one owner.
class Connections {
 public:
  explicit Connections(size_t count);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  size_t count() const { return count_; }
  // The next connection of a walk in random order.
  tcp::Tcb& Next() {
    tcp::Tcb& tcb = tcbs_[order_[at_]];
    at_ = at_ + 1 == count_ ? 0 : at_ + 1;
    return tcb;
  }

  Instant now() const { return now_; }
  void Advance(Duration by) { now_ = now_ + by; }
  tcp::ConnectionStore* store() { return &store_; }

  // A segment of the peer, in order and acknowledging everything, or as if
  // `data_ahead` more bytes had come and `acked` were the ACK.
  packet::Segment FromPeer(const tcp::Tcb& tcb, ByteSpan payload,
                           uint32_t data_ahead = 0) const;
  // One NBL of `bytes`, to be given back by Collect.
  tcp::SendRecord* MakeSend(uint32_t bytes);

  // What a worker does after a call: segments out, completions, and received
  // data to the application.
  void SendAll(tcp::Tcb& tcb);
  void Collect(tcp::Tcb& tcb);
  void Deliver(tcp::Tcb& tcb);
  // Acknowledges whatever is out.
  void AcknowledgeAll(tcp::Tcb& tcb);

  ByteSpan payload(size_t bytes) const {
    return ByteSpan(payload_.data(), bytes);
  }

 private:
  size_t count_;
  tcp::Parameters parameters_;
  std::vector<uint8_t> payload_;
  std::vector<uint8_t> memory_;
  ChunkPool chunks_;
  Slab<tcp::Fragment> fragments_;
  Slab<tcp::FlightRange> flight_ranges_;
  Slab<tcp::SendRecord> records_;
  Pool<tcp::Outgoing> outgoing_;
  Slab<tcp::Reassembly> reassemblies_;
  Slab<tcp::History> histories_;
  tcp::ConnectionStore store_;
  std::unique_ptr<tcp::Tcb[]> tcbs_;
  std::vector<uint32_t> order_;
  size_t at_ = 0;
  Instant now_ = Instant::FromNanos(1'000'000'000'000);
};

}  // namespace chimney::bench

#endif  // CHIMNEY_TESTS_BENCH_ENGINE_CONNECTIONS_H_
