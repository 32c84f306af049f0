// SPDX-License-Identifier: BSD-3-Clause
// The small values the control core works with.
#include <gtest/gtest.h>

#include <vector>

#include "daemon/connection.h"
#include "daemon/control_timers.h"
#include "daemon/handover_stats.h"
#include "daemon/json_writer.h"
#include "daemon/peer_frame.h"
#include "packet/frame_view.h"

namespace chimney::daemon {
namespace {

Instant At(int64_t us) { return Instant::FromNanos(us * 1000); }

TEST(ControlTimers, RunInOrderAndOnlyWhenDue) {
  ControlTimers timers;
  std::vector<int> fired;
  timers.At(At(30), [&] { fired.push_back(30); });
  timers.At(At(10), [&] { fired.push_back(10); });
  const auto cancelled = timers.At(At(20), [&] { fired.push_back(20); });
  timers.Cancel(cancelled);
  timers.Cancel(cancelled);
  EXPECT_EQ(timers.Next(), At(10));
  timers.Run(At(9));
  EXPECT_TRUE(fired.empty());
  timers.Run(At(30));
  EXPECT_EQ(fired, (std::vector<int>{10, 30}));
  EXPECT_TRUE(timers.Next().IsNever());
}

TEST(ControlTimers, AnActionMaySetAndCancelTimers) {
  ControlTimers timers;
  int fired = 0;
  ControlTimers::TimerId victim = 0;
  timers.At(At(1), [&] {
    timers.Cancel(victim);
    timers.At(At(1), [&] { ++fired; });
  });
  victim = timers.At(At(2), [&] { fired += 100; });
  timers.Run(At(5));
  EXPECT_EQ(fired, 1);
}

TEST(HandoverStats, PercentilesOfAKnownSeries) {
  HandoverStats stats;
  for (int i = 100; i >= 1; --i) {
    stats.Record(HandoverStep::kOffloadTotal, Duration::Nanos(i));
  }
  const auto summary = stats.Summary(HandoverStep::kOffloadTotal);
  EXPECT_EQ(summary.samples, 100u);
  EXPECT_EQ(summary.p50_ns, 51u);
  EXPECT_EQ(summary.p99_ns, 100u);
  EXPECT_EQ(summary.max_ns, 100u);
  EXPECT_EQ(stats.Summary(HandoverStep::kUploadTotal).samples, 0u);
}

TEST(HandoverStats, TheMaximumOutlivesTheWindow) {
  HandoverStats stats;
  stats.Record(HandoverStep::kUploadThaw, Duration::Millis(7));
  for (int i = 0; i < 10000; ++i) {
    stats.Record(HandoverStep::kUploadThaw, Duration::Micros(1));
  }
  const auto summary = stats.Summary(HandoverStep::kUploadThaw);
  EXPECT_EQ(summary.samples, 10001u);
  EXPECT_EQ(summary.p99_ns, 1000u);
  EXPECT_EQ(summary.max_ns, 7000000u);
}

TEST(JsonWriter, NestsAndQuotesWhatStrangersWrite) {
  JsonWriter json;
  json.BeginObject();
  json.Value("name", "a\"b\\c\n\x80");
  json.BeginArray("list");
  json.BeginObject();
  json.Value("n", 1);
  json.EndObject();
  json.BeginObject();
  json.EndObject();
  json.EndArray();
  json.Value("yes", true);
  json.EndObject();
  EXPECT_EQ(json.text(),
            "{\"name\":\"a\\\"b\\\\c\\u000a\\u0080\","
            "\"list\":[{\"n\":1},{}],\"yes\":true}");
}

FlowTuple SomeTuple() {
  return FlowTuple{IpAddress::FromV4(0x0a4d0001), IpAddress::FromV4(0x0a4d0002),
                   5000, 80};
}

TEST(ConnectionTable, FindsByIdFlowAndTuple) {
  ConnectionTable table;
  Connection& connection = table.Create(nullptr);
  connection.tuple = SomeTuple();
  connection.flow = worker::FlowHandle{3, 9};
  table.IndexFlow(connection);
  table.IndexTuple(connection);
  EXPECT_EQ(table.Find(connection.id), &connection);
  EXPECT_EQ(table.FindFlow(0, worker::FlowHandle{3, 9}), &connection);
  EXPECT_EQ(table.FindFlow(0, worker::FlowHandle{3, 8}), nullptr);
  EXPECT_EQ(table.FindFlow(1, worker::FlowHandle{3, 9}), nullptr);
  EXPECT_EQ(table.FindTuple(SomeTuple()), &connection);
  const uint64_t id = connection.id;
  table.Remove(id);
  table.Remove(id);
  EXPECT_EQ(table.Find(id), nullptr);
  EXPECT_EQ(table.FindTuple(SomeTuple()), nullptr);
  EXPECT_EQ(table.FindFlow(0, worker::FlowHandle{3, 9}), nullptr);
  EXPECT_NE(table.Create(nullptr).id, id) << "ids are never reused";
}

TEST(ConnectionTable, AnUnindexedTwinDoesNotTakeTheTupleWithIt) {
  ConnectionTable table;
  Connection& first = table.Create(nullptr);
  first.tuple = SomeTuple();
  table.IndexTuple(first);
  Connection& twin = table.Create(nullptr);
  twin.tuple = SomeTuple();
  table.Remove(twin.id);
  EXPECT_EQ(table.FindTuple(SomeTuple()), &first);
}

TEST(FenceFrame, IsOneOldByteOfThePeer) {
  const MacAddress host{{2, 0, 0, 0, 0, 7}};
  const auto frame = BuildFenceFrame(SomeTuple(), host, SeqNum(1000));
  packet::FrameView view;
  ASSERT_EQ(packet::ParseFrame(frame, {}, &view), packet::FrameVerdict::kTcp);
  EXPECT_EQ(view.TupleAsReceiver(), SomeTuple());
  EXPECT_EQ(view.ethernet.dst, host);
  // RFC 9293 section 3.10.7.4, first check: no window reaches that far back.
  EXPECT_GT(SeqNum(1000).BytesFrom(view.segment.end()), 1u << 30);
  EXPECT_TRUE(view.segment.end().Before(SeqNum(1000)));
  EXPECT_EQ(view.segment.payload.size(), 1u);
  EXPECT_EQ(view.segment.flags, packet::kTcpAck);
}

}  // namespace
}  // namespace chimney::daemon
