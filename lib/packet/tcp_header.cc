// SPDX-License-Identifier: BSD-3-Clause
// The fixed TCP header from and to bytes.
#include "packet/tcp_header.h"

#include "base/endian.h"

namespace chimney::packet {

TcpHeaderVerdict ParseTcpHeader(ByteSpan segment, TcpHeader* out) {
  if (segment.size() < kTcpHeaderBytes) return TcpHeaderVerdict::kTruncated;
  const uint8_t* bytes = segment.data();
  out->src_port = LoadBe16(bytes);
  out->dst_port = LoadBe16(bytes + 2);
  out->seq = SeqNum(LoadBe32(bytes + 4));
  out->ack = SeqNum(LoadBe32(bytes + 8));
  // The four bits behind the data offset are reserved: ignored on receipt
  // (RFC 9293 section 3.1).
  out->header_bytes = static_cast<uint8_t>((bytes[12] >> 4) * 4);
  out->flags = TcpFlags{bytes[13]};
  out->window = LoadBe16(bytes + 14);
  out->checksum = LoadBe16(bytes + kTcpChecksumOffset);
  out->urgent_pointer = LoadBe16(bytes + 18);
  if (out->header_bytes < kTcpHeaderBytes) {
    return TcpHeaderVerdict::kBadDataOffset;
  }
  return out->header_bytes <= segment.size() ? TcpHeaderVerdict::kOk
                                             : TcpHeaderVerdict::kTruncated;
}

size_t EmitTcpHeader(const TcpHeader& header, MutableByteSpan out) {
  if (out.size() < kTcpHeaderBytes || header.header_bytes % 4 != 0 ||
      header.header_bytes < kTcpHeaderBytes ||
      header.header_bytes > kTcpHeaderBytes + kMaxTcpOptionBytes) {
    return 0;
  }
  uint8_t* bytes = out.data();
  StoreBe16(bytes, header.src_port);
  StoreBe16(bytes + 2, header.dst_port);
  StoreBe32(bytes + 4, header.seq.value());
  StoreBe32(bytes + 8, header.ack.value());
  bytes[12] = static_cast<uint8_t>(header.header_bytes / 4 << 4);
  bytes[13] = header.flags.bits;
  StoreBe16(bytes + 14, header.window);
  StoreBe16(bytes + kTcpChecksumOffset, header.checksum);
  StoreBe16(bytes + 18, header.urgent_pointer);
  return kTcpHeaderBytes;
}

}  // namespace chimney::packet
