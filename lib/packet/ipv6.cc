// SPDX-License-Identifier: BSD-3-Clause
// IPv6 headers from and to bytes, and the walk along extension headers.
#include "packet/ipv6.h"

#include "base/endian.h"

namespace chimney::packet {

namespace {

constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kDestinationOptions = 60;
constexpr uint8_t kMobility = 135;
constexpr uint8_t kHostIdentity = 139;
constexpr uint8_t kShim6 = 140;

constexpr size_t kFragmentHeaderBytes = 8;
constexpr uint16_t kMoreFragments = 0x0001;
constexpr uint16_t kFragmentOffsetMask = 0xfff8;
// More than any sane sender writes; bounds the work that one frame can cause.
constexpr int kMaxExtensionHeaders = 8;

bool IsExtensionHeader(uint8_t next_header) {
  switch (next_header) {
    case kHopByHop:
    case kRouting:
    case kFragment:
    case kAuthentication:
    case kDestinationOptions:
    case kMobility:
    case kHostIdentity:
    case kShim6:
      return true;
    default:
      return false;
  }
}

// The length of the extension header of kind `next_header` at the front of
// `rest`, which has at least 2 bytes (RFC 8200 section 4, RFC 4302 section
// 2.2).
size_t ExtensionHeaderBytes(uint8_t next_header, ByteSpan rest) {
  if (next_header == kFragment) return kFragmentHeaderBytes;
  if (next_header == kAuthentication) return (size_t{rest[1]} + 2) * 4;
  return (size_t{rest[1]} + 1) * 8;
}

void LoadFragmentHeader(ByteSpan header, Ipv6Header* out) {
  const uint16_t field = LoadBe16(header.data() + 2);
  out->has_fragment_header = true;
  out->more_fragments = (field & kMoreFragments) != 0;
  out->fragment_offset_bytes =
      static_cast<uint16_t>(field & kFragmentOffsetMask);
}

// Follows the chain inside `datagram`, which begins with the fixed header.
void WalkExtensionHeaders(ByteSpan datagram, Ipv6Header* out) {
  uint8_t next_header = out->next_header;
  size_t offset = kIpv6HeaderBytes;
  for (int i = 0; i < kMaxExtensionHeaders; ++i) {
    if (!IsExtensionHeader(next_header)) break;
    out->has_extension_headers = true;
    const ByteSpan rest = datagram.subspan(offset);
    if (rest.size() < 2) return;
    const size_t length = ExtensionHeaderBytes(next_header, rest);
    if (rest.size() < length) return;
    if (next_header == kFragment) {
      LoadFragmentHeader(rest.first(kFragmentHeaderBytes), out);
      if (out->fragment_offset_bytes != 0) return;
    }
    next_header = rest[0];
    offset += length;
  }
  if (IsExtensionHeader(next_header)) return;
  out->upper_found = true;
  out->upper_protocol = next_header;
  out->upper_offset_bytes = static_cast<uint16_t>(offset);
}

// The fixed header; the caller has proved kIpv6HeaderBytes.
void LoadFields(const uint8_t* bytes, Ipv6Header* out) {
  *out = Ipv6Header{};
  const uint32_t first = LoadBe32(bytes);
  out->traffic_class = static_cast<uint8_t>(first >> 20);
  out->flow_label = first & 0xfffff;
  out->payload_length_bytes = LoadBe16(bytes + 4);
  out->next_header = bytes[6];
  out->hop_limit = bytes[7];
  out->src =
      IpAddress::FromV6Bytes(std::span<const uint8_t, 16>(bytes + 8, 16));
  out->dst =
      IpAddress::FromV6Bytes(std::span<const uint8_t, 16>(bytes + 24, 16));
}

}  // namespace

Ipv6Verdict ParseIpv6(ByteSpan packet, Ipv6Header* out) {
  if (packet.size() < kIpv6HeaderBytes) return Ipv6Verdict::kTruncated;
  if ((packet[0] >> 4) != 6) return Ipv6Verdict::kBadHeader;
  LoadFields(packet.data(), out);
  const size_t total = kIpv6HeaderBytes + out->payload_length_bytes;
  if (total > packet.size()) return Ipv6Verdict::kTruncated;
  WalkExtensionHeaders(packet.first(total), out);
  return Ipv6Verdict::kOk;
}

bool ParseQuotedIpv6(ByteSpan quote, Ipv6Header* out) {
  if (quote.size() < kIpv6HeaderBytes || (quote[0] >> 4) != 6) return false;
  LoadFields(quote.data(), out);
  WalkExtensionHeaders(quote, out);
  return true;
}

size_t EmitIpv6(const Ipv6Header& header, MutableByteSpan out) {
  if (out.size() < kIpv6HeaderBytes) return 0;
  uint8_t* bytes = out.data();
  StoreBe32(bytes, (uint32_t{6} << 28) |
                       (static_cast<uint32_t>(header.traffic_class) << 20) |
                       (header.flow_label & 0xfffff));
  StoreBe16(bytes + 4, header.payload_length_bytes);
  bytes[6] = header.next_header;
  bytes[7] = header.hop_limit;
  std::memcpy(bytes + 8, header.src.bytes.data(), 16);
  std::memcpy(bytes + 24, header.dst.bytes.data(), 16);
  return kIpv6HeaderBytes;
}

}  // namespace chimney::packet
