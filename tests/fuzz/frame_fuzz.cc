// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a frame, and any bytes as TCP options: the parsers stay inside
// them, and what they accept is consistent.
#include <cstddef>
#include <cstdint>

#include "packet/frame_view.h"
#include "packet/icmp.h"
#include "packet/tcp_options.h"

namespace {

using chimney::ByteSpan;
using chimney::MutableByteSpan;
using namespace chimney::packet;  // NOLINT(google-build-using-namespace)

void Require(bool holds) {
  if (!holds) __builtin_trap();
}

void CheckFrame(ByteSpan frame, ParseOptions options) {
  FrameView view;
  const FrameVerdict verdict = ParseFrame(frame, options, &view);
  Require(!FrameVerdictText(verdict).empty());
  if (view.has_ip) Require(view.frame_bytes <= frame.size());
  if (verdict == FrameVerdict::kTcp) Require(view.has_segment);
  if (!view.has_segment) return;
  Require(view.has_tuple);
  Require(view.payload_offset + view.segment.payload.size() ==
          view.frame_bytes);
  Require(view.segment.payload.data() == frame.data() + view.payload_offset);
}

// What is parsed, written and parsed again is the same.
void CheckOptions(ByteSpan bytes) {
  TcpOptions options;
  Require(ParseTcpOptions(bytes, &options) == !options.malformed);
  Require(options.sack_count <= kMaxSackBlocks);
  uint8_t buffer[40];
  const size_t length = EmitTcpOptions(options, MutableByteSpan(buffer));
  Require(length == TcpOptionsBytes(options));
  TcpOptions again;
  Require(ParseTcpOptions(ByteSpan(buffer, length), &again));
  Require(again.has_timestamps == options.has_timestamps &&
          again.tsval == options.tsval && again.tsecr == options.tsecr &&
          again.has_mss == options.has_mss && again.mss == options.mss &&
          again.has_wscale == options.has_wscale &&
          again.wscale == options.wscale &&
          again.sack_permitted == options.sack_permitted);
  for (uint8_t i = 0; i < again.sack_count; ++i) {
    Require(again.sack[i] == options.sack[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  CheckFrame(bytes, {});
  CheckFrame(bytes, {.ip_checksum_trusted = true, .l4_checksum_trusted = true});
  chimney::packet::IcmpError error;
  (void)chimney::packet::ParseIcmpError(bytes, &error);
  CheckOptions(bytes.first(size < 40 ? size : 40));
  return 0;
}
