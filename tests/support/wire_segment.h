// SPDX-License-Identifier: BSD-3-Clause
// A TCP segment on the tests' wire: plain values of its own, so that what
// checks the engine shares no code with it.
#ifndef CHIMNEY_TESTS_SUPPORT_WIRE_SEGMENT_H_
#define CHIMNEY_TESTS_SUPPORT_WIRE_SEGMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chimney::testing {

// Control bits as on the wire (RFC 9293 section 3.1).
inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kSyn = 0x02;
inline constexpr uint8_t kRst = 0x04;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;
inline constexpr uint8_t kUrg = 0x20;

struct WireSegment {
  struct Timestamps {
    uint32_t value = 0;
    uint32_t echo = 0;
    friend bool operator==(const Timestamps&, const Timestamps&) = default;
  };
  struct Block {  // bytes [left, right)
    uint32_t left = 0;
    uint32_t right = 0;
    friend bool operator==(const Block&, const Block&) = default;
  };

  uint32_t seq = 0;
  uint32_t ack = 0;
  uint16_t raw_window = 0;  // unscaled
  uint16_t urgent_pointer = 0;
  uint8_t flags = 0;
  std::optional<Timestamps> timestamps;
  std::vector<Block> sack;
  std::vector<uint8_t> payload;
  uint32_t flow = 0;  // its connection, where several share a wire

  bool Has(uint8_t flag) const { return (flags & flag) != 0; }
  // Payload, and one each for SYN and FIN.
  uint32_t SequenceLength() const {
    return static_cast<uint32_t>(payload.size()) + (Has(kSyn) ? 1u : 0u) +
           (Has(kFin) ? 1u : 0u);
  }
  uint32_t EndSeq() const { return seq + SequenceLength(); }
  // Header with options padded to words.
  uint32_t TcpHeaderBytes() const;
  // IPv4 datagram.
  uint32_t DatagramBytes() const {
    return 20 + TcpHeaderBytes() + static_cast<uint32_t>(payload.size());
  }

  friend bool operator==(const WireSegment&, const WireSegment&) = default;
};

// One line in the manner of tcpdump.
std::string Describe(const WireSegment& segment);

// What gtest prints.
void PrintTo(const WireSegment& segment, std::ostream* out);

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_WIRE_SEGMENT_H_
