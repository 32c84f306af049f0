// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a frame, as TCP options and as an ICMP error: the parsers of
// frame, segment and options stay inside them, what they accept is consistent,
// and what is built from it parses to the same.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "packet/checksum.h"
#include "packet/frame_builder.h"
#include "packet/frame_view.h"
#include "packet/icmp.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"
#include "packet/tcp_options.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using chimney::ByteSpan;
using chimney::MutableByteSpan;
using chimney::testing::Require;
using namespace chimney::packet;  // NOLINT(google-build-using-namespace)

bool SameOptions(const TcpOptions& a, const TcpOptions& b) {
  return a.has_timestamps == b.has_timestamps && a.tsval == b.tsval &&
         a.tsecr == b.tsecr && a.has_mss == b.has_mss && a.mss == b.mss &&
         a.has_wscale == b.has_wscale && a.wscale == b.wscale &&
         a.sack_permitted == b.sack_permitted;
}

// A whole segment, built anew from what was understood of it.
void CheckRebuilt(const FrameView& view) {
  HeaderTemplate headers;
  headers.src_mac = view.ethernet.src;
  headers.dst_mac = view.ethernet.dst;
  headers.ttl = view.ttl;
  headers.tos = view.tos;
  headers.flow_label = view.flow_label;
  headers.tuple = view.TupleAsSender();
  const Segment& segment = view.segment;
  SegmentHeader header;
  header.seq = segment.seq;
  header.ack = segment.ack;
  header.flags = segment.flags;
  header.window_raw = segment.raw_window;
  header.urgent_pointer = segment.urgent_pointer;
  header.options = segment.options;
  std::vector<uint8_t> bytes(kMaxHeaderBytes + segment.payload.size());
  const size_t built =
      BuildFrame(headers, header, view.ip_id, segment.payload, bytes);
  // Its options may be longer now, with padding.
  Require(built != 0 || segment.payload.size() > 65'000);
  if (built == 0) return;
  FrameView again;
  Require(ParseFrame(ByteSpan(bytes).first(built), {}, &again) ==
          FrameVerdict::kTcp);
  Require(again.frame_bytes == built);
  Require(again.TupleAsSender() == view.TupleAsSender());
  Require(again.ttl == view.ttl && again.tos == view.tos);
  Require(again.flow_label == view.flow_label);
  const Segment& copy = again.segment;
  Require(copy.seq == segment.seq && copy.ack == segment.ack);
  Require(copy.flags == segment.flags);
  Require(copy.raw_window == segment.raw_window);
  Require(copy.urgent_pointer == segment.urgent_pointer);
  Require(SameOptions(copy.options, segment.options));
  Require(std::equal(copy.payload.begin(), copy.payload.end(),
                     segment.payload.begin(), segment.payload.end()));
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
  if (verdict == FrameVerdict::kTcp) CheckRebuilt(view);
}

// What is parsed, written and parsed again is the same.
void CheckOptions(ByteSpan bytes) {
  TcpOptions options;
  Require(ParseTcpOptions(bytes, &options) == !options.malformed);
  Require(options.sack_count <= kMaxSackBlocks);
  std::array<uint8_t, 40> buffer;
  const size_t length = EmitTcpOptions(options, MutableByteSpan(buffer));
  Require(length == TcpOptionsBytes(options));
  TcpOptions again;
  Require(ParseTcpOptions(ByteSpan(buffer).first(length), &again));
  Require(SameOptions(again, options));
  Require(again.sack_count ==
          std::min(options.sack_count, SackBlocksThatFit(options)));
  for (uint8_t i = 0; i < again.sack_count; ++i) {
    Require(again.sack[i] == options.sack[i]);
  }
}

void StoreChecksum(uint32_t sum, uint8_t* field) {
  const uint16_t checksum = FinishChecksum(sum);
  field[0] = static_cast<uint8_t>(checksum >> 8);
  field[1] = static_cast<uint8_t>(checksum & 0xff);
}

// The checksums of an ICMP message and its IPv4 header made right: nobody would
// guess them.
void RepairChecksums(const FrameView& view, MutableByteSpan frame) {
  const bool is_v4 = view.family == chimney::IpFamily::kIpv4;
  const size_t header = is_v4 ? (frame[view.ip_offset] & 0x0fu) * 4u : 40u;
  const size_t start = view.ip_offset + header;
  if (view.frame_bytes < start + 8) return;
  const MutableByteSpan message =
      frame.subspan(start, view.frame_bytes - start);
  message[2] = message[3] = 0;
  uint32_t sum = PartialSum(message);
  if (is_v4) {
    const MutableByteSpan ip = frame.subspan(view.ip_offset, header);
    ip[10] = ip[11] = 0;
    StoreChecksum(PartialSum(ip), &ip[10]);
  } else {
    sum += PseudoHeaderSum(view.src, view.dst, kIpProtocolIcmpv6,
                           static_cast<uint32_t>(message.size()));
  }
  StoreChecksum(sum, &message[2]);
}

void CheckIcmp(ByteSpan bytes) {
  IcmpError error;
  (void)ParseIcmpError(bytes, &error);
  FrameView view;
  if (ParseFrame(bytes, {.ip_checksum_trusted = true}, &view) !=
          FrameVerdict::kNotTcp ||
      !view.has_ip) {
    return;
  }
  std::vector<uint8_t> repaired(bytes.begin(), bytes.end());
  RepairChecksums(view, repaired);
  if (!ParseIcmpError(repaired, &error)) return;
  Require(error.family == view.family);
  Require(error.reporter == view.src);
  Require(error.quoted.local.family == error.quoted.remote.family);
  if (!error.is_too_big) Require(error.next_hop_mtu_bytes == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  CheckFrame(bytes, {});
  CheckFrame(bytes, {.ip_checksum_trusted = true, .l4_checksum_trusted = true});
  CheckIcmp(bytes);
  CheckOptions(bytes.first(std::min<size_t>(size, 40)));
  return 0;
}
