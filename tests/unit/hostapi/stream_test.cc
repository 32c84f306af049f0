// SPDX-License-Identifier: BSD-3-Clause
// The stream calls on either side, with their events.
#include <sys/socket.h>

#include <cerrno>

#include "session_fixture.h"

namespace chimney::client {
namespace {

class StreamTest : public SessionFixture {
 protected:
  void SetUp() override {
    OpenSession(4096);
    Connect(&connection_);
  }
  void Receive(std::string_view text, uint32_t chunk) {
    daemon_->Indicate(connection_.lane,
                      connection_.Notice(abi::NoticeOp::kReceiveIndication),
                      chunk, text);
  }

  TestConnection connection_;
};

TEST_F(StreamTest, InTheKernelItIsTheSocket) {
  EXPECT_EQ(SendText(connection_, "ping"), 4);
  EXPECT_EQ(connection_.PeerReads(), "ping");
  EXPECT_TRUE(Drain().empty());
  connection_.PeerSends("pong");
  ExpectEvent(CHIMNEY_EVENT_READABLE);
  EXPECT_EQ(ReceiveText(connection_), "pong");
}

TEST_F(StreamTest, ReadableComesOncePerEmptying) {
  connection_.PeerSends("one");
  ExpectEvent(CHIMNEY_EVENT_READABLE);
  connection_.PeerSends("two");
  EXPECT_TRUE(Drain().empty());  // not emptied yet
  EXPECT_EQ(ReceiveText(connection_), "onetwo");
  ssize_t result = 0;
  EXPECT_EQ(ReceiveText(connection_, &result), "");
  EXPECT_EQ(result, CHIMNEY_E_AGAIN);
  EXPECT_TRUE(Drain().empty());
  connection_.PeerSends("three");
  ExpectEvent(CHIMNEY_EVENT_READABLE);
}

TEST_F(StreamTest, FullKernelBufferThenWritable) {
  const std::string much(1 << 20, 'x');
  ssize_t sent = 0;
  do {
    sent = SendText(connection_, much);
  } while (sent > 0);
  EXPECT_EQ(sent, CHIMNEY_E_AGAIN);
  Drain();
  while (!connection_.PeerReads().empty()) {
  }
  ExpectEvent(CHIMNEY_EVENT_WRITABLE);
  EXPECT_GT(SendText(connection_, "more"), 0);
}

TEST_F(StreamTest, PeerFinishedInTheKernel) {
  connection_.PeerSends("last");
  shutdown(connection_.peer.get(), SHUT_WR);
  ExpectEvent(CHIMNEY_EVENT_READABLE);
  EXPECT_EQ(ReceiveText(connection_), "last");
  ssize_t result = -1;
  ReceiveText(connection_, &result);
  EXPECT_EQ(result, 0);
  ReceiveText(connection_, &result);
  EXPECT_EQ(result, 0);
}

TEST_F(StreamTest, ShutdownInTheKernel) {
  ASSERT_EQ(chimney_stream_shutdown(connection_.conn), CHIMNEY_OK);
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_DISCONNECT_COMPLETE);
  EXPECT_EQ(event.status, uint32_t{CHIMNEY_STATUS_MOVED_TO_KERNEL});
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_SHUTDOWN);
  char byte = 0;
  EXPECT_EQ(recv(connection_.peer.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(StreamTest, SendToAClosedPeerIsAResultNotASignal) {
  connection_.peer.Reset();
  SendText(connection_, "x");
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_RESET);
}

TEST_F(StreamTest, OffloadedSendIsCopiedIntoTheArena) {
  Offload(&connection_, 5);
  std::string text = "copied";
  ASSERT_EQ(SendText(connection_, text), 6);
  text = "change";
  const abi::RequestEntry entry = ExpectSend(connection_, "copied");
  EXPECT_EQ(chimney_stream_unsent(connection_.conn), 6u);
  CompleteSend(connection_, entry, CHIMNEY_STATUS_SUCCESS);
  EXPECT_TRUE(Drain().empty());  // streams track completions themselves
  EXPECT_EQ(chimney_stream_unsent(connection_.conn), 0u);
}

TEST_F(StreamTest, SendBufferBoundsWhatIsTaken) {
  Offload(&connection_, 5);
  const std::string much(10000, 'y');
  EXPECT_EQ(SendText(connection_, much), 4096);
  EXPECT_EQ(SendText(connection_, much), CHIMNEY_E_AGAIN);
  EXPECT_TRUE(Drain().empty());
  const abi::RequestEntry entry = daemon_->Expect(1, abi::RequestOp::kSend);
  EXPECT_EQ(entry.length, 4096u);
  CompleteSend(connection_, entry, CHIMNEY_STATUS_SUCCESS);
  ExpectEvent(CHIMNEY_EVENT_WRITABLE);
  EXPECT_EQ(SendText(connection_, much), 4096);
}

TEST_F(StreamTest, OffloadedReceiveIsReadInPlaceAndReturned) {
  Offload(&connection_, 5);
  Receive("first ", 7);
  Receive("second", 8);
  ExpectEvent(CHIMNEY_EVENT_READABLE);
  char few[3];
  ASSERT_EQ(chimney_stream_recv(connection_.conn, few, 3), 3);
  EXPECT_FALSE(daemon_->Request(1).has_value());  // not all of it read yet
  EXPECT_EQ(ReceiveText(connection_), "st second");
  const abi::RequestEntry one =
      daemon_->Expect(1, abi::RequestOp::kReceiveReturn);
  EXPECT_EQ(one.chunk, 7u);
  EXPECT_EQ(one.length, 6u);
  EXPECT_EQ(one.flow, 5u);
  EXPECT_EQ(daemon_->Expect(1, abi::RequestOp::kReceiveReturn).chunk, 8u);
}

TEST_F(StreamTest, PeerFinishedWhileOffloaded) {
  Offload(&connection_, 5);
  Receive("bye", 0);
  ExpectEvent(CHIMNEY_EVENT_READABLE);
  EXPECT_EQ(ReceiveText(connection_), "bye");
  ssize_t result = 0;
  ReceiveText(connection_, &result);
  EXPECT_EQ(result, CHIMNEY_E_AGAIN);
  daemon_->Notify(1, connection_.Notice(abi::NoticeOp::kDisconnectEvent));
  EXPECT_EQ(DrainTypes(), (std::vector<uint32_t>{CHIMNEY_EVENT_PEER_DISCONNECT,
                                                 CHIMNEY_EVENT_READABLE}));
  ReceiveText(connection_, &result);
  EXPECT_EQ(result, 0);
  // R174: the send half stays open.
  EXPECT_EQ(SendText(connection_, "still"), 5);
}

TEST_F(StreamTest, ShutdownWhileOffloadedFollowsTheData) {
  Offload(&connection_, 5);
  ASSERT_EQ(SendText(connection_, "end"), 3);
  ASSERT_EQ(chimney_stream_shutdown(connection_.conn), CHIMNEY_OK);
  ASSERT_EQ(chimney_stream_shutdown(connection_.conn), CHIMNEY_OK);
  ExpectSend(connection_, "end");
  const abi::RequestEntry entry =
      daemon_->Expect(1, abi::RequestOp::kDisconnect);
  EXPECT_EQ(entry.flags & abi::kFlagAbortive, 0);
  EXPECT_FALSE(daemon_->Request(1).has_value());
  daemon_->Notify(
      1, connection_.Completion(abi::NoticeOp::kDisconnectComplete,
                                entry.request_id, CHIMNEY_STATUS_SUCCESS));
  EXPECT_EQ(ExpectEvent(CHIMNEY_EVENT_DISCONNECT_COMPLETE).status,
            uint32_t{CHIMNEY_STATUS_SUCCESS});
}

TEST_F(StreamTest, ResetByThePeer) {
  Offload(&connection_, 5);
  ASSERT_EQ(SendText(connection_, "lost"), 4);
  const abi::RequestEntry entry = ExpectSend(connection_, "lost");
  Receive("kept", 1);
  daemon_->Notify(1, connection_.Notice(abi::NoticeOp::kAbortEvent));
  CompleteSend(connection_, entry, CHIMNEY_STATUS_REQUEST_ABORTED);
  ExpectEvent(CHIMNEY_EVENT_ABORT);
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_RESET);
  EXPECT_EQ(ReceiveText(connection_), "kept");
  ssize_t result = 0;
  ReceiveText(connection_, &result);
  EXPECT_EQ(result, CHIMNEY_E_RESET);
  EXPECT_EQ(chimney_stream_unsent(connection_.conn), 0u);
  EXPECT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_E_STATE);
  // R104: resources are freed by a terminate, whatever became of it.
  EXPECT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_OK);
}

