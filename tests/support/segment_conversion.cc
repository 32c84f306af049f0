// SPDX-License-Identifier: BSD-3-Clause
// Field by field.
#include "tests/support/segment_conversion.h"

namespace chimney::testing {

WireSegment FromEngine(const tcp::OutSegment& segment) {
  WireSegment wire;
  wire.seq = segment.seq.value();
  wire.ack = segment.ack.value();
  wire.flags = segment.flags.bits;
  wire.raw_window = segment.raw_window;
  if (segment.options.has_timestamps) {
    wire.timestamps =
        WireSegment::Timestamps{segment.options.tsval, segment.options.tsecr};
  }
  for (uint8_t i = 0; i < segment.options.sack_count; ++i) {
    const packet::SackBlock& block = segment.options.sack[i];
    wire.sack.push_back({block.start.value(), block.end.value()});
  }
  for (uint8_t i = 0; i < segment.piece_count; ++i) {
    const ByteSpan bytes = segment.pieces[i].bytes;
    wire.payload.insert(wire.payload.end(), bytes.begin(), bytes.end());
  }
  return wire;
}

packet::Segment ToEngine(const WireSegment& segment) {
  packet::Segment out;
  out.seq = SeqNum(segment.seq);
  out.ack = SeqNum(segment.ack);
  out.raw_window = segment.raw_window;
  out.urgent_pointer = segment.urgent_pointer;
  out.flags = packet::TcpFlags{segment.flags};
  out.ttl = 64;
  if (segment.timestamps) {
    out.options.has_timestamps = true;
    out.options.tsval = segment.timestamps->value;
    out.options.tsecr = segment.timestamps->echo;
  }
  for (const WireSegment::Block& block : segment.sack) {
    if (out.options.sack_count == packet::kMaxSackBlocks) break;
    out.options.sack[out.options.sack_count++] = {SeqNum(block.left),
                                                  SeqNum(block.right)};
  }
  out.payload = segment.payload;
  return out;
}

}  // namespace chimney::testing
