// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum (RFC 1071) in pieces: sums of parts, in any order and
// at any offset, that combine to the checksum of the whole.
#ifndef CHIMNEY_PACKET_CHECKSUM_H_
#define CHIMNEY_PACKET_CHECKSUM_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/inet_address.h"

namespace chimney::packet {

// A partial sum is the ones' complement sum of 16-bit words taken in network
// order, as a host-order number, not complemented and folded to 16 bits
// (0..0xffff). It is held in 32 bits so that a few sums or header fields may be
// added up before folding.

// The sum of some bytes. A last odd byte counts as the high half of a word
// whose low half is zero.
uint32_t PartialSum(ByteSpan bytes);

// The same while copying `from` to the front of `to`; `to` is at least as
// large, and the two do not overlap.
uint32_t CopyWithSum(ByteSpan from, MutableByteSpan to);

constexpr uint32_t FoldSum(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint32_t>(sum);
}

// The sum of A followed by B, from the sums of both. If A has an odd length
// then B's bytes sit in the other half of each word (RFC 1071 section 2 (B)).
constexpr uint32_t CombineSums(uint32_t sum_a, size_t length_a_bytes,
                               uint32_t sum_b) {
  uint32_t b = FoldSum(sum_b);
  if ((length_a_bytes & 1) != 0) b = ((b & 0xff) << 8) | (b >> 8);
  return FoldSum(uint64_t{sum_a} + b);
}

// The value for a checksum field, from the sum of everything covered with that
// field as zero. The result of summing over a correct field as well is 0.
constexpr uint16_t FinishChecksum(uint32_t sum) {
  return static_cast<uint16_t>(~FoldSum(sum));
}

// The sum of the pseudo-header of RFC 9293 section 3.1 (IPv4) or RFC 8200
// section 8.1 (IPv6). `length_bytes` is that of the upper-layer header and
// data. Both addresses are of one family.
uint32_t PseudoHeaderSum(const IpAddress& src, const IpAddress& dst,
                         uint8_t protocol, uint32_t length_bytes);

// The new value of a checksum field when one 16- or 32-bit word that it covers
// changes (RFC 1624, equation 3). Words are at even offsets.
uint16_t UpdateChecksum16(uint16_t checksum, uint16_t old_word,
                          uint16_t new_word);
uint16_t UpdateChecksum32(uint16_t checksum, uint32_t old_word,
                          uint32_t new_word);

}  // namespace chimney::packet

#endif  // CHIMNEY_PACKET_CHECKSUM_H_
