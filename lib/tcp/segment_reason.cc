// SPDX-License-Identifier: BSD-3-Clause
// Texts and groups of the segment reasons.
#include "tcp/segment_reason.h"

namespace chimney::tcp {
namespace {

constexpr SegmentFate kFates[] = {
#define CHIMNEY_SEGMENT_REASON(symbol, fate, text) SegmentFate::fate,
#include "tcp/segment_reason.def"
#undef CHIMNEY_SEGMENT_REASON
};

constexpr const char* kTexts[] = {
#define CHIMNEY_SEGMENT_REASON(symbol, fate, text) text,
#include "tcp/segment_reason.def"
#undef CHIMNEY_SEGMENT_REASON
};

}  // namespace

SegmentFate FateOf(SegmentReason reason) {
  const auto index = static_cast<size_t>(reason);
  return index < kSegmentReasonCount ? kFates[index] : SegmentFate::kNotCounted;
}

const char* SegmentReasonText(SegmentReason reason) {
  const auto index = static_cast<size_t>(reason);
  return index < kSegmentReasonCount ? kTexts[index] : "unknown";
}

}  // namespace chimney::tcp
