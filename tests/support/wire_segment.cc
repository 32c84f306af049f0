// SPDX-License-Identifier: BSD-3-Clause
// Text of a segment on the tests' wire.
#include "tests/support/wire_segment.h"

#include <ostream>
#include <sstream>

namespace chimney::testing {

uint32_t WireSegment::TcpHeaderBytes() const {
  uint32_t options = 0;
  if (timestamps) options += 12;
  if (!sack.empty()) options += 4 + 8 * static_cast<uint32_t>(sack.size());
  return 20 + options;
}

std::string Describe(const WireSegment& segment) {
  std::ostringstream out;
  const char kLetters[] = "FSRP.U";
  for (int bit = 0; bit < 6; ++bit) {
    if (segment.Has(static_cast<uint8_t>(1 << bit))) out << kLetters[bit];
  }
  out << " seq " << segment.seq << ":" << segment.EndSeq() << "("
      << segment.payload.size() << ")";
  if (segment.Has(kAck)) out << " ack " << segment.ack;
  out << " win " << segment.raw_window;
  if (segment.timestamps) {
    out << " ts " << segment.timestamps->value << "/"
        << segment.timestamps->echo;
  }
  for (const WireSegment::Block& block : segment.sack) {
    out << " sack " << block.left << ":" << block.right;
  }
  return out.str();
}

void PrintTo(const WireSegment& segment, std::ostream* out) {
  *out << Describe(segment);
}

}  // namespace chimney::testing
