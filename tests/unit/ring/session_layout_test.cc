// SPDX-License-Identifier: BSD-3-Clause
#include "ring/session_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/published_record.h"
#include "memory_session.h"
#include "ring/ring_layout.h"

namespace chimney::ring {
namespace {

SessionShape Ordinary() {
  SessionShape shape;
  shape.worker_count = 3;
  shape.ring_entries = 256;
  shape.arena_bytes = 1 << 20;
  shape.chunk_bytes = 2048;
  shape.chunks_per_lane = 100;
  shape.record_count = 50;
  return shape;
}

using Part = std::pair<uint64_t, uint64_t>;  // start, end

void ExpectDisjointInside(std::vector<Part> parts, uint64_t file_bytes) {
  std::sort(parts.begin(), parts.end());
  uint64_t end = 0;
  for (const Part& part : parts) {
    EXPECT_GE(part.first, end);
    EXPECT_EQ(part.first % 64, 0u);
    end = part.second;
  }
  EXPECT_LE(end, file_bytes);
}

TEST(SessionLayout, PartsAreDisjointAlignedAndInside) {
  SessionLayout layout;
  ASSERT_EQ(ComputeSessionLayout(Ordinary(), &layout), LayoutVerdict::kOk);
  EXPECT_EQ(layout.lane_count, 4u);
  std::vector<Part> shared = {{0, sizeof(abi::SharedHeader)}};
  std::vector<Part> published = {{0, sizeof(abi::PublishedHeader)}};
  for (uint32_t i = 0; i < layout.lane_count; ++i) {
    const uint64_t bytes = SessionRingBytes(256);
    const abi::Lane& lane = layout.lanes[i];
    shared.emplace_back(lane.host_to_daemon_offset,
                        lane.host_to_daemon_offset + bytes);
    published.emplace_back(lane.daemon_to_host_offset,
                           lane.daemon_to_host_offset + bytes);
  }
  shared.emplace_back(layout.arena_offset,
                      layout.arena_offset + layout.arena_bytes);
  published.emplace_back(layout.records_offset,
                         layout.records_offset + 50 * sizeof(PublishedRecord));
  published.emplace_back(layout.receive_offset,
                         layout.receive_offset + 3 * 100 * 2048);
  ExpectDisjointInside(shared, layout.shared_bytes);
  ExpectDisjointInside(published, layout.published_bytes);
  EXPECT_EQ(layout.records_offset % alignof(PublishedRecord), 0u);
  EXPECT_EQ(layout.arena_offset % 4096, 0u);
}

TEST(SessionLayout, FilesAreWholePages) {
  SessionShape shape = Ordinary();
  shape.page_bytes = 2 << 20;
  shape.arena_bytes = 1;
  SessionLayout layout;
  ASSERT_EQ(ComputeSessionLayout(shape, &layout), LayoutVerdict::kOk);
  EXPECT_EQ(layout.shared_bytes % (2 << 20), 0u);
  EXPECT_EQ(layout.published_bytes % (2 << 20), 0u);
  EXPECT_EQ(layout.arena_bytes, 2u << 20);
}

TEST(SessionLayout, ManagementSessionHasOneLaneAndNoMemory) {
  SessionShape shape;
  shape.worker_count = 0;
  shape.ring_entries = 8;
  SessionLayout layout;
  ASSERT_EQ(ComputeSessionLayout(shape, &layout), LayoutVerdict::kOk);
  EXPECT_EQ(layout.lane_count, 1u);
  EXPECT_EQ(layout.arena_bytes, 0u);
}

TEST(SessionLayout, ChunksOfEachLaneFollowOneAnother) {
  SessionLayout layout;
  ASSERT_EQ(ComputeSessionLayout(Ordinary(), &layout), LayoutVerdict::kOk);
  EXPECT_EQ(ReceiveLaneOffset(layout, 0), layout.receive_offset);
  EXPECT_EQ(ReceiveLaneOffset(layout, 2),
            layout.receive_offset + 2 * 100 * 2048);
}

// Numbers of a shape come from a session's hello.
TEST(SessionLayout, AbsurdShapesAreRefused) {
  struct Case {
    LayoutVerdict verdict;
    SessionShape shape;
  };
  const auto with = [](LayoutVerdict verdict, auto change) {
    Case c{verdict, Ordinary()};
    change(&c.shape);
    return c;
  };
  const Case cases[] = {
      with(LayoutVerdict::kTooManyWorkers,
           [](SessionShape* s) { s->worker_count = abi::kMaxWorkers + 1; }),
      with(LayoutVerdict::kTooManyWorkers,
           [](SessionShape* s) { s->worker_count = UINT32_MAX; }),
      with(LayoutVerdict::kBadRingEntries,
           [](SessionShape* s) { s->ring_entries = 0; }),
      with(LayoutVerdict::kBadRingEntries,
           [](SessionShape* s) { s->ring_entries = 100; }),
      with(LayoutVerdict::kBadRingEntries,
           [](SessionShape* s) { s->ring_entries = 1u << 31; }),
      with(LayoutVerdict::kBadPageSize,
           [](SessionShape* s) { s->page_bytes = 0; }),
      with(LayoutVerdict::kBadPageSize,
           [](SessionShape* s) { s->page_bytes = 5000; }),
      with(LayoutVerdict::kBadChunks,
           [](SessionShape* s) { s->chunk_bytes = 100; }),
      with(LayoutVerdict::kBadChunks,
           [](SessionShape* s) { s->chunks_per_lane = 0; }),
      with(LayoutVerdict::kBadChunks,
           [](SessionShape* s) { s->chunks_per_lane = UINT32_MAX; }),
      with(LayoutVerdict::kTooLarge,
           [](SessionShape* s) { s->arena_bytes = UINT64_MAX; }),
      with(LayoutVerdict::kTooLarge,
           [](SessionShape* s) {
             s->chunk_bytes = 0xffffffc0;
             s->chunks_per_lane = 0xfffffffe;
           }),
  };
  for (const Case& c : cases) {
    SessionLayout layout;
    EXPECT_EQ(ComputeSessionLayout(c.shape, &layout), c.verdict);
    EXPECT_STRNE(LayoutVerdictText(c.verdict), "unknown");
  }
}

TEST(SessionLayout, FormattedHeadersRepeatTheLayout) {
  MemorySession session(64);
  const auto* header =
      reinterpret_cast<const abi::PublishedHeader*>(session.published());
  EXPECT_EQ(header->magic, abi::kMagic);
  EXPECT_EQ(header->session_id, 7u);
  EXPECT_EQ(header->lane_count, 2u);
  EXPECT_EQ(header->arena_bytes, 64u * 1024);
  EXPECT_EQ(header->chunk_bytes, 2048u);
  EXPECT_EQ(header->chunks_per_lane, 16u);
  EXPECT_EQ(header->record_count, 4u);
  EXPECT_EQ(header->receive_offset, session.layout().receive_offset);
  for (uint32_t lane = 0; lane < 2; ++lane) {
    EXPECT_EQ(header->lanes[lane].ring_entries, 64u);
    EXPECT_EQ(session.requests(lane)->capacity, 63u);
    EXPECT_EQ(session.notices(lane)->capacity, 63u);
  }
}

TEST(RingLayout, NamesDistinctFieldsInsideTheStruct) {
  const abi::RingLayout layout = ThisBuildsRingLayout();
  EXPECT_EQ(layout, ThisBuildsRingLayout());
  const uint32_t offsets[] = {
      layout.size_offset,          layout.mask_offset,
      layout.capacity_offset,      layout.producer_head_offset,
      layout.producer_tail_offset, layout.consumer_head_offset,
      layout.consumer_tail_offset};
  for (size_t i = 0; i < std::size(offsets); ++i) {
    EXPECT_LT(offsets[i], layout.struct_bytes);
    for (size_t j = 0; j < i; ++j) EXPECT_NE(offsets[i], offsets[j]);
  }
}

}  // namespace
}  // namespace chimney::ring
