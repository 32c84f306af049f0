// SPDX-License-Identifier: BSD-3-Clause
#include "too_big.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/endian.h"
#include "packet/checksum.h"

namespace chimney::wire {
namespace {

constexpr size_t kEthernetBytes = 14;
constexpr size_t kIpv4Bytes = 20;
constexpr size_t kIpv6Bytes = 40;
constexpr size_t kIcmpBytes = 8;
constexpr uint16_t kIpv4Ethertype = 0x0800;
constexpr uint16_t kIpv6Ethertype = 0x86dd;
constexpr uint8_t kTcpProtocol = 6;
constexpr uint8_t kIcmpProtocol = 1;
constexpr uint8_t kIcmpv6Protocol = 58;
constexpr uint16_t kDontFragment = 0x4000;
// RFC 1812 section 4.3.2.3: an ICMP error of at most 576 bytes; RFC 4443
// section 2.4 (c): an ICMPv6 error of at most 1280 bytes.
constexpr size_t kIpv4QuoteBytes = 576 - kIpv4Bytes - kIcmpBytes;
constexpr size_t kIpv6QuoteBytes = 1280 - kIpv6Bytes - kIcmpBytes;

constexpr std::array<uint8_t, 4> kRouterIpv4 = {10, 77, 0, 254};
constexpr std::array<uint8_t, 16> kRouterIpv6 = {
    0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe};

uint16_t Ethertype(ByteSpan frame) {
  return frame.size() < kEthernetBytes ? uint16_t{0}
                                       : LoadBe<uint16_t>(frame.data() + 12);
}
bool IsIpv4(ByteSpan frame) {
  return Ethertype(frame) == kIpv4Ethertype &&
         frame.size() >= kEthernetBytes + kIpv4Bytes;
}
bool IsIpv6(ByteSpan frame) {
  return Ethertype(frame) == kIpv6Ethertype &&
         frame.size() >= kEthernetBytes + kIpv6Bytes;
}

// The IP packet, without what pads the frame.
ByteSpan Packet(ByteSpan frame) {
  const ByteSpan rest = frame.subspan(kEthernetBytes);
  const size_t length = IsIpv4(frame)
                            ? LoadBe<uint16_t>(rest.data() + 2)
                            : kIpv6Bytes + LoadBe<uint16_t>(rest.data() + 4);
  return rest.first(std::min(rest.size(), length));
}

void WriteEthernet(ByteSpan frame, ByteWriter* to) {
  to->WriteSpan(frame.subspan(6, 6));
  to->WriteSpan(frame.first(6));
  to->WriteSpan(frame.subspan(12, 2));
}

std::vector<uint8_t> Ipv4Answer(ByteSpan frame, uint32_t mtu_bytes) {
  const ByteSpan packet = Packet(frame);
  const ByteSpan quote = packet.first(std::min(packet.size(), kIpv4QuoteBytes));
  const size_t length = kIpv4Bytes + kIcmpBytes + quote.size();
  std::vector<uint8_t> answer(kEthernetBytes + length);
  ByteWriter to(answer);
  WriteEthernet(frame, &to);
  to.WriteBe16(0x4500);
  to.WriteBe16(static_cast<uint16_t>(length));
  to.WriteBe32(0);  // identification, flags, offset
  to.WriteU8(64);
  to.WriteU8(kIcmpProtocol);
  to.WriteBe16(0);
  to.WriteSpan(kRouterIpv4);
  to.WriteSpan(packet.subspan(12, 4));
  to.WriteBe16(0x0304);  // destination unreachable, fragmentation needed
  to.WriteBe16(0);
  to.WriteBe16(0);
  to.WriteBe16(static_cast<uint16_t>(mtu_bytes));
  to.WriteSpan(quote);
  uint8_t* ip = answer.data() + kEthernetBytes;
  uint8_t* icmp = ip + kIpv4Bytes;
  StoreBe<uint16_t>(
      ip + 10, packet::FinishChecksum(packet::PartialSum({ip, kIpv4Bytes})));
  StoreBe<uint16_t>(
      icmp + 2,
      packet::FinishChecksum(packet::PartialSum({icmp, length - kIpv4Bytes})));
  return answer;
}

std::vector<uint8_t> Ipv6Answer(ByteSpan frame, uint32_t mtu_bytes) {
  const ByteSpan packet = Packet(frame);
  const ByteSpan quote = packet.first(std::min(packet.size(), kIpv6QuoteBytes));
  const size_t length = kIcmpBytes + quote.size();
  std::vector<uint8_t> answer(kEthernetBytes + kIpv6Bytes + length);
  ByteWriter to(answer);
  WriteEthernet(frame, &to);
  to.WriteBe32(0x60000000);
  to.WriteBe16(static_cast<uint16_t>(length));
  to.WriteU8(kIcmpv6Protocol);
  to.WriteU8(64);
  to.WriteSpan(kRouterIpv6);
  to.WriteSpan(packet.subspan(8, 16));
  to.WriteBe16(0x0200);  // packet too big
  to.WriteBe16(0);
  to.WriteBe32(mtu_bytes);
  to.WriteSpan(quote);
  uint8_t* addresses = answer.data() + kEthernetBytes + 8;
  uint8_t* icmp = answer.data() + kEthernetBytes + kIpv6Bytes;
  // The pseudo-header of RFC 8200 section 8.1: addresses, length, next header.
  const uint32_t sum = packet::PartialSum({addresses, 32}) +
                       static_cast<uint32_t>(length) + kIcmpv6Protocol +
                       packet::PartialSum({icmp, length});
  StoreBe<uint16_t>(icmp + 2, packet::FinishChecksum(sum));
  return answer;
}

}  // namespace

uint32_t UnfragmentableBytes(ByteSpan frame) {
  if (IsIpv4(frame)) {
    const uint16_t flags = LoadBe<uint16_t>(frame.data() + kEthernetBytes + 6);
    if ((flags & kDontFragment) == 0) return 0;
  } else if (!IsIpv6(frame)) {
    return 0;
  }
  return static_cast<uint32_t>(Packet(frame).size());
}

bool IsPlainTcp(ByteSpan frame) {
  if (IsIpv4(frame)) {
    return frame[kEthernetBytes] == 0x45 &&
           frame[kEthernetBytes + 9] == kTcpProtocol &&
           Packet(frame).size() >= kIpv4Bytes + 20;
  }
  return IsIpv6(frame) && frame[kEthernetBytes + 6] == kTcpProtocol &&
         Packet(frame).size() >= kIpv6Bytes + 20;
}

void ShiftSequence(std::vector<uint8_t>* frame, uint32_t by) {
  uint8_t* sequence = frame->data() + kEthernetBytes +
                      (IsIpv4(*frame) ? kIpv4Bytes : kIpv6Bytes) + 4;
  StoreBe<uint32_t>(sequence, LoadBe<uint32_t>(sequence) + by);
}

std::vector<uint8_t> TooBigAnswer(ByteSpan frame, uint32_t mtu_bytes) {
  return IsIpv4(frame) ? Ipv4Answer(frame, mtu_bytes)
                       : Ipv6Answer(frame, mtu_bytes);
}

}  // namespace chimney::wire
