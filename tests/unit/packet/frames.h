// SPDX-License-Identifier: BSD-3-Clause
// Frames for the tests of lib/packet, byte by byte. Lengths and checksums were
// worked out by an independent program, never by the code under test.
#ifndef CHIMNEY_TESTS_UNIT_PACKET_FRAMES_H_
#define CHIMNEY_TESTS_UNIT_PACKET_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace chimney::packet::frames {

using Frame = std::vector<uint8_t>;

// Two hexadecimal digits a byte, blanks ignored.
inline Frame FromHex(std::string_view text) {
  Frame bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      bytes.push_back(static_cast<uint8_t>(high * 16 + value));
      high = -1;
    }
  }
  return bytes;
}

// A copy of the first bytes, with nothing behind them.
inline Frame Prefix(const Frame& frame, size_t count) {
  return Frame(frame.data(), frame.data() + count);
}

// The same frame with a VLAN tag in front of whatever follows the addresses.
inline Frame WithTag(Frame frame, uint16_t tpid, uint16_t tci) {
  const uint8_t tag[4] = {
      static_cast<uint8_t>(tpid >> 8), static_cast<uint8_t>(tpid & 0xff),
      static_cast<uint8_t>(tci >> 8), static_cast<uint8_t>(tci & 0xff)};
  frame.insert(frame.begin() + 12, tag, tag + 4);
  return frame;
}

// 10.77.0.2:5001 > 10.77.0.1:443, PSH ACK, timestamps, "hello".
inline Frame Ipv4Data() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 0800 "
      // IPv4: tos 0xb8+ECT(0), id 0x1234, DF, ttl 63, length 57
      "45ba 0039 1234 4000 3f06 1435 0a4d 0002 0a4d 0001 "
      // TCP: seq 01020304, ack 0a0b0c0d, window 0x1000
      "1389 01bb 0102 0304 0a0b 0c0d 8018 1000 7879 0000 "
      // timestamps
      "0101 080a 1111 1111 2222 2222 "
      // payload
      "6865 6c6c 6f ");
}

// The same over IPv6: fd77::2 > fd77::1.
inline Frame Ipv6Data() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 86dd "
      // IPv6: class 0xba, flow label 0x12345, hop limit 63, payload 37
      "6ba1 2345 0025 063f fd77 0000 0000 0000 0000 0000 0000 0002 fd77 "
      "0000 0000 0000 0000 0000 0000 0001 "
      // TCP
      "1389 01bb 0102 0304 0a0b 0c0d 8018 1000 9223 0000 "
      // timestamps
      "0101 080a 1111 1111 2222 2222 "
      // payload
      "6865 6c6c 6f ");
}

// A bare ACK of 54 bytes, padded to the Ethernet minimum of 60.
inline Frame Ipv4PaddedAck() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 0800 "
      // IPv4: length 40
      "4500 0028 1234 4000 4006 1400 0a4d 0002 0a4d 0001 "
      // TCP
      "1389 01bb 0102 0304 0a0b 0c0d 5010 1000 5bd6 0000 "
      // Ethernet padding, not zero
      "eeee eeee eeee ");
}

// With an IPv4 option (router alert, RFC 2113).
inline Frame Ipv4RouterAlert() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 0800 "
      // IPv4: IHL 6
      "4600 0031 1234 4000 4006 7ef2 0a4d 0002 0a4d 0001 9404 0000 "
      // TCP
      "1389 01bb 0102 0304 0a0b 0c0d 5010 1000 17ff 0000 "
      // payload
      "6865 6c6c 6f ");
}

// The first 24 of 32 bytes of a datagram.
inline Frame Ipv4FirstFragment() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 0800 "
      // IPv4: MF, offset 0
      "4500 002c 1234 2000 4006 33fc 0a4d 0002 0a4d 0001 "
      // TCP
      "1389 01bb 0102 0304 0a0b 0c0d 5010 1000 f55d 0000 "
      // payload
      "3031 3233 ");
}

// The last 8 bytes of that datagram.
inline Frame Ipv4LaterFragment() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 0800 "
      // IPv4: offset 24
      "4500 001c 1234 0003 4006 5409 0a4d 0002 0a4d 0001 "
      // payload
      "3435 3637 3839 6162 ");
}

// With a destination options header (PadN of 4).
inline Frame Ipv6DestinationOptions() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 86dd "
      // IPv6: next header 60
      "6000 0000 0021 3c40 fd77 0000 0000 0000 0000 0000 0000 0002 fd77 "
      "0000 0000 0000 0000 0000 0000 0001 "
      // destination options
      "0600 0104 0000 0000 "
      // TCP
      "1389 01bb 0102 0304 0a0b 0c0d 5010 1000 31a9 0000 "
      // payload
      "6865 6c6c 6f ");
}

// The first 24 bytes of a fragmented datagram.
inline Frame Ipv6FirstFragment() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 86dd "
      // IPv6: next header 44
      "6000 0000 0020 2c40 fd77 0000 0000 0000 0000 0000 0000 0002 fd77 "
      "0000 0000 0000 0000 0000 0000 0001 "
      // fragment header: offset 0, M
      "0600 0001 0000 0099 "
      // TCP
      "1389 01bb 0102 0304 0a0b 0c0d 5010 1000 31a9 0000 "
      // payload
      "6865 6c6c ");
}

// A later fragment at offset 24.
inline Frame Ipv6LaterFragment() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 86dd "
      // IPv6: next header 44
      "6000 0000 0010 2c40 fd77 0000 0000 0000 0000 0000 0000 0002 fd77 "
      "0000 0000 0000 0000 0000 0000 0001 "
      // fragment header: offset 24, last
      "0600 0018 0000 0099 "
      // payload
      "3132 3334 3536 3738 ");
}

// 10.77.0.254 reports MTU 1200 for 10.77.0.1:443 > 10.77.0.2:5001.
inline Frame Icmpv4TooBig() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 0800 "
      // IPv4: ICMP
      "4500 0038 1234 4000 4001 12f9 0a4d 00fe 0a4d 0001 "
      // type 3, code 4, next-hop MTU 0x04b0
      "0304 456a 0000 04b0 "
      // quoted IPv4: length 1500
      "4500 05dc 8001 4000 3d06 a37e 0a4d 0001 0a4d 0002 "
      // 8 quoted bytes of TCP: seq deadbeef
      "01bb 1389 dead beef ");
}

// fd77::fe reports MTU 1280 for [fd77::1]:443 > [fd77::2]:5001.
inline Frame Icmpv6TooBig() {
  return FromHex(
      // Ethernet
      "0200 0000 0001 0200 0000 0002 86dd "
      // IPv6: ICMPv6
      "6000 0000 0044 3a40 fd77 0000 0000 0000 0000 0000 0000 00fe fd77 "
      "0000 0000 0000 0000 0000 0000 0001 "
      // type 2, code 0, MTU 0x0500
      "0200 90cf 0000 0500 "
      // quoted IPv6: payload length 1440
      "6000 0000 05a0 063d fd77 0000 0000 0000 0000 0000 0000 0001 fd77 "
      "0000 0000 0000 0000 0000 0000 0002 "
      // quoted TCP: seq deadbeef
      "01bb 1389 dead beef 0a0b 0c0d 5010 1000 dbe8 0000 ");
}

}  // namespace chimney::packet::frames

#endif  // CHIMNEY_TESTS_UNIT_PACKET_FRAMES_H_
