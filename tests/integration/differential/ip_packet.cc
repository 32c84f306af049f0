// SPDX-License-Identifier: BSD-3-Clause
// RFC 791, 8200, 9293 section 3.1, options of RFC 2018 and 7323.
#include "tests/integration/differential/ip_packet.h"

namespace chimney::differential {
namespace {

using script::EcnMark;
using testing::WireSegment;
using Bytes = std::vector<uint8_t>;

constexpr uint8_t kTcp = 6;
constexpr uint8_t kNop = 1;
constexpr uint8_t kSack = 5;
constexpr uint8_t kTimestamp = 8;
constexpr size_t kIpv4Header = 20;
constexpr size_t kIpv6Header = 40;
constexpr size_t kTcpHeader = 20;

void Put16(Bytes* to, uint32_t value) {
  to->push_back(static_cast<uint8_t>(value >> 8));
  to->push_back(static_cast<uint8_t>(value));
}

void Put32(Bytes* to, uint32_t value) {
  Put16(to, value >> 16);
  Put16(to, value & 0xffff);
}

void Set16(Bytes* in, size_t at, uint32_t value) {
  (*in)[at] = static_cast<uint8_t>(value >> 8);
  (*in)[at + 1] = static_cast<uint8_t>(value);
}

uint32_t Get16(const Bytes& from, size_t at) {
  return uint32_t{from[at]} << 8 | from[at + 1];
}

uint32_t Get32(const Bytes& from, size_t at) {
  return Get16(from, at) << 16 | Get16(from, at + 2);
}

uint32_t Sum(const Bytes& bytes, uint32_t sum) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
  }
  return sum;
}

uint32_t Fold(uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

uint8_t EcnBits(EcnMark mark) {
  switch (mark) {
    case EcnMark::kEct1:
      return 1;
    case EcnMark::kEct0:
    case EcnMark::kEitherEct:
      return 2;
    case EcnMark::kCe:
      return 3;
    case EcnMark::kAny:
    case EcnMark::kNotEct:
      break;
  }
  return 0;
}

EcnMark MarkOf(uint8_t tos) {
  constexpr EcnMark kMarks[] = {EcnMark::kNotEct, EcnMark::kEct1,
                                EcnMark::kEct0, EcnMark::kCe};
  return kMarks[tos & 3];
}

Bytes EncodeOptions(const WireSegment& segment) {
  Bytes options;
  if (segment.timestamps) {
    options.insert(options.end(), {kNop, kNop, kTimestamp, 10});
    Put32(&options, segment.timestamps->value);
    Put32(&options, segment.timestamps->echo);
  }
  if (!segment.sack.empty()) {
    options.insert(
        options.end(),
        {kNop, kNop, kSack, static_cast<uint8_t>(2 + 8 * segment.sack.size())});
    for (const WireSegment::Block& block : segment.sack) {
      Put32(&options, block.left);
      Put32(&options, block.right);
    }
  }
  return options;
}

Bytes EncodeTcp(const Path& path, const WireSegment& segment) {
  const Bytes options = EncodeOptions(segment);
  Bytes tcp;
  Put16(&tcp, path.from_port);
  Put16(&tcp, path.to_port);
  Put32(&tcp, segment.seq);
  Put32(&tcp, segment.ack);
  tcp.push_back(static_cast<uint8_t>((kTcpHeader + options.size()) / 4 << 4));
  tcp.push_back(segment.flags);
  Put16(&tcp, segment.raw_window);
  Put16(&tcp, 0);
  Put16(&tcp, segment.urgent_pointer);
  tcp.insert(tcp.end(), options.begin(), options.end());
  tcp.insert(tcp.end(), segment.payload.begin(), segment.payload.end());
  uint32_t sum = kTcp + static_cast<uint32_t>(tcp.size());
  sum = Sum(path.to, Sum(path.from, sum));
  Set16(&tcp, 16, Fold(Sum(tcp, sum)));
  return tcp;
}

// False if the options are no options.
bool DecodeOptions(const Bytes& packet, size_t at, size_t end,
                   WireSegment* segment) {
  while (at < end) {
    if (packet[at] == 0) return true;
    if (packet[at] == kNop) {
      ++at;
      continue;
    }
    if (end - at < 2) return false;
    const size_t length = packet[at + 1];
    if (length < 2 || length > end - at) return false;
    if (packet[at] == kTimestamp && length == 10) {
      segment->timestamps =
          WireSegment::Timestamps{Get32(packet, at + 2), Get32(packet, at + 6)};
    }
    if (packet[at] == kSack) {
      for (size_t i = at + 2; i + 8 <= at + length; i += 8) {
        segment->sack.push_back({Get32(packet, i), Get32(packet, i + 4)});
      }
    }
    at += length;
  }
  return true;
}

}  // namespace

Bytes Encode(const Path& path, const WireSegment& segment, EcnMark ecn) {
  const Bytes tcp = EncodeTcp(path, segment);
  const auto length = static_cast<uint32_t>(tcp.size());
  Bytes packet;
  if (path.from.size() == 4) {
    packet = {0x45, EcnBits(ecn)};
    Put16(&packet, static_cast<uint32_t>(kIpv4Header) + length);
    Put32(&packet, 0x4000);  // no fragment, none wanted
    packet.insert(packet.end(), {64, kTcp, 0, 0});
    packet.insert(packet.end(), path.from.begin(), path.from.end());
    packet.insert(packet.end(), path.to.begin(), path.to.end());
    Set16(&packet, 10, Fold(Sum(packet, 0)));
  } else {
    Put32(&packet, 6U << 28 | uint32_t{EcnBits(ecn)} << 20);
    Put16(&packet, length);
    packet.insert(packet.end(), {kTcp, 64});
    packet.insert(packet.end(), path.from.begin(), path.from.end());
    packet.insert(packet.end(), path.to.begin(), path.to.end());
  }
  packet.insert(packet.end(), tcp.begin(), tcp.end());
  return packet;
}

std::optional<Received> Decode(const Bytes& packet) {
  if (packet.size() < kIpv4Header) return std::nullopt;
  const bool ipv6 = packet[0] >> 4 == 6;
  const size_t tcp = ipv6 ? kIpv6Header : size_t{packet[0] & 15U} * 4;
  if (packet.size() < tcp + kTcpHeader) return std::nullopt;
  if (packet[ipv6 ? 6 : 9] != kTcp) return std::nullopt;
  const size_t payload = tcp + size_t{packet[tcp + 12]} / 16 * 4;
  if (payload < tcp + kTcpHeader || payload > packet.size()) {
    return std::nullopt;
  }
  Received received;
  received.ecn =
      MarkOf(ipv6 ? static_cast<uint8_t>(packet[1] >> 4) : packet[1]);
  WireSegment& segment = received.segment;
  segment.seq = Get32(packet, tcp + 4);
  segment.ack = Get32(packet, tcp + 8);
  segment.flags = packet[tcp + 13];
  segment.raw_window = static_cast<uint16_t>(Get16(packet, tcp + 14));
  segment.urgent_pointer = static_cast<uint16_t>(Get16(packet, tcp + 18));
  if (!DecodeOptions(packet, tcp + kTcpHeader, payload, &segment)) {
    return std::nullopt;
  }
  segment.payload.assign(packet.begin() + static_cast<ptrdiff_t>(payload),
                         packet.end());
  return received;
}

}  // namespace chimney::differential
