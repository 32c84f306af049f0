// SPDX-License-Identifier: BSD-3-Clause
// The numbers that programs built apart agree on (ABI 1). If one of these has
// to change, abi::kAbiMajor has to change with it.
#include <gtest/gtest.h>

#include <cstddef>

#include "abi/hello.h"
#include "abi/layout.h"
#include "abi/ring_entry.h"

namespace chimney::abi {
namespace {

TEST(FrozenLayout, BelongsToVersionOne) {
  EXPECT_EQ(kAbiMajor, 1);
  EXPECT_EQ(kMagic, 0x434d4831u);
}

TEST(FrozenLayout, HelloMessages) {
  EXPECT_EQ(sizeof(MessageHeader), 8u);
  EXPECT_EQ(offsetof(HelloRequest, abi_major), 8u);
  EXPECT_EQ(offsetof(HelloRequest, ring_layout), 24u);
  EXPECT_EQ(offsetof(HelloRequest, name), 80u);
  EXPECT_EQ(sizeof(HelloRequest), 112u);
  // A client of any version must find these to read why it was refused.
  EXPECT_EQ(offsetof(HelloReply, status), 8u);
  EXPECT_EQ(offsetof(HelloReply, abi_major), 12u);
  EXPECT_EQ(offsetof(HelloReply, text), 80u);
  EXPECT_EQ(sizeof(HelloReply), 280u);
  EXPECT_EQ(sizeof(AttachSocket), 16u);
  EXPECT_EQ(sizeof(ManagementQuery), 16u);
  EXPECT_EQ(sizeof(ManagementPart), 24u + kManagementPartBytes);
}

TEST(FrozenLayout, RingEntries) {
  EXPECT_EQ(sizeof(RequestEntry), 64u);
  EXPECT_EQ(offsetof(RequestEntry, request_id), 8u);
  EXPECT_EQ(offsetof(RequestEntry, flow), 16u);
  EXPECT_EQ(offsetof(RequestEntry, offset), 24u);
  EXPECT_EQ(offsetof(RequestEntry, cookie), 32u);
  EXPECT_EQ(offsetof(RequestEntry, chunk), 40u);
  EXPECT_EQ(sizeof(NoticeEntry), 64u);
  EXPECT_EQ(offsetof(NoticeEntry, status), 2u);
  EXPECT_EQ(offsetof(NoticeEntry, reason), 3u);
  EXPECT_EQ(offsetof(NoticeEntry, bytes), 4u);
  EXPECT_EQ(offsetof(NoticeEntry, cookie), 24u);
  EXPECT_EQ(offsetof(NoticeEntry, elapsed_ns), 48u);
}

// A query's answer is told apart by its op and found by its request id.
TEST(FrozenLayout, QueryEntrySharesTheHeadOfANotice) {
  EXPECT_EQ(sizeof(QueryEntry), sizeof(NoticeEntry));
  EXPECT_EQ(offsetof(QueryEntry, op), offsetof(NoticeEntry, op));
  EXPECT_EQ(offsetof(QueryEntry, status), offsetof(NoticeEntry, status));
  EXPECT_EQ(offsetof(QueryEntry, request_id),
            offsetof(NoticeEntry, request_id));
  EXPECT_EQ(offsetof(QueryEntry, flow), offsetof(NoticeEntry, flow));
}

TEST(FrozenLayout, FileHeaders) {
  EXPECT_EQ(sizeof(Lane), 24u);
  EXPECT_EQ(offsetof(PublishedHeader, lanes), 24u);
  EXPECT_EQ(offsetof(PublishedHeader, arena_offset), 24u + 24u * kMaxLanes);
  EXPECT_EQ(offsetof(SharedHeader, host_sleeping), 0u);
  EXPECT_EQ(offsetof(SharedHeader, lanes), 64u);
  EXPECT_EQ(sizeof(LaneShared), 64u);
}

}  // namespace
}  // namespace chimney::abi
