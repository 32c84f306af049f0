// SPDX-License-Identifier: BSD-3-Clause
// Segments onto the wire, each published before it leaves (design D9).
#include <algorithm>

#include "packet/checksum.h"
#include "worker/worker_impl.h"

namespace chimney::worker {

void Worker::Impl::Output(Turn* turn) {
  Flow* flow = turn->flow;
  if (flow->stopped) return;
  const size_t room = frames_->TransmitRoom(Side::kWire);
  const size_t burst = std::min<size_t>(room, config_.output_burst_segments);
  tcp::OutSegment segment;
  if (burst > 0) {
    if (!tcp::NextSegment(flow->tcb, turn->now, &segment)) return;
    // Of the whole burst: only operations change what it is made from.
    const packet::HeaderTemplate headers = HeadersOf(*flow, flow->tcb.cached);
    for (size_t i = 1;; ++i) {
      Publish(flow);
      Transmit(flow, headers, segment);
      if (i == burst) break;
      if (!tcp::NextSegment(flow->tcb, turn->now, &segment)) return;
    }
  }
  if (!tcp::HasOutput(flow->tcb)) return;
  if (burst == room) {
    turn->wants_wire = true;
  } else {
    turn->wants_turn = true;
  }
}

void Worker::Impl::Publish(Flow* flow) {
  flow->publish_due = false;
  if (flow->published == nullptr) return;
  PublishedView view = tcp::Published(flow->tcb);
  view.connection_id = HandleOf(flow).Packed();
  flow->published->Write(view);
}

// R117: the upper half of the identifiers is ours, the lower the kernel's.
uint16_t Worker::Impl::NextIpId() {
  return static_cast<uint16_t>(0x8000u | (next_ip_id_++ & 0x7fffu));
}

packet::HeaderTemplate Worker::Impl::HeadersOf(
    const Flow& flow, const tcp::TcpCachedState& cached) {
  packet::HeaderTemplate headers;
  headers.src_mac = flow.next_hop.source_mac;
  headers.dst_mac = flow.next_hop.destination_mac;
  headers.vlan_id = flow.next_hop.vlan_id;
  headers.vlan_priority = cached.user_priority;
  headers.ttl = cached.ttl_or_hop_limit;
  headers.tos = cached.tos_or_traffic_class;
  headers.flow_label = cached.flow_label;
  headers.tuple = flow.tuple;
  return headers;
}

void Worker::Impl::Transmit(Flow* flow, const packet::HeaderTemplate& headers,
                            const tcp::OutSegment& segment) {
  packet::SegmentHeader header;
  header.seq = segment.seq;
  header.ack = segment.ack;
  header.flags = segment.flags;
  header.window_raw = segment.raw_window;
  header.options = segment.options;
  std::array<uint8_t, packet::kMaxHeaderBytes> bytes;
  const size_t header_bytes = packet::BuildHeaders(
      headers, header, NextIpId(), segment.payload_bytes, bytes);
  const packet::HeaderLengths lengths =
      packet::HeaderLengthsFor(headers, segment.options);
  OutFrame frame;
  frame.headers = ByteSpan(bytes).first(header_bytes);
  frame.l2_bytes = lengths.l2_bytes;
  frame.l3_bytes = lengths.l3_bytes;
  frame.l4_bytes = lengths.l4_bytes;
  frame.ipv6 = flow->tuple.local.IsV6();
  frame.payload_bytes = segment.payload_bytes;
  frame.piece_count = segment.piece_count;
  std::copy_n(segment.pieces.begin(), segment.piece_count,
              frame.pieces.begin());
  frame.checksum_by_port = frames_->ChecksumByPort();
  if (!frame.checksum_by_port) {
    uint32_t sum = 0;
    size_t summed = 0;
    for (size_t i = 0; i < segment.piece_count; ++i) {
      const ByteSpan piece = segment.pieces[i].bytes;
      sum = packet::CombineSums(sum, summed, packet::PartialSum(piece));
      summed += piece.size();
    }
    packet::FinishTcpChecksum(bytes, lengths, sum);
  }
  if (segment.flags.rst()) flow->reset_sent = true;
  if (!frames_->Transmit(Side::kWire, frame)) {
    Count(Counter::kTransmitRefused);
    return;
  }
  Count(Counter::kSegmentsOut);
  Count(Counter::kBytesOut, segment.payload_bytes);
  if (segment.payload_bytes == 0) Count(Counter::kPureAcksOut);
  if (segment.retransmission) Count(Counter::kRetransmissions);
}

// A whole frame made by somebody else.
bool Worker::Impl::SendToHost(ByteSpan frame_bytes) {
  OutFrame frame;
  frame.headers = frame_bytes;
  packet::FrameView view;
  const packet::ParseOptions trust_all{.ip_checksum_trusted = true,
                                       .l4_checksum_trusted = true};
  if (packet::ParseFrame(frame_bytes, trust_all, &view) ==
      packet::FrameVerdict::kTcp) {
    frame.l2_bytes = view.ethernet.length;
    frame.l3_bytes = static_cast<uint16_t>(view.tcp_offset - view.ip_offset);
    frame.l4_bytes =
        static_cast<uint16_t>(view.payload_offset - view.tcp_offset);
    frame.ipv6 = view.family == IpFamily::kIpv6;
  }
  if (frames_->Transmit(Side::kHost, frame)) return true;
  Count(Counter::kTransmitRefused);
  return false;
}

}  // namespace chimney::worker
