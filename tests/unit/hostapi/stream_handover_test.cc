// SPDX-License-Identifier: BSD-3-Clause
// The stream stays exact over hand-overs, also at their worst moment: sends in
// flight at the cut, data lent and not read, a FIN on its way, an upload that
// fails.
#include <sys/socket.h>

#include "session_fixture.h"

namespace chimney::client {
namespace {

class StreamHandoverTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    Connect(&connection_);
  }
  // Sends each text as a send of its own; they are in flight afterwards.
  std::vector<abi::RequestEntry> SendAll(
      const std::vector<std::string>& texts) {
    std::vector<abi::RequestEntry> entries;
    for (const std::string& text : texts) {
      EXPECT_EQ(SendText(connection_, text), static_cast<ssize_t>(text.size()));
      entries.push_back(ExpectSend(connection_, text));
    }
    return entries;
  }
  void StartUpload() {
    ASSERT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_OK);
    terminate_id_ = daemon_->Expect(0, abi::RequestOp::kTerminate).request_id;
  }
  void FailUpload() {
    daemon_->Notify(1, connection_.Notice(abi::NoticeOp::kOffloaded));
    daemon_->Notify(
        0, connection_.Completion(abi::NoticeOp::kTerminateFailed,
                                  terminate_id_, CHIMNEY_STATUS_FAILURE));
  }

  TestConnection connection_;
  uint64_t terminate_id_ = 0;
};

// R95: the kernel has the bytes, the library must not send them again.
TEST_F(StreamHandoverTest, SendsMovedToTheKernelAreNotSentTwice) {
  Offload(&connection_, 5);
  const auto entries = SendAll({"moved"});
  StartUpload();
  CompleteSend(connection_, entries[0], CHIMNEY_STATUS_MOVED_TO_KERNEL);
  FinishUpload(connection_);
  ExpectEvent(CHIMNEY_EVENT_UPLOADED);
  EXPECT_EQ(connection_.PeerReads(), "");
  EXPECT_EQ(chimney_stream_unsent(connection_.conn), 0u);
}

