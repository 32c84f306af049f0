// SPDX-License-Identifier: BSD-3-Clause
// Headers of frames that are sent.
#include "packet/frame_builder.h"

#include "base/endian.h"
#include "packet/checksum.h"
#include "packet/ipv4.h"

namespace chimney::packet {

namespace {

constexpr uint32_t kMaxIpLengthField = 0xffff;

// R121: no tag only if id and priority are both 0; the CFI bit is always 0.
bool IsTagged(const HeaderTemplate& headers) {
  return headers.vlan_id != 0 || headers.vlan_priority != 0;
}

void WriteEthernet(const HeaderTemplate& headers, MutableByteSpan out) {
  EthernetHeader ethernet;
  ethernet.dst = headers.dst_mac;
  ethernet.src = headers.src_mac;
  ethernet.ether_type = headers.tuple.family() == IpFamily::kIpv4
                            ? kEtherTypeIpv4
                            : kEtherTypeIpv6;
  if (IsTagged(headers)) {
    ethernet.vlan_count = 1;
    ethernet.vlan_tpid[0] = kEtherTypeVlan;
    ethernet.vlan_tci[0] = static_cast<uint16_t>(
        ((headers.vlan_priority & 7u) << 13) | (headers.vlan_id & 0x0fffu));
  }
  EmitEthernet(ethernet, out);
}

// `l4_length_bytes`: TCP header, options and payload.
void WriteIp(const HeaderTemplate& headers, uint16_t ip_id,
             uint32_t l4_length_bytes, MutableByteSpan out) {
  if (headers.tuple.family() == IpFamily::kIpv4) {
    Ipv4Header ip;
    ip.tos = headers.tos;
    ip.ttl = headers.ttl;
    ip.protocol = kIpProtocolTcp;
    ip.total_length_bytes =
        static_cast<uint16_t>(kIpv4HeaderBytes + l4_length_bytes);
    ip.id = ip_id;
    ip.dont_fragment = true;  // R118
    ip.src = headers.tuple.local;
    ip.dst = headers.tuple.remote;
    EmitIpv4(ip, out);
    return;
  }
  Ipv6Header ip;
  ip.traffic_class = headers.tos;
  ip.hop_limit = headers.ttl;
  ip.next_header = kIpProtocolTcp;
  ip.flow_label = headers.flow_label;
  ip.payload_length_bytes = static_cast<uint16_t>(l4_length_bytes);
  ip.src = headers.tuple.local;
  ip.dst = headers.tuple.remote;
  EmitIpv6(ip, out);
}

void WriteTcp(const HeaderTemplate& headers, const SegmentHeader& segment,
              uint32_t l4_length_bytes, MutableByteSpan out) {
  TcpHeader tcp;
  tcp.src_port = headers.tuple.local_port;
  tcp.dst_port = headers.tuple.remote_port;
  tcp.seq = segment.seq;
  tcp.ack = segment.ack;
  tcp.flags = segment.flags;
  tcp.header_bytes = static_cast<uint8_t>(out.size());
  tcp.window = segment.window_raw;
  tcp.checksum = static_cast<uint16_t>(
      PseudoHeaderSum(headers.tuple.local, headers.tuple.remote, kIpProtocolTcp,
                      l4_length_bytes));
  tcp.urgent_pointer = segment.urgent_pointer;
  EmitTcpHeader(tcp, out);
  EmitTcpOptions(segment.options, out.subspan(kTcpHeaderBytes));
}

}  // namespace

HeaderLengths HeaderLengthsFor(const HeaderTemplate& headers,
                               const TcpOptions& options) {
  HeaderLengths lengths;
  lengths.l2_bytes = static_cast<uint16_t>(
      kEthernetHeaderBytes + (IsTagged(headers) ? kVlanTagBytes : 0));
  lengths.l3_bytes = static_cast<uint16_t>(
      headers.tuple.family() == IpFamily::kIpv4 ? kIpv4HeaderBytes
                                                : kIpv6HeaderBytes);
  lengths.l4_bytes =
      static_cast<uint16_t>(kTcpHeaderBytes + TcpOptionsBytes(options));
  return lengths;
}

size_t BuildHeaders(const HeaderTemplate& headers, const SegmentHeader& segment,
                    uint16_t ip_id, uint32_t payload_length_bytes,
                    MutableByteSpan out) {
  const HeaderLengths lengths = HeaderLengthsFor(headers, segment.options);
  if (out.size() < lengths.total()) return 0;
  if (payload_length_bytes > kMaxIpLengthField) return 0;
  const uint32_t l4_length_bytes = lengths.l4_bytes + payload_length_bytes;
  // The IPv4 field counts the header too, the IPv6 one does not.
  const uint32_t counted_header_bytes =
      headers.tuple.family() == IpFamily::kIpv4 ? lengths.l3_bytes : 0u;
  if (counted_header_bytes + l4_length_bytes > kMaxIpLengthField) return 0;
  WriteEthernet(headers, out.first(lengths.l2_bytes));
  WriteIp(headers, ip_id, l4_length_bytes,
          out.subspan(lengths.l2_bytes, lengths.l3_bytes));
  WriteTcp(headers, segment, l4_length_bytes,
           out.subspan(size_t{lengths.l2_bytes} + lengths.l3_bytes,
                       lengths.l4_bytes));
  return lengths.total();
}

void FinishTcpChecksum(MutableByteSpan headers, const HeaderLengths& lengths,
                       uint32_t payload_sum) {
  if (headers.size() < lengths.total() || lengths.l4_bytes < kTcpHeaderBytes) {
    return;
  }
  const MutableByteSpan tcp = headers.subspan(
      size_t{lengths.l2_bytes} + lengths.l3_bytes, lengths.l4_bytes);
  // The field holds the pseudo-header's sum, so summing over the header adds it
  // in. The header's length is even, and the payload's sum needs no swap.
  const uint32_t sum = PartialSum(tcp) + FoldSum(payload_sum);
  StoreBe16(tcp.data() + kTcpChecksumOffset, FinishChecksum(sum));
}

size_t BuildFrame(const HeaderTemplate& headers, const SegmentHeader& segment,
                  uint16_t ip_id, ByteSpan payload, MutableByteSpan out) {
  if (payload.size() > kMaxIpLengthField) return 0;
  const HeaderLengths lengths = HeaderLengthsFor(headers, segment.options);
  if (out.size() < lengths.total() + payload.size()) return 0;
  const size_t header_bytes = BuildHeaders(
      headers, segment, ip_id, static_cast<uint32_t>(payload.size()), out);
  if (header_bytes == 0) return 0;
  const uint32_t payload_sum =
      CopyWithSum(payload, out.subspan(header_bytes, payload.size()));
  FinishTcpChecksum(out.first(header_bytes), lengths, payload_sum);
  return header_bytes + payload.size();
}

}  // namespace chimney::packet
