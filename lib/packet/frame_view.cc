// SPDX-License-Identifier: BSD-3-Clause
// The parser of received frames, one function a layer.
#include "packet/frame_view.h"

#include <memory>

#include "base/endian.h"
#include "packet/checksum.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"

namespace chimney::packet {

namespace {

// What the IP layer says of the bytes above it.
struct IpLayer {
  // kTcp: TCP without anything in the way. kIpOptions, kExtensionHeader or
  // kFragment: the same, but the engine may not process it. Anything else ends
  // the parse.
  FrameVerdict verdict = FrameVerdict::kTcp;
  bool upper_found = false;
  uint32_t upper_offset = 0;  // from the start of the IP header
};

FrameVerdict VerdictOf(Ipv4Verdict verdict) {
  switch (verdict) {
    case Ipv4Verdict::kTruncated:
      return FrameVerdict::kTruncated;
    case Ipv4Verdict::kBadChecksum:
      return FrameVerdict::kBadIpChecksum;
    default:
      return FrameVerdict::kBadIpHeader;
  }
}

IpLayer ParseIpv4Layer(ByteSpan packet, bool checksum_trusted,
                       FrameView* view) {
  IpLayer layer;
  Ipv4Header header;
  const Ipv4Verdict verdict = ParseIpv4(packet, checksum_trusted, &header);
  if (verdict != Ipv4Verdict::kOk) {
    layer.verdict = VerdictOf(verdict);
    return layer;
  }
  view->has_ip = true;
  view->family = IpFamily::kIpv4;
  view->src = header.src;
  view->dst = header.dst;
  view->ip_protocol = header.protocol;
  view->tos = header.tos;
  view->ttl = header.ttl;
  view->ip_id = header.id;
  view->frame_bytes = view->ip_offset + header.total_length_bytes;
  if (header.protocol != kIpProtocolTcp) {
    layer.verdict = FrameVerdict::kNotTcp;
    return layer;
  }
  layer.upper_found = header.fragment_offset_bytes == 0;
  layer.upper_offset = header.header_bytes;
  if (header.IsFragment()) {
    layer.verdict = FrameVerdict::kFragment;
  } else if (header.HasOptions()) {
    layer.verdict = FrameVerdict::kIpOptions;
  }
  return layer;
}

IpLayer ParseIpv6Layer(ByteSpan packet, FrameView* view) {
  IpLayer layer;
  Ipv6Header header;
  const Ipv6Verdict verdict = ParseIpv6(packet, &header);
  if (verdict != Ipv6Verdict::kOk) {
    layer.verdict = verdict == Ipv6Verdict::kTruncated
                        ? FrameVerdict::kTruncated
                        : FrameVerdict::kBadIpHeader;
    return layer;
  }
  view->has_ip = true;
  view->family = IpFamily::kIpv6;
  view->src = header.src;
  view->dst = header.dst;
  view->ip_protocol = header.upper_found ? header.upper_protocol : uint8_t{0};
  view->tos = header.traffic_class;
  view->ttl = header.hop_limit;
  view->flow_label = header.flow_label;
  view->frame_bytes = view->ip_offset +
                      static_cast<uint32_t>(kIpv6HeaderBytes) +
                      header.payload_length_bytes;
  if (header.upper_found && header.upper_protocol != kIpProtocolTcp) {
    layer.verdict = FrameVerdict::kNotTcp;
    return layer;
  }
  layer.upper_found = header.upper_found;
  layer.upper_offset = header.upper_offset_bytes;
  if (header.has_fragment_header) {
    layer.verdict = FrameVerdict::kFragment;
  } else if (header.has_extension_headers) {
    layer.verdict = FrameVerdict::kExtensionHeader;
  }
  return layer;
}

// The port numbers, which a segment cut short may still have.
void LoadPorts(ByteSpan tcp, FrameView* view) {
  if (tcp.size() < 4) return;
  view->has_tuple = true;
  view->src_port = LoadBe16(tcp.data());
  view->dst_port = LoadBe16(tcp.data() + 2);
}

bool TcpChecksumIsGood(ByteSpan tcp, const FrameView& view) {
  const uint32_t pseudo = PseudoHeaderSum(view.src, view.dst, kIpProtocolTcp,
                                          static_cast<uint32_t>(tcp.size()));
  return FinishChecksum(pseudo + PartialSum(tcp)) == 0;
}

// `tcp` is the header and data, without padding. kTcp if all is well.
FrameVerdict ParseTcpLayer(ByteSpan tcp, bool checksum_trusted,
                           FrameView* view) {
  if (tcp.size() < kTcpHeaderBytes) return FrameVerdict::kTruncated;
  // Before anything is believed: a flipped bit in the data offset is a bad
  // checksum, not a bad header.
  if (!checksum_trusted && !TcpChecksumIsGood(tcp, *view)) {
    return FrameVerdict::kBadTcpChecksum;
  }
  TcpHeader header;
  const TcpHeaderVerdict verdict = ParseTcpHeader(tcp, &header);
  if (verdict == TcpHeaderVerdict::kTruncated) return FrameVerdict::kTruncated;
  if (verdict != TcpHeaderVerdict::kOk) return FrameVerdict::kBadTcpHeader;
  view->has_segment = true;
  view->payload_offset = view->tcp_offset + header.header_bytes;
  Segment& segment = view->segment;
  segment.seq = header.seq;
  segment.ack = header.ack;
  segment.raw_window = header.window;
  segment.urgent_pointer = header.urgent_pointer;
  segment.flags = header.flags;
  segment.ecn = view->tos & 0x03;
  segment.ttl = view->ttl;
  segment.tos = view->tos;
  segment.payload = tcp.subspan(header.header_bytes);
  const ByteSpan options = tcp.subspan(
      kTcpHeaderBytes, size_t{header.header_bytes} - kTcpHeaderBytes);
  return ParseTcpOptions(options, &segment.options)
             ? FrameVerdict::kTcp
             : FrameVerdict::kBadTcpOptions;
}

}  // namespace

std::string_view FrameVerdictText(FrameVerdict verdict) {
  static constexpr std::string_view kTexts[] = {
#define CHIMNEY_FRAME_VERDICT(name, text) text,
#include "packet/frame_verdict.def"
#undef CHIMNEY_FRAME_VERDICT
  };
  const auto index = static_cast<size_t>(verdict);
  return index < kFrameVerdictCount ? kTexts[index] : "unknown";
}

FrameVerdict ParseFrame(ByteSpan frame, ParseOptions options, FrameView* out) {
  std::construct_at(out);  // In place: no temporary to copy.
  if (!ParseEthernet(frame, &out->ethernet)) return FrameVerdict::kTruncated;
  out->ip_offset = out->ethernet.length;
  const ByteSpan packet = frame.subspan(out->ip_offset);
  IpLayer layer;
  if (out->ethernet.ether_type == kEtherTypeIpv4) {
    layer = ParseIpv4Layer(packet, options.ip_checksum_trusted, out);
  } else if (out->ethernet.ether_type == kEtherTypeIpv6) {
    layer = ParseIpv6Layer(packet, out);
  } else {
    return FrameVerdict::kNotIp;
  }
  if (!out->has_ip || !layer.upper_found) return layer.verdict;
  out->tcp_offset = out->ip_offset + layer.upper_offset;
  const ByteSpan tcp = frame.first(out->frame_bytes).subspan(out->tcp_offset);
  LoadPorts(tcp, out);
  if (layer.verdict == FrameVerdict::kFragment) return layer.verdict;
  const FrameVerdict verdict =
      ParseTcpLayer(tcp, options.l4_checksum_trusted, out);
  return verdict == FrameVerdict::kTcp ? layer.verdict : verdict;
}

}  // namespace chimney::packet
