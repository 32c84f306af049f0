// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/frame_port.h"

#include <cstring>

namespace chimney::daemon {

namespace {

using worker::OutFrame;
using worker::Side;

void AskForChecksum(const OutFrame& frame, rte_mbuf* mbuf) {
  mbuf->l2_len = frame.l2_bytes;
  mbuf->l3_len = frame.l3_bytes;
  mbuf->l4_len = frame.l4_bytes;
  mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM |
                    (frame.ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
}

}  // namespace

FramePort::FramePort(const FramePortOptions& options, CoreCounters* counters)
    : options_(options),
      counters_(counters),
      references_(options.max_references),
      wire_queue_(options.wire.transmit),
      host_queue_(options.host.transmit) {}

FramePort::~FramePort() = default;

size_t FramePort::TransmitRoom(Side side) const {
  return side == Side::kWire ? wire_queue_.Room() : host_queue_.Room();
}

bool FramePort::ChecksumByPort() const {
  return options_.wire.completes_tcp_checksum;
}

bool FramePort::MayReference(const PortSide& side,
                             const OutFrame& frame) const {
  if (side.payload != dpdkio::PayloadMode::kReferenced ||
      frame.payload_bytes < options_.zero_copy_threshold_bytes) {
    return false;
  }
  for (size_t i = 0; i < frame.piece_count; ++i) {
    // Bytes of nobody's record are only there for this call.
    if (frame.pieces[i].record == nullptr) return false;
  }
  return frame.piece_count != 0;
}

bool FramePort::Transmit(Side side, const OutFrame& frame) {
  dpdkio::TransmitQueue& out = queue(side);
  // What replaces parked frames may be more than a turn's worth.
  if (out.Room() == 0 && out.Flush() == 0) return false;
  const PortSide& port = this->side(side);
  rte_mbuf* mbuf = nullptr;
  if (MayReference(port, frame)) {
    mbuf = BuildReferenced(port, frame);
    if (mbuf != nullptr) counters_->Add(CoreCounter::kFramesReferenced);
  }
  if (mbuf == nullptr) {
    mbuf = BuildCopied(port, frame);
    if (mbuf == nullptr) return false;
    if (frame.payload_bytes != 0) counters_->Add(CoreCounter::kFramesCopied);
  }
  if (frame.checksum_by_port) AskForChecksum(frame, mbuf);
  (void)!out.Push(mbuf);  // There is room.
  return true;
}

rte_mbuf* FramePort::BuildCopied(const PortSide& side, const OutFrame& frame) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(side.pool);
  if (mbuf == nullptr) {
    counters_->Add(CoreCounter::kMbufsEmpty);
    return nullptr;
  }
  const size_t bytes = frame.headers.size() + frame.payload_bytes;
  if (bytes > rte_pktmbuf_tailroom(mbuf)) {
    counters_->Add(CoreCounter::kFramesTooLong);
    rte_pktmbuf_free(mbuf);
    return nullptr;
  }
  auto* to = rte_pktmbuf_mtod(mbuf, uint8_t*);
  std::memcpy(to, frame.headers.data(), frame.headers.size());
  to += frame.headers.size();
  for (size_t i = 0; i < frame.piece_count; ++i) {
    const ByteSpan piece = frame.pieces[i].bytes;
    if (piece.empty()) continue;
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
  mbuf->data_len = static_cast<uint16_t>(bytes);
  mbuf->pkt_len = static_cast<uint32_t>(bytes);
  return mbuf;
}

rte_mbuf* FramePort::BuildReferenced(const PortSide& side,
                                     const OutFrame& frame) {
  rte_mbuf* head = rte_pktmbuf_alloc(side.pool);
  if (head == nullptr) return nullptr;
  char* headers =
      rte_pktmbuf_append(head, static_cast<uint16_t>(frame.headers.size()));
  if (headers == nullptr) {
    rte_pktmbuf_free(head);
    return nullptr;
  }
  std::memcpy(headers, frame.headers.data(), frame.headers.size());
  rte_mbuf* tail = head;
  for (size_t i = 0; i < frame.piece_count; ++i) {
    if (frame.pieces[i].bytes.empty()) continue;
    if (!AppendReference(side, frame.pieces[i], head, &tail)) {
      rte_pktmbuf_free(head);  // Drops the references made so far.
      return nullptr;
    }
  }
  return head;
}

bool FramePort::AppendReference(const PortSide& side,
                                const tcp::OutSegment::Piece& piece,
                                rte_mbuf* head, rte_mbuf** tail) {
  Reference* reference = references_.Allocate();
  if (reference == nullptr) return false;
  rte_mbuf* mbuf = rte_pktmbuf_alloc(side.pool);
  if (mbuf == nullptr) {
    references_.Free(reference);
    return false;
  }
  reference->owner = this;
  reference->record = piece.record;
  reference->shared_info.free_cb = OnReferenceDropped;
  reference->shared_info.fcb_opaque = reference;
  rte_mbuf_ext_refcnt_set(&reference->shared_info, 1);
  const auto bytes = static_cast<uint16_t>(piece.bytes.size());
  // The driver only reads. Its CPU does, so no I/O address is needed.
  rte_pktmbuf_attach_extbuf(mbuf, const_cast<uint8_t*>(piece.bytes.data()),
                            RTE_BAD_IOVA, bytes, &reference->shared_info);
  ++piece.record->io_refs;
  mbuf->data_off = 0;
  mbuf->data_len = bytes;
  (*tail)->next = mbuf;
  *tail = mbuf;
  ++head->nb_segs;
  head->pkt_len += bytes;
  return true;
}

void FramePort::OnReferenceDropped(void* /*data*/, void* reference) {
  auto* dropped = static_cast<Reference*>(reference);
  --dropped->record->io_refs;
  dropped->owner->references_.Free(dropped);
}

void FramePort::ForwardHeld(Side to, void* handle) {
  auto* mbuf = static_cast<rte_mbuf*>(handle);
  // Behind what waits, and sent with it; a full queue makes room first.
  if (queue(to).Push(mbuf)) return;
  queue(to).Send(std::span<rte_mbuf*>(&mbuf, 1));
}

void FramePort::FreeHeld(void* handle) {
  rte_pktmbuf_free(static_cast<rte_mbuf*>(handle));
}

}  // namespace chimney::daemon
