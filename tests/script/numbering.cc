// SPDX-License-Identifier: BSD-3-Clause
// Translation of segments, and their comparison.
#include "tests/script/numbering.h"

namespace chimney::script {
namespace {

using testing::WireSegment;

// The stream's byte 0 stands behind the SYN.
constexpr uint32_t kFirstByte = 1;

bool EcnMatches(EcnMark expected, EcnMark seen) {
  if (expected == EcnMark::kAny) return true;
  if (expected == EcnMark::kEitherEct) {
    return seen == EcnMark::kEct0 || seen == EcnMark::kEct1;
  }
  return expected == seen;
}

bool IsNear(const std::optional<uint32_t>& expected,
            const std::optional<uint32_t>& seen, uint32_t tolerance) {
  if (!expected) return true;
  if (!seen) return false;
  const uint32_t apart = *seen - *expected;
  return apart <= tolerance || 0 - apart <= tolerance;
}

std::string OptionDifferences(const OptionText& expected,
                              const OptionText& seen, uint32_t ts_tolerance) {
  if (expected.any) return "";
  std::string text;
  if (expected.timestamps.has_value() != seen.timestamps.has_value()) {
    text += " timestamps";
  } else if (expected.timestamps) {
    if (!IsNear(expected.timestamps->value, seen.timestamps->value,
                ts_tolerance)) {
      text += " TSval";
    }
    if (!IsNear(expected.timestamps->echo, seen.timestamps->echo, 0)) {
      text += " TSecr";
    }
  }
  if (expected.sack != seen.sack) text += " sack";
  const bool syn_options_differ =
      expected.mss != seen.mss || expected.wscale != seen.wscale ||
      expected.sack_permitted != seen.sack_permitted;
  if (syn_options_differ) text += " options-of-a-SYN";
  return text;
}

}  // namespace

WireSegment Numbering::ToWire(const SegmentText& segment) const {
  WireSegment wire;
  wire.flags = segment.flags;
  wire.seq = origins_.peer_isn + segment.start;
  wire.ack = segment.ack ? origins_.isn + *segment.ack : 0;
  wire.raw_window = segment.window.value_or(0);
  wire.urgent_pointer = segment.urgent_pointer;
  if (segment.options.timestamps) {
    const uint32_t value = segment.options.timestamps->value.value_or(0);
    const uint32_t echo = segment.options.timestamps->echo.value_or(0);
    // An echo of 0 is none.
    wire.timestamps = WireSegment::Timestamps{
        origins_.peer_ts + value, echo == 0 ? 0 : origins_.ts + echo};
  }
  for (const OptionText::Block& block : segment.options.sack) {
    wire.sack.push_back(
        {origins_.isn + block.left, origins_.isn + block.right});
  }
  wire.payload =
      peer_stream_.Bytes(segment.start - kFirstByte, segment.payload_bytes);
  return wire;
}

SegmentText Numbering::ToText(const SentSegment& sent) const {
  const WireSegment& wire = sent.segment;
  SegmentText text;
  text.ecn = sent.ecn;
  text.flags = wire.flags;
  text.start = wire.seq - origins_.isn;
  text.payload_bytes = static_cast<uint32_t>(wire.payload.size());
  if (wire.Has(testing::kAck)) text.ack = wire.ack - origins_.peer_isn;
  text.window = wire.raw_window;
  text.urgent_pointer = wire.urgent_pointer;
  if (wire.timestamps) {
    text.options.timestamps =
        OptionText::Timestamps{wire.timestamps->value - origins_.ts,
                               wire.timestamps->echo - origins_.peer_ts};
  }
  for (const WireSegment::Block& block : wire.sack) {
    text.options.sack.push_back(
        {block.left - origins_.peer_isn, block.right - origins_.peer_isn});
  }
  return text;
}

ConnectionStart Numbering::ToWire(const ConnectionStart& start) const {
  ConnectionStart wire = start;
  wire.snd_nxt += origins_.isn;
  wire.rcv_nxt += origins_.peer_isn;
  wire.ts_now += origins_.ts;
  wire.ts_recent += origins_.peer_ts;
  return wire;
}

bool Numbering::HasOwnBytes(const SentSegment& sent) const {
  const uint32_t offset = sent.segment.seq - origins_.isn - kFirstByte;
  return !own_stream_.FirstMismatch(offset, sent.segment.payload);
}

bool Numbering::ArePeerBytes(uint64_t from,
                             const std::vector<uint8_t>& bytes) const {
  return !peer_stream_.FirstMismatch(from, bytes);
}

std::string Differences(const SegmentText& expected, const SegmentText& seen,
                        uint32_t ts_tolerance) {
  std::string text;
  if (!EcnMatches(expected.ecn, seen.ecn)) text += " ECN-mark";
  if (expected.flags != seen.flags) text += " flags";
  if (expected.start != seen.start) text += " sequence-number";
  if (expected.payload_bytes != seen.payload_bytes) text += " length";
  if (expected.ack != seen.ack) text += " ack";
  if (expected.window && expected.window != seen.window) text += " win";
  if (expected.urgent_pointer != seen.urgent_pointer) text += " urg";
  return text + OptionDifferences(expected.options, seen.options, ts_tolerance);
}

}  // namespace chimney::script
