// SPDX-License-Identifier: BSD-3-Clause
// Ethernet headers from and to bytes.
#include "packet/ethernet.h"

namespace chimney::packet {

namespace {

bool IsVlanType(uint16_t ether_type) {
  return ether_type == kEtherTypeVlan || ether_type == kEtherTypeQinQ;
}

}  // namespace

bool ParseEthernet(ByteSpan frame, EthernetHeader* out) {
  if (frame.size() < kEthernetHeaderBytes) return false;
  const uint8_t* bytes = frame.data();
  std::memcpy(out->dst.bytes.data(), bytes, 6);
  std::memcpy(out->src.bytes.data(), bytes + 6, 6);
  out->vlan_count = 0;
  uint16_t type = LoadBe16(bytes + 12);
  size_t length = kEthernetHeaderBytes;
  while (IsVlanType(type) && out->vlan_count < kMaxVlanTags) {
    if (frame.size() < length + kVlanTagBytes) return false;
    out->vlan_tpid[out->vlan_count] = type;
    out->vlan_tci[out->vlan_count] = LoadBe16(bytes + length);
    ++out->vlan_count;
    type = LoadBe16(bytes + length + 2);
    length += kVlanTagBytes;
  }
  out->ether_type = type;
  out->length = static_cast<uint16_t>(length);
  return true;
}

size_t EmitEthernet(const EthernetHeader& header, MutableByteSpan out) {
  if (header.vlan_count > kMaxVlanTags) return 0;
  const size_t length =
      kEthernetHeaderBytes + header.vlan_count * kVlanTagBytes;
  if (out.size() < length) return 0;
  uint8_t* bytes = out.data();
  std::memcpy(bytes, header.dst.bytes.data(), 6);
  std::memcpy(bytes + 6, header.src.bytes.data(), 6);
  bytes += 12;
  for (uint8_t i = 0; i < header.vlan_count; ++i) {
    StoreBe16(bytes, header.vlan_tpid[i]);
    StoreBe16(bytes + 2, header.vlan_tci[i]);
    bytes += kVlanTagBytes;
  }
  StoreBe16(bytes, header.ether_type);
  return length;
}

}  // namespace chimney::packet
