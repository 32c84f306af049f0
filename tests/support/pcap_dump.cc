// SPDX-License-Identifier: BSD-3-Clause
// Captures: an encoder of its own, so that a bug in lib/packet cannot hide in
// the evidence.
#include "tests/support/pcap_dump.h"

#include <fstream>

namespace chimney::testing {
namespace {

constexpr size_t kMaxCaptureBytes = size_t{64} << 20;
constexpr uint32_t kNanosecondMagic = 0xa1b23c4d;
constexpr uint32_t kLinkTypeRawIp = 101;
constexpr uint32_t kAddressA = 0x0a4d0001;
constexpr uint32_t kAddressB = 0x0a4d0002;
constexpr uint16_t kPortA = 40001;
constexpr uint16_t kPortB = 40002;

using Bytes = std::vector<uint8_t>;

void PutLittle32(Bytes* out, uint32_t value) {
  for (int i = 0; i < 4; ++i) {
    out->push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
}

void PutBig16(Bytes* out, uint32_t value) {
  out->push_back(static_cast<uint8_t>(value >> 8));
  out->push_back(static_cast<uint8_t>(value));
}

void PutBig32(Bytes* out, uint32_t value) {
  PutBig16(out, value >> 16);
  PutBig16(out, value & 0xffff);
}

void Patch16(Bytes* out, size_t at, uint16_t value) {
  (*out)[at] = static_cast<uint8_t>(value >> 8);
  (*out)[at + 1] = static_cast<uint8_t>(value);
}

uint64_t SumWords(const Bytes& bytes, size_t from) {
  uint64_t sum = 0;
  for (size_t i = from; i < bytes.size(); ++i) {
    sum += ((i - from) % 2 == 0) ? uint64_t{bytes[i]} << 8 : bytes[i];
  }
  return sum;
}

uint16_t Fold(uint64_t sum) {
  while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Bytes EncodeTcp(const WireSegment& segment, uint32_t from, uint32_t to) {
  Bytes tcp;
  PutBig16(&tcp, from == kAddressA ? kPortA : kPortB);
  PutBig16(&tcp, to == kAddressA ? kPortA : kPortB);
  PutBig32(&tcp, segment.seq);
  PutBig32(&tcp, segment.ack);
  tcp.push_back(static_cast<uint8_t>((segment.TcpHeaderBytes() / 4) << 4));
  tcp.push_back(segment.flags);
  PutBig16(&tcp, segment.raw_window);
  PutBig16(&tcp, 0);  // checksum
  PutBig16(&tcp, segment.urgent_pointer);
  if (segment.timestamps) {
    PutBig32(&tcp, 0x0101080a);
    PutBig32(&tcp, segment.timestamps->value);
    PutBig32(&tcp, segment.timestamps->echo);
  }
  if (!segment.sack.empty()) {
    PutBig16(&tcp, 0x0101);
    tcp.push_back(5);
    tcp.push_back(static_cast<uint8_t>(2 + 8 * segment.sack.size()));
    for (const WireSegment::Block& block : segment.sack) {
      PutBig32(&tcp, block.left);
      PutBig32(&tcp, block.right);
    }
  }
  tcp.insert(tcp.end(), segment.payload.begin(), segment.payload.end());
  const uint64_t pseudo = (from >> 16) + (from & 0xffff) + (to >> 16) +
                          (to & 0xffff) + 6 + tcp.size();
  Patch16(&tcp, 16, Fold(pseudo + SumWords(tcp, 0)));
  return tcp;
}

Bytes EncodeDatagram(const WireSegment& segment, bool from_a) {
  const uint32_t from = from_a ? kAddressA : kAddressB;
  const uint32_t to = from_a ? kAddressB : kAddressA;
  Bytes ip;
  PutBig16(&ip, 0x4500);
  PutBig16(&ip, segment.DatagramBytes());
  PutBig32(&ip, 0x80004000);  // identification, DF
  PutBig16(&ip, 0x4006);      // TTL 64, TCP
  PutBig16(&ip, 0);           // checksum
  PutBig32(&ip, from);
  PutBig32(&ip, to);
  Patch16(&ip, 10, Fold(SumWords(ip, 0)));
  const Bytes tcp = EncodeTcp(segment, from, to);
  ip.insert(ip.end(), tcp.begin(), tcp.end());
  return ip;
}

}  // namespace

PcapDump::PcapDump() {
  PutLittle32(&bytes_, kNanosecondMagic);
  PutLittle32(&bytes_, 0x00040002);  // version 2.4
  PutLittle32(&bytes_, 0);
  PutLittle32(&bytes_, 0);
  PutLittle32(&bytes_, 65535);
  PutLittle32(&bytes_, kLinkTypeRawIp);
}

void PcapDump::Record(Instant now, bool from_a, const WireSegment& segment) {
  if (bytes_.size() > kMaxCaptureBytes) return;
  const Bytes datagram = EncodeDatagram(segment, from_a);
  PutLittle32(&bytes_, static_cast<uint32_t>(now.nanos() / 1'000'000'000));
  PutLittle32(&bytes_, static_cast<uint32_t>(now.nanos() % 1'000'000'000));
  PutLittle32(&bytes_, static_cast<uint32_t>(datagram.size()));
  PutLittle32(&bytes_, static_cast<uint32_t>(datagram.size()));
  bytes_.insert(bytes_.end(), datagram.begin(), datagram.end());
}

bool PcapDump::WriteTo(const std::string& path) const {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes_.data()),
             static_cast<std::streamsize>(bytes_.size()));
  return file.good();
}

}  // namespace chimney::testing
