// SPDX-License-Identifier: BSD-3-Clause
// IPv4 headers from and to bytes.
#include "packet/ipv4.h"

#include "base/endian.h"
#include "packet/checksum.h"

namespace chimney::packet {

namespace {

constexpr uint16_t kDontFragment = 0x4000;
constexpr uint16_t kMoreFragments = 0x2000;
constexpr uint16_t kFragmentOffsetMask = 0x1fff;  // in units of 8 bytes

// The caller has proved kIpv4HeaderBytes.
void LoadFields(const uint8_t* bytes, Ipv4Header* out) {
  out->header_bytes = static_cast<uint8_t>((bytes[0] & 0x0f) * 4);
  out->tos = bytes[1];
  out->total_length_bytes = LoadBe16(bytes + 2);
  out->id = LoadBe16(bytes + 4);
  const uint16_t fragment = LoadBe16(bytes + 6);
  out->dont_fragment = (fragment & kDontFragment) != 0;
  out->more_fragments = (fragment & kMoreFragments) != 0;
  out->fragment_offset_bytes =
      static_cast<uint16_t>((fragment & kFragmentOffsetMask) * 8);
  out->ttl = bytes[8];
  out->protocol = bytes[9];
  out->src = IpAddress::FromV4Bytes(std::span<const uint8_t, 4>(bytes + 12, 4));
  out->dst = IpAddress::FromV4Bytes(std::span<const uint8_t, 4>(bytes + 16, 4));
}

// Version, header length and that the header lies inside the bytes.
Ipv4Verdict ParseHeaderOnly(ByteSpan packet, Ipv4Header* out) {
  if (packet.size() < kIpv4HeaderBytes) return Ipv4Verdict::kTruncated;
  if ((packet[0] >> 4) != 4) return Ipv4Verdict::kBadHeader;
  LoadFields(packet.data(), out);
  if (out->header_bytes < kIpv4HeaderBytes) return Ipv4Verdict::kBadHeader;
  if (packet.size() < out->header_bytes) return Ipv4Verdict::kTruncated;
  return Ipv4Verdict::kOk;
}

}  // namespace

Ipv4Verdict ParseIpv4(ByteSpan packet, bool checksum_trusted, Ipv4Header* out) {
  const Ipv4Verdict verdict = ParseHeaderOnly(packet, out);
  if (verdict != Ipv4Verdict::kOk) return verdict;
  if (!checksum_trusted &&
      FinishChecksum(PartialSum(packet.first(out->header_bytes))) != 0) {
    return Ipv4Verdict::kBadChecksum;
  }
  if (out->total_length_bytes < out->header_bytes) {
    return Ipv4Verdict::kBadHeader;
  }
  if (out->total_length_bytes > packet.size()) return Ipv4Verdict::kTruncated;
  return Ipv4Verdict::kOk;
}

bool ParseQuotedIpv4(ByteSpan quote, Ipv4Header* out) {
  return ParseHeaderOnly(quote, out) == Ipv4Verdict::kOk;
}

size_t EmitIpv4(const Ipv4Header& header, MutableByteSpan out) {
  if (out.size() < kIpv4HeaderBytes) return 0;
  uint8_t* bytes = out.data();
  bytes[0] = 0x45;
  bytes[1] = header.tos;
  StoreBe16(bytes + 2, header.total_length_bytes);
  StoreBe16(bytes + 4, header.id);
  const uint32_t fragment = (header.dont_fragment ? kDontFragment : 0u) |
                            (header.more_fragments ? kMoreFragments : 0u) |
                            (header.fragment_offset_bytes / 8u);
  StoreBe16(bytes + 6, static_cast<uint16_t>(fragment));
  bytes[8] = header.ttl;
  bytes[9] = header.protocol;
  StoreBe16(bytes + 10, 0);
  std::memcpy(bytes + 12, header.src.bytes.data(), 4);
  std::memcpy(bytes + 16, header.dst.bytes.data(), 4);
  StoreBe16(bytes + 10,
            FinishChecksum(PartialSum(out.first(kIpv4HeaderBytes))));
  return kIpv4HeaderBytes;
}

}  // namespace chimney::packet
