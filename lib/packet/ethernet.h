// SPDX-License-Identifier: BSD-3-Clause
// Ethernet II headers with up to two VLAN tags (IEEE 802.1Q, 802.1ad).
#ifndef CHIMNEY_PACKET_ETHERNET_H_
#define CHIMNEY_PACKET_ETHERNET_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/inet_address.h"

namespace chimney::packet {

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;  // 802.1Q
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr uint16_t kEtherTypeQinQ = 0x88a8;  // 802.1ad
inline constexpr size_t kEthernetHeaderBytes = 14;  // untagged
inline constexpr size_t kVlanTagBytes = 4;
inline constexpr uint8_t kMaxVlanTags = 2;

struct EthernetHeader {
  MacAddress dst;
  MacAddress src;
  uint8_t vlan_count = 0;  // 0..kMaxVlanTags
  // Outermost first. Tag control: priority 3 bits, CFI/DEI 1, VLAN id 12.
  uint16_t vlan_tci[kMaxVlanTags] = {};
  uint16_t vlan_tpid[kMaxVlanTags] = {};
  // Behind the tags. Below 0x0600 it is an IEEE 802.3 length.
  uint16_t ether_type = 0;
  uint16_t length = 0;  // bytes of this header, tags included

  // The innermost tag's; 0 when untagged, as a priority tag has it (R121).
  uint16_t vlan_id() const {
    return vlan_count == 0
               ? uint16_t{0}
               : static_cast<uint16_t>(vlan_tci[vlan_count - 1] & 0x0fff);
  }
  uint8_t vlan_priority() const {
    return vlan_count == 0
               ? uint8_t{0}
               : static_cast<uint8_t>(vlan_tci[vlan_count - 1] >> 13);
  }
};

// False if the frame ends within the header. A third tag is left in place, as
// an ether type that no parser here knows.
[[nodiscard]] bool ParseEthernet(ByteSpan frame, EthernetHeader* out);

// Writes the header to the front of `out`; `length` is not read. Returns the
// bytes written, 0 if it does not fit or has too many tags.
size_t EmitEthernet(const EthernetHeader& header, MutableByteSpan out);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_ETHERNET_H_
