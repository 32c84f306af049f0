// SPDX-License-Identifier: BSD-3-Clause
// Between a script's numbers, which begin at 0, and those on the wire; and what
// the bytes of both streams are.
#ifndef CHIMNEY_TESTS_SCRIPT_NUMBERING_H_
#define CHIMNEY_TESTS_SCRIPT_NUMBERING_H_

#include <cstdint>
#include <string>

#include "tests/script/script_target.h"
#include "tests/script/segment_text.h"
#include "tests/support/byte_stream.h"
#include "tests/support/wire_segment.h"

namespace chimney::script {

// What the wire has where the script has 0.
struct Origins {
  std::string name;
  uint32_t isn = 0;
  uint32_t peer_isn = 0;
  uint32_t ts = 0;
  uint32_t peer_ts = 0;
};

class Numbering {
 public:
  explicit Numbering(const Origins& origins) : origins_(origins) {}

  testing::WireSegment ToWire(const SegmentText& segment) const;
  SegmentText ToText(const SentSegment& sent) const;
  ConnectionStart ToWire(const ConnectionStart& start) const;

  // What the application writes from stream offset `from` on.
  std::vector<uint8_t> OwnBytes(uint64_t from, size_t count) const {
    return own_stream_.Bytes(from, count);
  }
  // Whether the payload of `sent` are the bytes that were written there.
  bool HasOwnBytes(const SentSegment& sent) const;
  // Whether `bytes` are what the peer sent from stream offset `from` on.
  bool ArePeerBytes(uint64_t from, const std::vector<uint8_t>& bytes) const;

 private:
  Origins origins_;
  testing::ByteStream own_stream_{1};
  testing::ByteStream peer_stream_{2};
};

// In what `seen` is not `expected`, in words; empty if in nothing. Timestamps
// may be off by `ts_tolerance`.
std::string Differences(const SegmentText& expected, const SegmentText& seen,
                        uint32_t ts_tolerance);

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_NUMBERING_H_
