// SPDX-License-Identifier: BSD-3-Clause
// Taking a connection from the kernel, and every way in which that ends early:
// the kernel has it then as if nothing had happened (design D2, D16; R36, R37).
#include "handover_fixture.h"

namespace chimney::daemon {
namespace {

using offload::Status;

class OffloadOperationTest : public HandoverTest {};

TEST_F(OffloadOperationTest, StepsInTheirOrder) {
  Offload();
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(error.ok());
  // The gate is shut before the socket lets go of the connection.
  EXPECT_EQ(kernel.log, Calls({"check", "peek", "hold", "freeze", "placeholder",
                               "restrict_host", "initiate"}));
}

TEST_F(OffloadOperationTest, RefusedSocketIsNotTouched) {
  kernel.answers["check"] = {Code::kEcn};
  Offload();
  EXPECT_EQ(error.code, Code::kEcn);
  EXPECT_EQ(status, Status::kConnectionRejected);
  EXPECT_EQ(kernel.log, Calls({"check"}));
}

TEST_F(OffloadOperationTest, TrackedConnectionIsPreparedFirst) {
  kernel.facts.conntrack.tracked = true;
  kernel.answers["conntrack"] = {Code::kConntrack};
  Offload();
  EXPECT_EQ(error.code, Code::kConntrack);
  EXPECT_EQ(kernel.log, Calls({"check", "conntrack"}));
}

TEST_F(OffloadOperationTest, TupleThatIsAwayAlreadyIsLeftAlone) {
  worker = [](worker::Operation* operation) {
    if (operation->kind != Kind::kHold) return;
    operation->flow = worker::FlowHandle::None();
    operation->status = Status::kConnectionRejected;
  };
  Offload();
  EXPECT_EQ(error.code, Code::kAlreadyOffloaded);
  EXPECT_EQ(kernel.log, Calls({"check", "peek", "hold"}));
}

TEST_F(OffloadOperationTest, SocketOnItsWayIsNobodyElses) {
  tuple_is_free = false;
  Offload();
  EXPECT_EQ(error.code, Code::kAlreadyOffloaded);
  EXPECT_EQ(kernel.log, Calls({"check"}));
}

TEST_F(OffloadOperationTest, FenceIsRepeatedAndThenGivenUp) {
  worker = [](worker::Operation* operation) {
    if (operation->kind == Kind::kHold || operation->kind == Kind::kFence) {
      operation->status = Status::kFailure;
    }
  };
  Offload();
  EXPECT_EQ(error.code, Code::kFenceUnanswered);
  EXPECT_EQ(status, Status::kFailure);
  EXPECT_EQ(kernel.log, Calls({"check", "peek", "hold", "fence", "fence",
                               "fence", "fence", "fence", "release"}));
  EXPECT_EQ(Counted(HandoverCount::kFenceTimeouts), 6u);
}

// A busy host loses an answer now and then; what counts is one hold's luck.
TEST_F(OffloadOperationTest, FencesOfFormerHoldsAreForgotten) {
  int holds = 0;
  worker = [&holds](worker::Operation* operation) {
    if (operation->kind == Kind::kHold) operation->status = Status::kFailure;
    if (operation->kind != Kind::kFence) return;
    operation->learned.holds_out_of_order = holds++ < 20;
  };
  Offload();
  for (int i = 0; i < 20; ++i) Advance(Duration::Millis(6));
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(CountOf("hold"), 21u);
  EXPECT_EQ(Counted(HandoverCount::kFenceTimeouts), 21u);
}

// RFC 7323 section 5: with a TS.Recent made up here, half of all peers would be
// taken for old.
TEST_F(OffloadOperationTest, FenceThatDoesNotTellTsRecentIsRepeated) {
  kernel.facts.timestamps_enabled = true;
  worker = [](worker::Operation* operation) {
    if (operation->kind != Kind::kFence) return;
    operation->learned.has_timestamps = true;
    operation->learned.tsecr = 0xa0000000;
  };
  Offload();
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(CountOf("fence"), 1u);
  EXPECT_EQ(connection.image.snapshot.tcp.delegated.ts_recent, 0xa0000000);
}

// The kernel forgets TS.Recent at a restore and takes 0 for none: RFC 7323
// section 5.5, an outdated TS.Recent refuses no segment.
TEST_F(OffloadOperationTest, TsRecentThatTheKernelDoesNotKnowIsOutdated) {
  kernel.facts.timestamps_enabled = true;
  uint32_t told = 0;
  worker = [&told](worker::Operation* operation) {
    if (operation->kind != Kind::kHold) return;
    operation->learned.has_timestamps = true;
    operation->learned.tsecr = told;
  };
  Offload();
  ASSERT_TRUE(error.ok());
  constexpr Duration kLifetime = Duration::Micros(0x7fffffff);
  EXPECT_GT(connection.image.snapshot.tcp.delegated.ts_recent_age, kLifetime);
  told = 1;
  Offload();
  ASSERT_TRUE(error.ok());
  EXPECT_EQ(connection.image.snapshot.tcp.delegated.ts_recent_age, Duration());
}

TEST_F(OffloadOperationTest, FenceThatIsNotAnsweredLeavesItsPlaceToOthers) {
  bool place_was_left = false;
  worker = [&](worker::Operation* operation) {
    if (operation->kind == Kind::kHold) operation->status = Status::kFailure;
    if (operation->kind == Kind::kFence) place_was_left = waiting;
  };
  Offload();
  EXPECT_TRUE(error.ok());
  EXPECT_TRUE(place_was_left);
  EXPECT_FALSE(waiting);
}

TEST_F(OffloadOperationTest, SocketThatCannotBeDisconnectedIsThawed) {
  kernel.answers["placeholder"] = {Code::kNotDisconnected};
  Offload();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(error.code, Code::kNotDisconnected);
  EXPECT_EQ(CountOf("unfreeze"), 1u);
  EXPECT_EQ(CountOf("restore"), 0u);
  EXPECT_EQ(CountOf("release"), 1u);
}

TEST_F(OffloadOperationTest, SocketThatMovesWhileItIsReadIsReadAgain) {
  kernel.answers["freeze"] = {Code::kChanged, Code::kChanged};
  Offload();
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(CountOf("freeze"), 3u);
  EXPECT_EQ(CountOf("hold"), 1u);
}

TEST_F(OffloadOperationTest, SocketThatNeverStandsStillStays) {
  kernel.answers["freeze"].assign(100, Code::kChanged);
  Offload();
  EXPECT_EQ(error.code, Code::kChanged);
  EXPECT_EQ(CountOf("placeholder"), 0u);
  EXPECT_EQ(kernel.log.back(), "release");
}

TEST_F(OffloadOperationTest, WhatDoesNotFitIsKnownBeforeThePlaceholder) {
  kernel.frozen.send_bytes.resize(3000);
  kernel.frozen.receive_bytes.resize(3000);
  worker = [](worker::Operation* operation) {
    if (operation->kind == Kind::kHold) operation->session_room_bytes = 5999;
  };
  Offload();
  EXPECT_EQ(error.code, Code::kRefusedByTarget);
  EXPECT_EQ(kernel.log,
            Calls({"check", "peek", "hold", "freeze", "unfreeze", "release"}));
}

TEST_F(OffloadOperationTest, HoleIsLeftToTheKernelToFill) {
  int holds = 0;
  worker = [&holds](worker::Operation* operation) {
    if (operation->kind != Kind::kHold) return;
    operation->learned.holds_out_of_order = holds++ == 0;
  };
  Offload();
  EXPECT_EQ(kernel.log, Calls({"check", "peek", "hold", "release"}));
  EXPECT_EQ(done, 0);
  EXPECT_TRUE(connection.flow.IsNone());
  EXPECT_TRUE(waiting) << "others have their turn";
  Advance(Duration::Millis(6));
  EXPECT_FALSE(waiting);
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(CountOf("hold"), 2u);
}

TEST_F(OffloadOperationTest, PlaceholderMayComeLater) {
  kernel.answers["placeholder"] = {Code::kTupleTaken};
  Offload();
  EXPECT_TRUE(error.ok());
  EXPECT_TRUE(connection.placeholder_missing);
  EXPECT_EQ(kernel.log.back(), "initiate");
}

// What keeps the socket from being a placeholder would keep it from being
// restored: a connection that waited for either would stand still.
TEST_F(OffloadOperationTest, ConnectionWithoutAWayBackRunsOn) {
  for (const Code code : {Code::kPortPermission, Code::kNoRoute}) {
    SCOPED_TRACE(static_cast<int>(code));
    done = 0;
    kernel.log.clear();
    kernel.answers["placeholder"] = {code};
    Offload();
    EXPECT_EQ(done, 1);
    EXPECT_TRUE(error.ok());
    EXPECT_TRUE(connection.placeholder_missing);
    EXPECT_EQ(CountOf("restore"), 0u);
    EXPECT_EQ(kernel.log.back(), "initiate");
    connection.placeholder_missing = false;
  }
}

TEST_F(OffloadOperationTest, R36RefusedInitiateGivesEverythingBack) {
  kernel.frozen.send_bytes = {1, 2, 3};
  kernel.frozen.receive_bytes = {4, 5};
  worker = [](worker::Operation* operation) {
    if (operation->kind != Kind::kInitiate) return;
    EXPECT_EQ(operation->send_bytes.size(), 3u);
    operation->status = Status::kTcpXmitBuffer;
  };
  Offload();
  EXPECT_EQ(error.code, Code::kRefusedByTarget);
  EXPECT_EQ(status, Status::kTcpXmitBuffer);  // R37: the specific code
  EXPECT_EQ(kernel.restored.send_bytes, std::vector<uint8_t>({1, 2, 3}));
  EXPECT_EQ(kernel.restored.receive_bytes, std::vector<uint8_t>({4, 5}));
  const Calls tail(kernel.log.end() - 5, kernel.log.end());
  EXPECT_EQ(tail,
            Calls({"restore", "open_host", "thaw", "complete", "release"}));
}

TEST_F(OffloadOperationTest, SocketWithoutAConnectionIsNotGivenUp) {
  kernel.answers["placeholder"] = {Code::kSystemCall};
  kernel.answers["restore"].assign(20, Code::kSystemCall);
  Offload();
  EXPECT_EQ(done, 0);
  Advance(Duration::Seconds(10));  // less and less often
  EXPECT_EQ(done, 1);
  EXPECT_EQ(error.code, Code::kSystemCall);
  EXPECT_EQ(CountOf("restore"), 21u);
  EXPECT_EQ(CountOf("thaw"), 1u);
  EXPECT_EQ(CountOf("release"), 1u);
}

}  // namespace
}  // namespace chimney::daemon
