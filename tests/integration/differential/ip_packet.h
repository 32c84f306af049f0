// SPDX-License-Identifier: BSD-3-Clause
// IP packets of one TCP connection, to and from the tests' segments. Written
// for this alone: what compares the engine with a kernel shares no code with
// the engine.
#ifndef CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_IP_PACKET_H_
#define CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_IP_PACKET_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/script/segment_text.h"
#include "tests/support/wire_segment.h"

namespace chimney::differential {

// One direction, addresses and ports in network byte order.
struct Path {
  std::vector<uint8_t> from;  // 4 or 16 bytes
  std::vector<uint8_t> to;
  uint16_t from_port = 0;  // host byte order
  uint16_t to_port = 0;
};

struct Received {
  testing::WireSegment segment;
  script::EcnMark ecn = script::EcnMark::kNotEct;
};

std::vector<uint8_t> Encode(const Path& path,
                            const testing::WireSegment& segment,
                            script::EcnMark ecn);

// None if `packet` is no whole TCP segment.
std::optional<Received> Decode(const std::vector<uint8_t>& packet);

}  // namespace chimney::differential

#endif  // CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_IP_PACKET_H_
