// SPDX-License-Identifier: BSD-3-Clause
// A received TCP segment as the engine sees it: values, no bytes but the
// payload's.
#ifndef CHIMNEY_PACKET_SEGMENT_H_
#define CHIMNEY_PACKET_SEGMENT_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/seq.h"
#include "packet/tcp_header.h"
#include "packet/tcp_options.h"

namespace chimney::packet {

struct Segment {
  SeqNum seq;
  SeqNum ack;               // only means something if flags.ack()
  uint16_t raw_window = 0;  // as on the wire, unscaled
  uint16_t urgent_pointer = 0;
  TcpFlags flags;
  uint8_t ecn = 0;  // the IP header's two ECN bits (RFC 3168)
  uint8_t ttl = 0;  // or IPv6 hop limit
  uint8_t tos = 0;  // whole octet, ECN included; or IPv6 traffic class
  TcpOptions options;
  ByteSpan payload;  // points into the frame, valid as long as it is

  // SEG.LEN of RFC 9293: payload, and one each for SYN and FIN.
  uint32_t length() const {
    return static_cast<uint32_t>(payload.size()) + (flags.syn() ? 1u : 0u) +
           (flags.fin() ? 1u : 0u);
  }
  // The sequence number behind the segment.
  SeqNum end() const { return seq + length(); }
};

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_SEGMENT_H_
