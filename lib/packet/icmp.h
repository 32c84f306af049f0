// SPDX-License-Identifier: BSD-3-Clause
// ICMP and ICMPv6 errors that quote a TCP segment (RFC 792, RFC 1191, RFC
// 4443). What a quote says is a stranger's claim: the reader compares the
// quoted sequence number with what is in flight (RFC 5927).
#ifndef CHIMNEY_PACKET_ICMP_H_
#define CHIMNEY_PACKET_ICMP_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/inet_address.h"
#include "base/seq.h"

namespace chimney::packet {

struct IcmpError {
  IpFamily family = IpFamily::kIpv4;
  uint8_t type = 0;
  uint8_t code = 0;
  // "Fragmentation needed" (IPv4 type 3 code 4) or "packet too big" (IPv6
  // type 2).
  bool is_too_big = false;
  // Next-hop MTU of a too-big error as it was sent, 0 if an old router left it
  // out; unbounded, the reader sets the floor.
  uint32_t next_hop_mtu_bytes = 0;
  IpAddress reporter;  // who sent the error
  // The quoted segment as its sender sees it: local = quoted source.
  FlowTuple quoted;
  SeqNum quoted_seq;
};

// True if `frame` is a whole, unfragmented ICMP or ICMPv6 error with a good
// checksum that quotes at least the first 8 bytes of a TCP segment that is no
// later fragment.
[[nodiscard]] bool ParseIcmpError(ByteSpan frame, IcmpError* out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_ICMP_H_
