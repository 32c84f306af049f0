// SPDX-License-Identifier: BSD-3-Clause
// What became of a received segment (design D8).
#ifndef CHIMNEY_TCP_SEGMENT_REASON_H_
#define CHIMNEY_TCP_SEGMENT_REASON_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace chimney::tcp {

enum class SegmentReason : uint8_t {
#define CHIMNEY_SEGMENT_REASON(symbol, fate, text) symbol,
#include "tcp/segment_reason.def"
#undef CHIMNEY_SEGMENT_REASON
};

inline constexpr SegmentReason kAllSegmentReasons[] = {
#define CHIMNEY_SEGMENT_REASON(symbol, fate, text) SegmentReason::symbol,
#include "tcp/segment_reason.def"
#undef CHIMNEY_SEGMENT_REASON
};
// For arrays indexed by SegmentReason.
inline constexpr size_t kSegmentReasonCount = std::size(kAllSegmentReasons);

// The group a reason belongs to.
enum class SegmentFate : uint8_t {
  kNotCounted,
  kAccepted,      // processed to the end
  kAcknowledged,  // not processed; an ACK tells the peer where we stand
  kDropped,       // not processed, no answer
  kForHost,       // not processed: park it until the upload (R97, R156, R157)
};

SegmentFate FateOf(SegmentReason reason);

// English text for people; never null.
const char* SegmentReasonText(SegmentReason reason);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_SEGMENT_REASON_H_