TEST_F(StreamTest, AbortWhileOffloaded) {
  Offload(&connection_, 5);
  ASSERT_EQ(chimney_conn_abort(connection_.conn), CHIMNEY_OK);
  const abi::RequestEntry entry =
      daemon_->Expect(1, abi::RequestOp::kDisconnect);
  EXPECT_NE(entry.flags & abi::kFlagAbortive, 0);
  daemon_->Notify(
      1, connection_.Completion(abi::NoticeOp::kDisconnectComplete,
                                entry.request_id, CHIMNEY_STATUS_SUCCESS));
  ExpectEvent(CHIMNEY_EVENT_DISCONNECT_COMPLETE);
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_RESET);
}

TEST_F(StreamTest, ArenaExhaustionIsAgainAndThenWritable) {
  Offload(&connection_, 5);
  // Everything else in the arena is taken by buffers of the application.
  std::vector<void*> taken;
  while (void* buffer = chimney_buffer_alloc(session_, 4096)) {
    taken.push_back(buffer);
  }
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_AGAIN);
  for (void* buffer : taken) chimney_buffer_free(session_, buffer);
  chimney_event event{};
  ASSERT_EQ(chimney_session_poll(session_, &event, 1, 5000), 1);
  EXPECT_EQ(event.type, uint32_t{CHIMNEY_EVENT_WRITABLE});
  EXPECT_EQ(SendText(connection_, "x"), 1);
}

