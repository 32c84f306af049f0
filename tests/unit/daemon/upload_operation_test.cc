// SPDX-License-Identifier: BSD-3-Clause
// Giving a connection back to the kernel, and what goes wrong on the way
// (design D2, D3; R90, R97, R175, R176).
#include "handover_fixture.h"

namespace chimney::daemon {
namespace {

using offload::Status;
using tcp::ConnectionState;

class UploadOperationTest : public HandoverTest {};

TEST_F(UploadOperationTest, StepsInTheirOrder) {
  worker = [](worker::Operation* operation) {
    if (operation->kind != Kind::kFinishUpload) return;
    EXPECT_TRUE(operation->moved);
  };
  Upload();
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(error.ok());
  // R97: what is parked goes to a kernel that runs the connection.
  EXPECT_EQ(kernel.log, Calls({"terminate", "restore", "open_host", "thaw",
                               "complete", "finish"}));
}

TEST_F(UploadOperationTest, FullQueueOpensTheWireForItsAcknowledgements) {
  kernel.answers["complete"].assign(10, Code::kQueueTooLarge);
  Upload();
  EXPECT_EQ(done, 0);
  EXPECT_EQ(CountOf("open_wire"), 1u);
  EXPECT_TRUE(waiting) << "others have their turn";
  Advance(Duration::Millis(15));
  EXPECT_FALSE(waiting);
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(CountOf("open_wire"), 1u);
  EXPECT_EQ(CountOf("complete"), 11u);
  EXPECT_EQ(kernel.log.back(), "finish");
  EXPECT_EQ(Counted(HandoverCount::kWireOpenedEarly), 1u);
}

TEST_F(UploadOperationTest, TakenTupleIsWaitedForAWhile) {
  kernel.answers["restore"].assign(3, Code::kTupleTaken);
  Upload();
  EXPECT_EQ(done, 0);
  Advance(Duration::Millis(5));
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(kernel.log.back(), "finish");
  EXPECT_EQ(Counted(HandoverCount::kRestoreRetries), 3u);
}

TEST_F(UploadOperationTest, TakenTupleLeavesItsPlaceToOthers) {
  kernel.answers["restore"].assign(100000, Code::kTupleTaken);
  Upload();
  Advance(Duration::Millis(10));
  EXPECT_EQ(done, 0);
  EXPECT_TRUE(waiting);
  Advance(Duration::Seconds(1));
  EXPECT_EQ(done, 1);
  EXPECT_FALSE(waiting);
  EXPECT_LT(CountOf("restore"), 40u) << "less and less often";
}

// TS.Recent is told to the kernel by an injected segment alone.
TEST_F(UploadOperationTest, InjectionThatFoundNoRoomIsRepeated) {
  kernel.frozen.snapshot.tcp.constant.timestamps_enabled = true;
  kernel.frozen.ts_recent_known = true;
  int refused = 2;
  worker = [&refused](worker::Operation* operation) {
    if (operation->kind != Kind::kInjectHost || refused == 0) return;
    --refused;
    operation->status = Status::kFailure;
  };
  Upload();
  Advance(Duration::Millis(2));
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(CountOf("inject"), 3u);
  EXPECT_EQ(Counted(HandoverCount::kInjectionsRepeated), 2u);
}

TEST_F(UploadOperationTest, InjectionThatNeverFindsRoomIsGivenUp) {
  kernel.frozen.snapshot.tcp.constant.timestamps_enabled = true;
  kernel.frozen.ts_recent_known = true;
  worker = [](worker::Operation* operation) {
    if (operation->kind != Kind::kInjectHost) return;
    operation->status = Status::kFailure;
  };
  Upload();
  Advance(Duration::Millis(10));
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(error.ok());
}

TEST_F(UploadOperationTest, TupleThatStaysTakenCancels) {
  kernel.answers["restore"].assign(100000, Code::kTupleTaken);
  Upload();
  Advance(Duration::Seconds(1));
  EXPECT_EQ(done, 1);
  EXPECT_EQ(error.code, Code::kTupleTaken);
  EXPECT_TRUE(connection.placeholder_missing);
  EXPECT_EQ(kernel.log.back(), "cancel");
  EXPECT_EQ(CountOf("thaw"), 0u);
}

// The tuple is nobody's then, and has to be reserved again (design D2).
TEST_F(UploadOperationTest, SocketThatCannotConnectLosesItsPlaceholder) {
  for (const Code code : {Code::kPortPermission, Code::kNoRoute}) {
    SCOPED_TRACE(static_cast<int>(code));
    done = 0;
    kernel.answers["restore"] = {code};
    Upload();
    EXPECT_EQ(done, 1);
    EXPECT_EQ(error.code, code);
    EXPECT_TRUE(connection.placeholder_missing);
    EXPECT_EQ(kernel.log.back(), "cancel");
    connection.placeholder_missing = false;
  }
}

TEST_F(UploadOperationTest, SocketThatTakesNothingCancels) {
  kernel.answers["restore"] = {Code::kQueueTooLarge};
  Upload();
  EXPECT_EQ(error.code, Code::kQueueTooLarge);
  EXPECT_FALSE(connection.placeholder_missing);
  EXPECT_EQ(kernel.log.back(), "cancel");
}

TEST_F(UploadOperationTest, UnknownFlowIsSaid) {
  worker = [](worker::Operation* operation) {
    operation->status = Status::kFailure;
  };
  Upload();
  EXPECT_EQ(error.code, Code::kNoSuchConnection);
  EXPECT_EQ(kernel.log, Calls({"terminate"}));
}

TEST_F(UploadOperationTest, DeadProcessMayHavePostedTooMuchForNow) {
  worker = [](worker::Operation* operation) {
    EXPECT_TRUE(operation->include_lent);
    operation->status = Status::kResources;
  };
  Upload(/*include_lent=*/true);
  EXPECT_EQ(error.code, Code::kNotYet);
  EXPECT_EQ(kernel.log, Calls({"terminate"}));
}

TEST_F(UploadOperationTest, R175ResetIsGivenToTheSocket) {
  worker = [this](worker::Operation* operation) {
    if (operation->kind == Kind::kTerminate) {
      operation->snapshot.tcp.delegated.state = ConnectionState::kClosed;
    }
    if (operation->kind != Kind::kFinishUpload) return;
    EXPECT_FALSE(operation->moved);
  };
  Upload();
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(kernel.restored.snapshot.tcp.delegated.state,
            ConnectionState::kEstablished);
  EXPECT_EQ(kernel.log, Calls({"terminate", "restore", "open_host", "thaw",
                               "inject", "finish"}));
}

TEST_F(UploadOperationTest, R176OrderlyEndIsSeenByTheProgram) {
  worker = [](worker::Operation* operation) {
    if (operation->kind != Kind::kTerminate) return;
    operation->snapshot.tcp.delegated.state = ConnectionState::kClosed;
    operation->closed_by_fins = true;
  };
  Upload();
  const tcp::TcpDelegatedState& state = kernel.restored.snapshot.tcp.delegated;
  EXPECT_EQ(state.state, ConnectionState::kLastAck);
  EXPECT_EQ(state.snd_max.BytesFrom(state.snd_una), 1u);  // the FIN
  EXPECT_EQ(kernel.log.back(), "finish");
}

// The frame may be lost inside the kernel, and the peer, whose FIN the worker
// has acknowledged, will not repeat it.
TEST_F(UploadOperationTest, PeersFinIsInjectedUntilItIsSeen) {
  kernel.frozen.snapshot.tcp.delegated.state = ConnectionState::kCloseWait;
  kernel.answers["complete"].assign(50, Code::kNotYet);
  Upload();
  EXPECT_EQ(done, 0);
  EXPECT_TRUE(kernel.awaited_peer_fin);
  EXPECT_EQ(CountOf("inject"), 1u);
  Advance(Duration::Millis(50));
  EXPECT_EQ(done, 1);
  EXPECT_GE(CountOf("inject"), 4u);
  EXPECT_EQ(CountOf("open_wire"), 0u);
  EXPECT_EQ(kernel.log.back(), "finish");
}

TEST_F(UploadOperationTest, PeersFinIsNotWaitedForForEver) {
  kernel.frozen.snapshot.tcp.delegated.state = ConnectionState::kCloseWait;
  kernel.answers["complete"].assign(100000, Code::kNotYet);
  Upload();
  Advance(Duration::Seconds(2));
  EXPECT_FALSE(kernel.awaited_peer_fin);
}

TEST_F(UploadOperationTest, OptionThatCannotBePutBackIsNoWayBack) {
  kernel.answers["leftover"] = {Code::kSystemCall};
  Upload();
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(kernel.log.back(), "finish");
  EXPECT_EQ(Counted(HandoverCount::kOptionsLost), 1u);
}

// The worker cannot run a connection that is over, so there is only one way.
TEST_F(UploadOperationTest, ConnectionThatIsOverIsGivenBackLater) {
  worker = [](worker::Operation* operation) {
    if (operation->kind == Kind::kTerminate) {
      operation->snapshot.tcp.delegated.state = ConnectionState::kClosed;
      operation->closed_by_fins = true;
    }
    if (operation->kind == Kind::kCancelUpload) {
      operation->status = Status::kFailure;
    }
  };
  kernel.answers["restore"] = {Code::kNoRoute};
  Upload();
  EXPECT_EQ(error.code, Code::kNoRoute);
  EXPECT_TRUE(connection.cut);
  Upload();
  EXPECT_EQ(done, 2);
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(CountOf("terminate"), 1u);
  EXPECT_EQ(kernel.restored.snapshot.tcp.delegated.state,
            ConnectionState::kLastAck);
  EXPECT_EQ(kernel.log.back(), "finish");
}

}  // namespace
}  // namespace chimney::daemon