// R92, R113: posted after the cut, so the host sends them, in order.
TEST_F(StreamHandoverTest, UntakenSendsGoOutThroughTheKernel) {
  Offload(&connection_, 5);
  const auto entries = SendAll({"taken ", "one ", "two "});
  StartUpload();
  CompleteSend(connection_, entries[0], CHIMNEY_STATUS_MOVED_TO_KERNEL);
  CompleteSend(connection_, entries[1], CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  CompleteSend(connection_, entries[2], CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  FinishUpload(connection_);
  ExpectEvent(CHIMNEY_EVENT_UPLOADED);
  EXPECT_EQ(SendText(connection_, "new"), 3);
  EXPECT_EQ(connection_.PeerReads(), "one two new");
}

// kUploaded is a flow's last notice: what is still in the ring then reaches a
// flow that is gone.
TEST_F(StreamHandoverTest, SendsThatReachNobodyGoOutThroughTheKernel) {
  Offload(&connection_, 5);
  const auto entries = SendAll({"in the ring "});
  FinishUpload(connection_);
  ExpectEvent(CHIMNEY_EVENT_UPLOADED);
  EXPECT_EQ(connection_.PeerReads(), "in the ring ");
  // The worker's answer to the late request changes nothing.
  abi::NoticeEntry late =
      connection_.Completion(abi::NoticeOp::kSendComplete,
                             entries[0].request_id, CHIMNEY_STATUS_FAILURE);
  late.cookie = 0;
  daemon_->Notify(1, late);
  late.cookie = connection_.wire_cookie;
  daemon_->Notify(1, late);
  Drain();
  EXPECT_EQ(SendText(connection_, "on"), 2);
  EXPECT_EQ(connection_.PeerReads(), "on");
}

// R111: the peer has the first bytes of a send that comes back.
TEST_F(StreamHandoverTest, PartlyAcknowledgedSendGoesOnWhereItStopped) {
  Offload(&connection_, 5);
  const auto entries = SendAll({"abcdef"});
  StartUpload();
  abi::NoticeEntry notice = connection_.Completion(
      abi::NoticeOp::kSendComplete, entries[0].request_id,
      CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  notice.bytes = 4;
  daemon_->Notify(1, notice);
  FinishUpload(connection_);
  ExpectEvent(CHIMNEY_EVENT_UPLOADED);
  EXPECT_EQ(connection_.PeerReads(), "ef");
}

TEST_F(StreamHandoverTest, UntakenSendsWaitForASlowKernelThenGoThroughTheRing) {
  const int small = 4608;
  setsockopt(connection_.fd.get(), SOL_SOCKET, SO_SNDBUF, &small,
             sizeof(small));
  Offload(&connection_, 5);
  const std::string big(60000, 'b');
  const auto entries = SendAll({big, "tail"});
  FinishUpload(connection_);
  ExpectEvent(CHIMNEY_EVENT_UPLOADED);
  const std::string through_kernel = connection_.PeerReads();
  ASSERT_LT(through_kernel.size(), big.size());
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_AGAIN);
  // Offloaded again before the kernel took all: the rest goes first.
  Offload(&connection_, 6);
  std::string through_ring;
  while (const auto entry = daemon_->Request(1)) {
    ASSERT_EQ(static_cast<int>(entry->op),
              static_cast<int>(abi::RequestOp::kSend));
    through_ring += daemon_->ArenaText(*entry);
    CompleteSend(connection_, *entry, CHIMNEY_STATUS_SUCCESS);
  }
  const std::string kernel_rest = connection_.PeerReads();
  EXPECT_EQ(through_kernel + kernel_rest + through_ring, big + "tail");
  Drain();
  EXPECT_EQ(chimney_stream_unsent(connection_.conn), 0u);
}

TEST_F(StreamHandoverTest, SendsDuringAHandOverAreHeldBackByTheCaller) {
  EXPECT_EQ(SendText(connection_, "a"), 1);
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  EXPECT_EQ(SendText(connection_, "b"), CHIMNEY_E_AGAIN);
  Accept(&connection_, 5);
  EXPECT_EQ(SendText(connection_, "b"), 1);
}

TEST_F(StreamHandoverTest, WritableFollowsTheHandOver) {
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  EXPECT_EQ(SendText(connection_, "b"), CHIMNEY_E_AGAIN);
  connection_.wire_cookie =
      daemon_->Expect(0, abi::RequestOp::kInitiate).cookie;
  connection_.flow = 5;
  daemon_->Notify(1, connection_.Notice(abi::NoticeOp::kOffloaded));
  EXPECT_EQ(DrainTypes(), (std::vector<uint32_t>{CHIMNEY_EVENT_OFFLOADED,
                                                 CHIMNEY_EVENT_WRITABLE}));
  StartUpload();
  EXPECT_EQ(SendText(connection_, "b"), CHIMNEY_E_AGAIN);
  FinishUpload(connection_);
  EXPECT_EQ(DrainTypes(), (std::vector<uint32_t>{CHIMNEY_EVENT_UPLOADED,
                                                 CHIMNEY_EVENT_WRITABLE}));
}

// R100: lent before the upload, read before what the kernel has.
TEST_F(StreamHandoverTest, LentDataIsReadBeforeTheKernels) {
  Offload(&connection_, 5);
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 1,
                    "lent ");
  Upload(&connection_);
  connection_.PeerSends("kernel");
  Drain();
  EXPECT_EQ(ReceiveText(connection_), "lent ");
  // R145: the return still goes to the lane that lent it.
  const abi::RequestEntry back =
      daemon_->Expect(1, abi::RequestOp::kReceiveReturn);
  EXPECT_EQ(back.flow, 5u);
  EXPECT_EQ(back.chunk, 1u);
  EXPECT_EQ(ReceiveText(connection_), "kernel");
}

TEST_F(StreamHandoverTest, LentDataOfTwoOffloadsKeepsItsOrder) {
  Offload(&connection_, 5);
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 1,
                    "first ");
  Upload(&connection_);
  Drain();
  Offload(&connection_, 6);
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 2,
                    "second");
  Drain();
  EXPECT_EQ(ReceiveText(connection_), "first second");
  EXPECT_EQ(daemon_->Expect(1, abi::RequestOp::kReceiveReturn).flow, 5u);
  EXPECT_EQ(daemon_->Expect(1, abi::RequestOp::kReceiveReturn).flow, 6u);
}

