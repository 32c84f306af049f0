// SPDX-License-Identifier: BSD-3-Clause
// IPv6 headers (RFC 8200) from and to bytes, with a bounded walk along the
// extension headers.
#ifndef CHIMNEY_PACKET_IPV6_H_
#define CHIMNEY_PACKET_IPV6_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/inet_address.h"

namespace chimney::packet {

inline constexpr size_t kIpv6HeaderBytes = 40;
inline constexpr uint8_t kIpProtocolIcmpv6 = 58;

struct Ipv6Header {
  uint8_t traffic_class = 0;  // DSCP 6 bits, ECN 2 bits
  uint8_t hop_limit = 0;
  uint8_t next_header = 0;            // as in the fixed header
  uint32_t flow_label = 0;            // 20 bits
  uint16_t payload_length_bytes = 0;  // everything behind the fixed header
  IpAddress src;
  IpAddress dst;

  // What the walk found. upper_protocol and upper_offset_bytes (from the start
  // of the fixed header) are only set if `upper_found`; in a fragment that is
  // not the first there is no upper-layer header, and nothing is found.
  bool has_extension_headers = false;
  bool has_fragment_header = false;
  bool more_fragments = false;
  uint16_t fragment_offset_bytes = 0;
  bool upper_found = false;
  uint8_t upper_protocol = 0;
  uint16_t upper_offset_bytes = 0;
};

enum class Ipv6Verdict : uint8_t {
  kOk,
  kTruncated,  // the bytes end before the header or payload length says
  kBadHeader,  // version is not 6
};

// `packet` begins with the IP header and may go on behind the datagram. Only on
// kOk is `*out` whole and is the payload proved to lie inside `packet`. A chain
// of extension headers that cannot be followed to its end is kOk with
// upper_found false.
[[nodiscard]] Ipv6Verdict ParseIpv6(ByteSpan packet, Ipv6Header* out);

// The headers at the front of what an ICMPv6 error quotes: only the fixed
// header is proved to be there; the walk ends where the quote does.
[[nodiscard]] bool ParseQuotedIpv6(ByteSpan quote, Ipv6Header* out);

// Writes the fixed header to the front of `out`. Returns 40, or 0 if it does
// not fit.
size_t EmitIpv6(const Ipv6Header& header, MutableByteSpan out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_IPV6_H_
