// SPDX-License-Identifier: BSD-3-Clause
// Texts and groups of the segment reasons.
#include "tcp/segment_reason.h"

namespace chimney::tcp {

SegmentFate FateOf(SegmentReason reason) {
  switch (reason) {
#define CHIMNEY_SEGMENT_REASON(symbol, fate, text) \
  case SegmentReason::symbol:                      \
    return SegmentFate::fate;
#include "tcp/segment_reason.def"
#undef CHIMNEY_SEGMENT_REASON
  }
  return SegmentFate::kNotCounted;
}

const char* SegmentReasonText(SegmentReason reason) {
  switch (reason) {
#define CHIMNEY_SEGMENT_REASON(symbol, fate, text) \
  case SegmentReason::symbol:                      \
    return text;
#include "tcp/segment_reason.def"
#undef CHIMNEY_SEGMENT_REASON
  }
  return "unknown";
}

}  // namespace chimney::tcp