TEST_F(StreamHandoverTest, FinNotTakenIsSentByTheKernel) {
  Offload(&connection_, 5);
  const auto entries = SendAll({"data"});
  ASSERT_EQ(chimney_stream_shutdown(connection_.conn), CHIMNEY_OK);
  const abi::RequestEntry fin = daemon_->Expect(1, abi::RequestOp::kDisconnect);
  CompleteSend(connection_, entries[0], CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  daemon_->Notify(1, connection_.Completion(abi::NoticeOp::kDisconnectComplete,
                                            fin.request_id,
                                            CHIMNEY_STATUS_UPLOAD_IN_PROGRESS));
  FinishUpload(connection_);
  EXPECT_EQ(ExpectEvent(CHIMNEY_EVENT_DISCONNECT_COMPLETE).status,
            uint32_t{CHIMNEY_STATUS_MOVED_TO_KERNEL});
  EXPECT_EQ(connection_.PeerReads(), "data");
  char byte = 0;
  EXPECT_EQ(recv(connection_.peer.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(StreamHandoverTest, ShutdownDuringAHandOverIsKept) {
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  ASSERT_EQ(chimney_stream_shutdown(connection_.conn), CHIMNEY_OK);
  Accept(&connection_, 5);
  daemon_->Expect(1, abi::RequestOp::kDisconnect);
}

TEST_F(StreamHandoverTest, FinOfTheKernelIsNotSentAgainWhenOffloaded) {
  ASSERT_EQ(chimney_stream_shutdown(connection_.conn), CHIMNEY_OK);
  Drain();
  Offload(&connection_, 5);
  EXPECT_FALSE(daemon_->Request(1).has_value());
}

TEST_F(StreamHandoverTest, FailedUploadSendsAgainWhatCameBack) {
  Offload(&connection_, 5);
  const auto entries = SendAll({"taken", "back"});
  StartUpload();
  CompleteSend(connection_, entries[1], CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  Drain();
  EXPECT_FALSE(daemon_->Request(1).has_value());
  FailUpload();
  ExpectEvent(CHIMNEY_EVENT_UPLOAD_FAILED);
  const abi::RequestEntry again = ExpectSend(connection_, "back");
  // Everything the worker had not seen before this one is refused.
  EXPECT_NE(again.flags & abi::kFlagResumed, 0);
  EXPECT_EQ(SendText(connection_, "new"), 3);
  EXPECT_EQ(ExpectSend(connection_, "new").flags & abi::kFlagResumed, 0);
}

// The daemon cut on its own account, and its upload failed.
TEST_F(StreamHandoverTest, BouncedSendStopsTheStreamUntilItIsOver) {
  Offload(&connection_, 5);
  const auto entries = SendAll({"one ", "two "});
  CompleteSend(connection_, entries[0], CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  Drain();
  EXPECT_EQ(SendText(connection_, "three"), CHIMNEY_E_AGAIN);
  CompleteSend(connection_, entries[1], CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  daemon_->Notify(1, connection_.Notice(abi::NoticeOp::kOffloaded));
  EXPECT_EQ(DrainTypes(), std::vector<uint32_t>{CHIMNEY_EVENT_WRITABLE});
  ExpectSend(connection_, "one ");
  ExpectSend(connection_, "two ");
  EXPECT_EQ(SendText(connection_, "three"), 5);
  ExpectSend(connection_, "three");
}

TEST_F(StreamHandoverTest, NoBytesAreLostOverManyCuts) {
  std::string sent;
  std::string arrived;
  for (int round = 0; round < 100; ++round) {
    Offload(&connection_, static_cast<uint64_t>(round) + 10);
    std::vector<std::string> texts;
    for (int i = 0; i < 4; ++i) {
      texts.push_back(std::to_string(round) + "." + std::to_string(i) + " ");
      sent += texts.back();
    }
    const auto entries = SendAll(texts);
    // The cut falls behind entry `taken`; some answers come, some do not.
    const size_t taken = static_cast<size_t>(round) % 5;
    const size_t answered = taken + static_cast<size_t>(round) % 3;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i < taken) {
        arrived += texts[i];
        CompleteSend(connection_, entries[i], CHIMNEY_STATUS_MOVED_TO_KERNEL);
      } else if (i < answered) {
        CompleteSend(connection_, entries[i],
                     CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
      }
    }
    FinishUpload(connection_);
    Drain();
    arrived += connection_.PeerReads();
    ASSERT_EQ(arrived, sent);
  }
}

}  // namespace
}  // namespace chimney::client
