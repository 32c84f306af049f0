// SPDX-License-Identifier: BSD-3-Clause
// What a router says to the sender of a packet that is larger than its next
// link: ICMP "fragmentation needed" (RFC 792, RFC 1191) or ICMPv6 "packet too
// big" (RFC 4443).
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_TOO_BIG_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_TOO_BIG_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace chimney::wire {

// Bytes of the IP packet in an untagged frame; 0 if it is none that a router
// may only forward or drop: not IP, or IPv4 that may be fragmented.
uint32_t UnfragmentableBytes(ByteSpan frame);

// Whether the frame is an IPv4 or IPv6 packet whose first upper header is TCP,
// without IP options.
bool IsPlainTcp(ByteSpan frame);

// Adds to the sequence number of the TCP segment in a frame for which
// IsPlainTcp is true. Its checksum is left alone: no error's reader can check
// it, since the quote is cut.
void ShiftSequence(std::vector<uint8_t>* frame, uint32_t by);

// The answer to the sender of `frame`, an IP packet in an untagged frame; from
// 10.77.0.254 or fd77::fe.
std::vector<uint8_t> TooBigAnswer(ByteSpan frame, uint32_t mtu_bytes);

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_TOO_BIG_H_
