// SPDX-License-Identifier: BSD-3-Clause
// ICMP and ICMPv6 errors that quote a TCP segment.
#include "packet/icmp.h"

#include "base/endian.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"

namespace chimney::packet {

namespace {

constexpr size_t kIcmpHeaderBytes = 8;
// RFC 792: an error quotes at least this much of the datagram's payload. It
// holds the ports and the sequence number.
constexpr size_t kQuotedTcpBytes = 8;

constexpr uint8_t kV4Unreachable = 3;
constexpr uint8_t kV4FragmentationNeeded = 4;  // code
constexpr uint8_t kV4TimeExceeded = 11;
constexpr uint8_t kV4ParameterProblem = 12;
constexpr uint8_t kV6Unreachable = 1;
constexpr uint8_t kV6PacketTooBig = 2;
constexpr uint8_t kV6ParameterProblem = 4;

bool LoadQuotedTcp(ByteSpan quote, size_t tcp_offset, IcmpError* out) {
  if (quote.size() < tcp_offset ||
      quote.size() - tcp_offset < kQuotedTcpBytes) {
    return false;
  }
  const uint8_t* tcp = quote.data() + tcp_offset;
  out->quoted.local_port = LoadBe16(tcp);
  out->quoted.remote_port = LoadBe16(tcp + 2);
  out->quoted_seq = SeqNum(LoadBe32(tcp + 4));
  return true;
}

bool ParseIcmpv4Error(ByteSpan packet, IcmpError* out) {
  Ipv4Header ip;
  if (ParseIpv4(packet, /*checksum_trusted=*/false, &ip) != Ipv4Verdict::kOk ||
      ip.protocol != kIpProtocolIcmp || ip.IsFragment()) {
    return false;
  }
  const ByteSpan icmp =
      packet.first(ip.total_length_bytes).subspan(ip.header_bytes);
  if (icmp.size() < kIcmpHeaderBytes || FinishChecksum(PartialSum(icmp)) != 0) {
    return false;
  }
  out->family = IpFamily::kIpv4;
  out->reporter = ip.src;
  out->type = icmp[0];
  out->code = icmp[1];
  if (out->type != kV4Unreachable && out->type != kV4TimeExceeded &&
      out->type != kV4ParameterProblem) {
    return false;
  }
  out->is_too_big =
      out->type == kV4Unreachable && out->code == kV4FragmentationNeeded;
  // RFC 1191 section 4: the low half of the word that used to be unused.
  if (out->is_too_big) out->next_hop_mtu_bytes = LoadBe16(icmp.data() + 6);
  const ByteSpan quote = icmp.subspan(kIcmpHeaderBytes);
  Ipv4Header quoted;
  if (!ParseQuotedIpv4(quote, &quoted) || quoted.protocol != kIpProtocolTcp ||
      quoted.fragment_offset_bytes != 0) {
    return false;
  }
  out->quoted.local = quoted.src;
  out->quoted.remote = quoted.dst;
  return LoadQuotedTcp(quote, quoted.header_bytes, out);
}

bool ParseIcmpv6Error(ByteSpan packet, IcmpError* out) {
  Ipv6Header ip;
  if (ParseIpv6(packet, &ip) != Ipv6Verdict::kOk || ip.has_fragment_header ||
      !ip.upper_found || ip.upper_protocol != kIpProtocolIcmpv6) {
    return false;
  }
  const ByteSpan icmp = packet.first(kIpv6HeaderBytes + ip.payload_length_bytes)
                            .subspan(ip.upper_offset_bytes);
  if (icmp.size() < kIcmpHeaderBytes) return false;
  const uint32_t pseudo = PseudoHeaderSum(ip.src, ip.dst, kIpProtocolIcmpv6,
                                          static_cast<uint32_t>(icmp.size()));
  if (FinishChecksum(pseudo + PartialSum(icmp)) != 0) return false;
  out->family = IpFamily::kIpv6;
  out->reporter = ip.src;
  out->type = icmp[0];
  out->code = icmp[1];
  // RFC 4443 section 2.1: 1 to 4 are the errors that are defined.
  if (out->type < kV6Unreachable || out->type > kV6ParameterProblem) {
    return false;
  }
  out->is_too_big = out->type == kV6PacketTooBig;
  if (out->is_too_big) out->next_hop_mtu_bytes = LoadBe32(icmp.data() + 4);
  const ByteSpan quote = icmp.subspan(kIcmpHeaderBytes);
  Ipv6Header quoted;
  if (!ParseQuotedIpv6(quote, &quoted) || !quoted.upper_found ||
      quoted.upper_protocol != kIpProtocolTcp) {
    return false;
  }
  out->quoted.local = quoted.src;
  out->quoted.remote = quoted.dst;
  return LoadQuotedTcp(quote, quoted.upper_offset_bytes, out);
}

}  // namespace

bool ParseIcmpError(ByteSpan frame, IcmpError* out) {
  *out = IcmpError{};
  EthernetHeader ethernet;
  if (!ParseEthernet(frame, &ethernet)) return false;
  const ByteSpan packet = frame.subspan(ethernet.length);
  switch (ethernet.ether_type) {
    case kEtherTypeIpv4:
      return ParseIcmpv4Error(packet, out);
    case kEtherTypeIpv6:
      return ParseIcmpv6Error(packet, out);
    default:
      return false;
  }
}

}  // namespace chimney::packet
