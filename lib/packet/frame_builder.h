// SPDX-License-Identifier: BSD-3-Clause
// Headers of frames that are sent: Ethernet, VLAN, IP and TCP in front of a
// payload that may lie elsewhere.
#ifndef CHIMNEY_PACKET_FRAME_BUILDER_H_
#define CHIMNEY_PACKET_FRAME_BUILDER_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/inet_address.h"
#include "base/seq.h"
#include "packet/ethernet.h"
#include "packet/ipv6.h"
#include "packet/tcp_header.h"
#include "packet/tcp_options.h"

namespace chimney::packet {

// Enough for any header that BuildHeaders writes.
inline constexpr size_t kMaxHeaderBytes =
    kEthernetHeaderBytes + kMaxVlanTags * kVlanTagBytes + kIpv6HeaderBytes +
    kTcpHeaderBytes + kMaxTcpOptionBytes;

// What all frames of one connection share.
struct HeaderTemplate {
  MacAddress src_mac;
  MacAddress dst_mac;
  uint16_t vlan_id = 0;       // 12 bits
  uint8_t vlan_priority = 0;  // 3 bits; with vlan_id 0 and priority 0 the frame
                              // is untagged (R121)
  uint8_t ttl = 64;           // or hop limit
  uint8_t tos = 0;            // DSCP and ECN; or traffic class
  uint32_t flow_label = 0;    // IPv6, 20 bits
  FlowTuple tuple;            // local = this end, the sender
};

// What differs from segment to segment.
struct SegmentHeader {
  SeqNum seq;
  SeqNum ack;
  TcpFlags flags;
  uint16_t window_raw = 0;  // as on the wire, already scaled down
  TcpOptions options;
  uint16_t urgent_pointer = 0;
};

// The layers of the headers, as network cards want them told.
struct HeaderLengths {
  uint16_t l2_bytes = 0;
  uint16_t l3_bytes = 0;
  uint16_t l4_bytes = 0;  // TCP header with options
  size_t total() const { return size_t{l2_bytes} + l3_bytes + l4_bytes; }
};

// The lengths that BuildHeaders will write.
HeaderLengths HeaderLengthsFor(const HeaderTemplate& headers,
                               const TcpOptions& options);

// Writes the headers to the front of `out`; the IPv4 checksum is complete, DF
// is set (R118), `ip_id` is the caller's (R117) and unused for IPv6. The TCP
// checksum field is left as network cards with checksum offload want it: the
// pseudo-header's sum, not complemented, over this segment's true length.
// Returns the bytes written; 0, and nothing written, if they do not fit or the
// datagram would exceed the 16-bit length field.
size_t BuildHeaders(const HeaderTemplate& headers, const SegmentHeader& segment,
                    uint16_t ip_id, uint32_t payload_length_bytes,
                    MutableByteSpan out);

// Completes in software the TCP checksum that BuildHeaders left. `headers` is
// what BuildHeaders wrote, `payload_sum` the PartialSum of the payload (of a
// payload in pieces, combined with CombineSums).
void FinishTcpChecksum(MutableByteSpan headers, const HeaderLengths& lengths,
                       uint32_t payload_sum);

// A whole frame with complete checksums: headers and a copy of the payload.
// Returns its bytes, 0 if it does not fit.
size_t BuildFrame(const HeaderTemplate& headers, const SegmentHeader& segment,
                  uint16_t ip_id, ByteSpan payload, MutableByteSpan out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_FRAME_BUILDER_H_