TEST_F(StreamTest, FullRingIsAgainAndThenWritable) {
  Offload(&connection_, 5);
  int taken = 0;
  while (SendText(connection_, "x") == 1) ++taken;
  EXPECT_EQ(taken, 63);  // a ring of 64 holds 63
  while (daemon_->Request(1)) {
  }
  abi::NoticeEntry done = connection_.Completion(abi::NoticeOp::kSendComplete,
                                                 1, CHIMNEY_STATUS_SUCCESS);
  daemon_->Notify(1, done);
  ExpectEvent(CHIMNEY_EVENT_WRITABLE);
  EXPECT_EQ(SendText(connection_, "x"), 1);
}

// Returns must not be lost when the ring has no room for them.
TEST_F(StreamTest, ReturnsWaitForRoomInTheRing) {
  Offload(&connection_, 5);
  while (SendText(connection_, "x") == 1) {
  }
  Receive("data", 9);
  Drain();
  EXPECT_EQ(ReceiveText(connection_), "data");
  for (int i = 0; i < 63; ++i) daemon_->Expect(1, abi::RequestOp::kSend);
  EXPECT_FALSE(daemon_->Request(1).has_value());
  chimney_event events[4];
  for (int i = 0; i < 5000; ++i) {
    chimney_session_poll(session_, events, 4, 1);
    const auto entry = daemon_->Request(1);
    if (!entry) continue;
    EXPECT_EQ(entry->chunk, 9u);
    return;
  }
  FAIL() << "the return never came";
}

}  // namespace
}  // namespace chimney::client
