// SPDX-License-Identifier: BSD-3-Clause
// Internet and Ethernet addresses and the 4-tuple of a TCP connection, as plain
// values. Text forms are in base/inet_text.h.
#ifndef CHIMNEY_BASE_INET_ADDRESS_H_
#define CHIMNEY_BASE_INET_ADDRESS_H_

#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/random.h"

namespace chimney {

enum class IpFamily : uint8_t { kIpv4 = 4, kIpv6 = 6 };

// An IPv4 or IPv6 address. The bytes are in network order; an IPv4 address
// takes the first 4 and the rest are zero, so that comparing all 16 is right
// for both.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  IpFamily family = IpFamily::kIpv4;

  // `value` in host order: FromV4(0x0a4d0001) is 10.77.0.1.
  static IpAddress FromV4(uint32_t value) {
    IpAddress address;
    StoreBe32(address.bytes.data(), value);
    return address;
  }
  static IpAddress FromV4Bytes(std::span<const uint8_t, 4> from) {
    IpAddress address;
    std::memcpy(address.bytes.data(), from.data(), 4);
    return address;
  }
  static IpAddress FromV6Bytes(std::span<const uint8_t, 16> from) {
    IpAddress address;
    std::memcpy(address.bytes.data(), from.data(), 16);
    address.family = IpFamily::kIpv6;
    return address;
  }

  bool IsV4() const { return family == IpFamily::kIpv4; }
  bool IsV6() const { return family == IpFamily::kIpv6; }
  // Host order; only meaningful for IPv4.
  uint32_t v4() const { return LoadBe32(bytes.data()); }
  // The 4 or 16 bytes as they stand in a packet.
  ByteSpan WireBytes() const { return ByteSpan(bytes).first(IsV4() ? 4 : 16); }
  bool IsUnspecified() const { return LowHigh() == std::array<uint64_t, 2>{}; }
  bool IsMulticast() const {
    return IsV4() ? (bytes[0] & 0xf0) == 0xe0 : bytes[0] == 0xff;
  }
  bool IsLoopback() const {
    return IsV4() ? bytes[0] == 127
                  : LowHigh()[0] == 0 && LoadBe64(&bytes[8]) == 1;
  }

  // The 16 bytes as two native words, for fast comparing and hashing.
  std::array<uint64_t, 2> LowHigh() const {
    std::array<uint64_t, 2> words;
    std::memcpy(words.data(), bytes.data(), 16);
    return words;
  }
  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    const std::array<uint64_t, 2> x = a.LowHigh();
    const std::array<uint64_t, 2> y = b.LowHigh();
    return x[0] == y[0] && x[1] == y[1] && a.family == b.family;
  }
};

// One TCP connection as one end sees it. Both addresses are of one family;
// ports are in host order.
struct FlowTuple {
  IpAddress local;
  IpAddress remote;
  uint16_t local_port = 0;
  uint16_t remote_port = 0;

  IpFamily family() const { return local.family; }
  // The same connection seen from the other end.
  FlowTuple Reversed() const {
    return FlowTuple{remote, local, remote_port, local_port};
  }
  friend bool operator==(const FlowTuple& a, const FlowTuple& b) {
    return a.local_port == b.local_port && a.remote_port == b.remote_port &&
           a.remote == b.remote && a.local == b.local;
  }
};

// SipHash-2-4 of the tuple: an attacker who does not know the key cannot choose
// tuples that collide. The value depends on the machine's byte order and must
// not leave the process.
inline uint64_t HashFlowTuple(HashKey key, const FlowTuple& tuple) {
  SipHash24State state(key);
  const std::array<uint64_t, 2> local = tuple.local.LowHigh();
  const std::array<uint64_t, 2> remote = tuple.remote.LowHigh();
  const uint64_t ports =
      (static_cast<uint64_t>(tuple.local_port) << 16) | tuple.remote_port;
  if (tuple.local.IsV4()) {
    state.Mix((static_cast<uint64_t>(tuple.local.v4()) << 32) |
              tuple.remote.v4());
    return state.Finish((uint64_t{12} << 56) | ports);
  }
  state.Mix(local[0]);
  state.Mix(local[1]);
  state.Mix(remote[0]);
  state.Mix(remote[1]);
  return state.Finish((uint64_t{36} << 56) | ports);
}

// An Ethernet address.
struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  bool IsMulticast() const { return (bytes[0] & 1) != 0; }
  bool IsZero() const { return *this == MacAddress{}; }
  bool IsBroadcast() const {
    return *this == MacAddress{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  }
  friend bool operator==(const MacAddress&, const MacAddress&) = default;
};

}  // namespace chimney

#endif  // CHIMNEY_BASE_INET_ADDRESS_H_
