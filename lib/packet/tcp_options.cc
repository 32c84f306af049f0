// SPDX-License-Identifier: BSD-3-Clause
// TCP options from and to bytes.
#include "packet/tcp_options.h"

#include <algorithm>

#include "base/endian.h"
#include "packet/tcp_header.h"

namespace chimney::packet {

namespace {

constexpr uint8_t kEndOfOptions = 0;
constexpr uint8_t kNop = 1;
constexpr uint8_t kMss = 2;
constexpr uint8_t kWindowScale = 3;
constexpr uint8_t kSackPermitted = 4;
constexpr uint8_t kSack = 5;
constexpr uint8_t kTimestamps = 8;

constexpr uint8_t kMssBytes = 4;
constexpr uint8_t kWindowScaleBytes = 3;
constexpr uint8_t kSackPermittedBytes = 2;
constexpr uint8_t kTimestampsBytes = 10;
constexpr uint8_t kSackBlockBytes = 8;

// NOP NOP kind 8 length 10: how nearly every sender lays out timestamps
// (RFC 7323 appendix A).
constexpr uint32_t kAlignedTimestamps = 0x0101080a;

bool ParseSack(ByteSpan value, TcpOptions* out) {
  if (value.empty() || value.size() % kSackBlockBytes != 0 ||
      value.size() / kSackBlockBytes > kMaxSackBlocks) {
    return false;
  }
  out->sack_count = static_cast<uint8_t>(value.size() / kSackBlockBytes);
  for (uint8_t i = 0; i < out->sack_count; ++i) {
    const uint8_t* block = value.data() + size_t{i} * kSackBlockBytes;
    out->sack[i].start = SeqNum(LoadBe32(block));
    out->sack[i].end = SeqNum(LoadBe32(block + 4));
  }
  return true;
}

// One option other than NOP and end. `value` is what follows kind and length.
bool ParseOption(uint8_t kind, ByteSpan value, TcpOptions* out) {
  const size_t length = value.size() + 2;
  switch (kind) {
    case kMss:
      if (length != kMssBytes) return false;
      out->has_mss = true;
      out->mss = LoadBe16(value.data());
      return true;
    case kWindowScale:
      if (length != kWindowScaleBytes) return false;
      out->has_wscale = true;
      out->wscale = value[0];
      return true;
    case kSackPermitted:
      if (length != kSackPermittedBytes) return false;
      out->sack_permitted = true;
      return true;
    case kSack:
      return ParseSack(value, out);
    case kTimestamps:
      if (length != kTimestampsBytes) return false;
      out->has_timestamps = true;
      out->tsval = LoadBe32(value.data());
      out->tsecr = LoadBe32(value.data() + 4);
      return true;
    default:
      return true;
  }
}

// Bytes of everything but SACK blocks.
size_t BaseBytes(const TcpOptions& options) {
  return (options.has_mss ? 4u : 0u) + (options.sack_permitted ? 4u : 0u) +
         (options.has_timestamps ? kTimestampOptionBytes : 0u) +
         (options.has_wscale ? 4u : 0u);
}

uint8_t EmittedSackBlocks(const TcpOptions& options) {
  return std::min(options.sack_count, SackBlocksThatFit(options));
}

}  // namespace

bool ParseTcpOptions(ByteSpan bytes, TcpOptions* out) {
  *out = TcpOptions{};
  if (bytes.size() == kTimestampOptionBytes &&
      LoadBe32(bytes.data()) == kAlignedTimestamps) {
    out->has_timestamps = true;
    out->tsval = LoadBe32(bytes.data() + 4);
    out->tsecr = LoadBe32(bytes.data() + 8);
    return true;
  }
  size_t offset = 0;
  while (offset < bytes.size()) {
    const uint8_t kind = bytes[offset];
    if (kind == kEndOfOptions) break;
    if (kind == kNop) {
      ++offset;
      continue;
    }
    const size_t left = bytes.size() - offset;
    const size_t length = left < 2 ? 0 : bytes[offset + 1];
    // RFC 9293 MUST-7: an option length of 0 or 1 must not stop the walk dead.
    if (length < 2 || length > left ||
        !ParseOption(kind, bytes.subspan(offset + 2, length - 2), out)) {
      out->malformed = true;
      return false;
    }
    offset += length;
  }
  return true;
}

uint8_t SackBlocksThatFit(const TcpOptions& options) {
  const size_t base = BaseBytes(options);
  const size_t fit = (kMaxTcpOptionBytes - base - 4) / kSackBlockBytes;
  return static_cast<uint8_t>(std::min<size_t>(fit, kMaxSackBlocks));
}

size_t TcpOptionsBytes(const TcpOptions& options) {
  const uint8_t blocks = EmittedSackBlocks(options);
  return BaseBytes(options) +
         (blocks == 0 ? 0u : 4u + size_t{blocks} * kSackBlockBytes);
}

size_t EmitTcpOptions(const TcpOptions& options, MutableByteSpan out) {
  const size_t length = TcpOptionsBytes(options);
  if (out.size() < length) return 0;
  uint8_t* bytes = out.data();
  if (options.has_mss) {
    StoreBe32(bytes, 0x02040000u | options.mss);
    bytes += 4;
  }
  if (options.sack_permitted) {
    StoreBe32(bytes, 0x01010402u);
    bytes += 4;
  }
  if (options.has_timestamps) {
    StoreBe32(bytes, kAlignedTimestamps);
    StoreBe32(bytes + 4, options.tsval);
    StoreBe32(bytes + 8, options.tsecr);
    bytes += kTimestampOptionBytes;
  }
  if (options.has_wscale) {
    StoreBe32(bytes, 0x01030300u | options.wscale);
    bytes += 4;
  }
  const uint8_t blocks = EmittedSackBlocks(options);
  if (blocks != 0) {
    StoreBe32(bytes, 0x01010500u | (2u + blocks * kSackBlockBytes));
    bytes += 4;
  }
  for (uint8_t i = 0; i < blocks; ++i) {
    StoreBe32(bytes, options.sack[i].start.value());
    StoreBe32(bytes + 4, options.sack[i].end.value());
    bytes += kSackBlockBytes;
  }
  return length;
}

}  // namespace chimney::packet
