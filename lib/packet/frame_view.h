// SPDX-License-Identifier: BSD-3-Clause
// The one parser of received frames: bytes from a stranger in, one verdict and
// proved values out.
#ifndef CHIMNEY_PACKET_FRAME_VIEW_H_
#define CHIMNEY_PACKET_FRAME_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "base/inet_address.h"
#include "packet/ethernet.h"
#include "packet/segment.h"

namespace chimney::packet {

enum class FrameVerdict : uint8_t {
#define CHIMNEY_FRAME_VERDICT(name, text) name,
#include "packet/frame_verdict.def"
#undef CHIMNEY_FRAME_VERDICT
};

inline constexpr size_t kFrameVerdictCount =
    std::initializer_list<FrameVerdict>{
#define CHIMNEY_FRAME_VERDICT(name, text) FrameVerdict::name,
#include "packet/frame_verdict.def"
#undef CHIMNEY_FRAME_VERDICT
    }
        .size();

std::string_view FrameVerdictText(FrameVerdict verdict);

// Whether the port has already verified a checksum of this frame and found it
// good; then it is not computed again.
struct ParseOptions {
  bool ip_checksum_trusted = false;
  bool l4_checksum_trusted = false;
};

// What is known of a frame. Offsets count from its first byte.
struct FrameView {
  // Valid unless the frame ends within the Ethernet header (kTruncated with
  // ethernet.length 0).
  EthernetHeader ethernet;

  // Valid if has_ip: the IP header is whole and sound.
  bool has_ip = false;
  IpFamily family = IpFamily::kIpv4;
  IpAddress src;
  IpAddress dst;
  uint8_t ip_protocol = 0;  // upper layer; 0 if it could not be found
  uint8_t tos = 0;          // or traffic class
  uint8_t ttl = 0;          // or hop limit
  uint16_t ip_id = 0;       // IPv4
  uint32_t flow_label = 0;  // IPv6
  uint32_t ip_offset = 0;
  uint32_t frame_bytes = 0;  // Ethernet and IP, without padding behind

  // The ports are known: the frame is TCP and they lie inside it. Always on
  // kTcp, kIpOptions and kBadTcp*; on kFragment and kExtensionHeader if they
  // were found. On the kBad* verdicts they are unverified.
  bool has_tuple = false;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;

  // `segment` and tcp_offset are valid and, unless the verdict is
  // kBadTcpOptions, the segment is sound. Always on kTcp, kIpOptions and
  // kBadTcpOptions; on kExtensionHeader if the TCP header was found; never on
  // kFragment.
  bool has_segment = false;
  uint32_t tcp_offset = 0;
  uint32_t payload_offset = 0;
  Segment segment;

  // The connection as the end that the frame was sent to sees it, and as the
  // one that sent it. Need has_tuple.
  FlowTuple TupleAsReceiver() const {
    return FlowTuple{dst, src, dst_port, src_port};
  }
  FlowTuple TupleAsSender() const {
    return FlowTuple{src, dst, src_port, dst_port};
  }
};

// Parses any bytes whatsoever. kTcp means: a whole TCP segment over IPv4
// without options or IPv6 without extension headers, all lengths consistent,
// all checksums good or trusted, options well formed. `*out` is overwritten.
//
// What is surely not TCP is kNotTcp, fragment or not. A TCP fragment is
// kFragment whatever else it has (R155); options and extension
// headers (R154) come next, with the TCP header behind them checked as if they
// were not there, so that a corrupt segment gets the verdict of its corruption.
[[nodiscard]] FrameVerdict ParseFrame(ByteSpan frame, ParseOptions options,
                                      FrameView* out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_FRAME_VIEW_H_
