// SPDX-License-Identifier: BSD-3-Clause
// The list of reasons is whole: every one has a text and a group (D8).
#include "tcp/segment_reason.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace chimney::tcp {
namespace {

TEST(SegmentReasonList, EveryReasonHasItsOwnText) {
  std::set<std::string> texts;
  for (size_t i = 0; i < kSegmentReasonCount; ++i) {
    texts.insert(SegmentReasonText(static_cast<SegmentReason>(i)));
  }
  EXPECT_EQ(texts.size(), kSegmentReasonCount);
  EXPECT_EQ(texts.count("unknown"), 0u);
}

TEST(SegmentReasonList, AnythingElseIsUnknownAndNotCounted) {
  const auto beyond = static_cast<SegmentReason>(kSegmentReasonCount);
  EXPECT_STREQ(SegmentReasonText(beyond), "unknown");
  EXPECT_EQ(FateOf(beyond), SegmentFate::kNotCounted);
}

TEST(SegmentReasonList, GroupsSayWhatTheWorkerDoes) {
  EXPECT_EQ(FateOf(SegmentReason::kNone), SegmentFate::kNotCounted);
  EXPECT_EQ(FateOf(SegmentReason::kDataInOrder), SegmentFate::kAccepted);
  EXPECT_EQ(FateOf(SegmentReason::kPawsRejected), SegmentFate::kAcknowledged);
  EXPECT_EQ(FateOf(SegmentReason::kRstOutsideWindow), SegmentFate::kDropped);
  EXPECT_EQ(FateOf(SegmentReason::kUrgentData), SegmentFate::kForHost);
}

}  // namespace
}  // namespace chimney::tcp
