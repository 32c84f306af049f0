// SPDX-License-Identifier: BSD-3-Clause
// The worker's frames as mbufs on two DPDK ports. One per worker, its core's
// alone.
#ifndef CHIMNEY_DAEMON_FRAME_PORT_H_
#define CHIMNEY_DAEMON_FRAME_PORT_H_

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/slab.h"
#include "daemon/core_counter.h"
#include "dpdkio/port_capabilities.h"
#include "dpdkio/receive.h"
#include "dpdkio/transmit_queue.h"
#include "worker/frame.h"

namespace chimney::daemon {

// One worker's queue on one port.
struct PortSide {
  dpdkio::ReceiveQueue receive;
  dpdkio::TransmitQueueOptions transmit;
  rte_mempool* pool = nullptr;  // for frames made here
  dpdkio::PayloadMode payload = dpdkio::PayloadMode::kCopied;
  bool completes_tcp_checksum = false;
};

struct FramePortOptions {
  PortSide wire;
  PortSide host;
  // Payload below this is copied even where it could be referenced.
  uint32_t zero_copy_threshold_bytes = 0;
  // References to session memory that drivers can have at a time.
  uint32_t max_references = 16384;
};

class FramePort final : public worker::FramePort {
 public:
  // `counters` belongs to the same core and outlives this.
  FramePort(const FramePortOptions& options, CoreCounters* counters);
  // Frees what waits; no frame made here is in a driver's hands any more.
  ~FramePort() override;

  // worker::FramePort.
  size_t TransmitRoom(worker::Side side) const override;
  bool Transmit(worker::Side side, const worker::OutFrame& frame) override;
  void ForwardHeld(worker::Side to, void* handle) override;
  void FreeHeld(void* handle) override;
  bool ChecksumByPort() const override;

  // Frames received on the other side, on their way out unchanged, in order.
  void Forward(worker::Side to, std::span<rte_mbuf*> frames) {
    queue(to).Send(frames);
  }
  // Offers what waits on both sides to the drivers. Returns frames sent.
  size_t Flush() { return wire_queue_.Flush() + host_queue_.Flush(); }

  // Frees what waits on both sides.
  void Drop() {
    wire_queue_.Drop();
    host_queue_.Drop();
  }

  const PortSide& side(worker::Side which) const {
    return which == worker::Side::kWire ? options_.wire : options_.host;
  }
  dpdkio::TransmitQueue& queue(worker::Side which) {
    return which == worker::Side::kWire ? wire_queue_ : host_queue_;
  }
  // References to session memory that are out.
  uint32_t references() const { return references_.in_use(); }

 private:
  // Session memory that one mbuf points into.
  struct Reference {
    rte_mbuf_ext_shared_info shared_info{};
    FramePort* owner = nullptr;
    tcp::SendRecord* record = nullptr;
  };
  static void OnReferenceDropped(void* data, void* reference);

  // A chain with the headers first, or nullptr: nothing was raised then.
  rte_mbuf* BuildReferenced(const PortSide& side,
                            const worker::OutFrame& frame);
  rte_mbuf* BuildCopied(const PortSide& side, const worker::OutFrame& frame);
  bool AppendReference(const PortSide& side,
                       const tcp::OutSegment::Piece& piece, rte_mbuf* head,
                       rte_mbuf** tail);
  bool MayReference(const PortSide& side, const worker::OutFrame& frame) const;

  const FramePortOptions options_;
  CoreCounters* const counters_;
  // Before the queues: what waits in them refers to it.
  Slab<Reference> references_;
  dpdkio::TransmitQueue wire_queue_;
  dpdkio::TransmitQueue host_queue_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_FRAME_PORT_H_
