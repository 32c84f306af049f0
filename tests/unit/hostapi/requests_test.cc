// SPDX-License-Identifier: BSD-3-Clause
// Requests without a copy: NBLs from the arena, posted receives, lent data.
#include <sys/uio.h>

#include <cstring>

#include "session_fixture.h"

namespace chimney::client {
namespace {

class RequestsTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    Connect(&connection_, CHIMNEY_CONN_DESCRIPTORS);
    Offload(&connection_, 5);
  }
  char* Buffer(std::string_view text) {
    auto* buffer =
        static_cast<char*>(chimney_buffer_alloc(session_, text.size()));
    text.copy(buffer, text.size());
    return buffer;
  }

  TestConnection connection_;
};

TEST_F(RequestsTest, NblGoesOutPieceByPieceWithoutACopy) {
  char* head = Buffer("head");
  char* body = Buffer("the body");
  const iovec pieces[] = {{head, 4}, {body + 4, 4}};
  ASSERT_EQ(chimney_send(connection_.conn, pieces, 2, 99), CHIMNEY_OK);
  const abi::RequestEntry first = ExpectSend(connection_, "head");
  const abi::RequestEntry second = ExpectSend(connection_, "body");
  EXPECT_NE(first.flags & abi::kFlagMoreOfNbl, 0);
  EXPECT_EQ(second.flags & abi::kFlagMoreOfNbl, 0);
  EXPECT_EQ(first.request_id, second.request_id);
  // The daemon reads the very memory the application wrote.
  head[0] = 'H';
  EXPECT_EQ(daemon_->ArenaText(first), "Head");
  abi::NoticeEntry done = connection_.Completion(
      abi::NoticeOp::kSendComplete, first.request_id, CHIMNEY_STATUS_SUCCESS);
  done.bytes = 8;
  daemon_->Notify(1, done);
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_SEND_COMPLETE);
  EXPECT_EQ(event.id, 99u);
  EXPECT_EQ(event.bytes, 8u);
  EXPECT_EQ(event.status, uint32_t{CHIMNEY_STATUS_SUCCESS});
  chimney_buffer_free(session_, head);
  chimney_buffer_free(session_, body);
}

TEST_F(RequestsTest, OnlyArenaMemoryIsTaken) {
  char outside[16] = {};
  char* buffer = Buffer("0123456789");
  const auto send = [this](void* data, size_t bytes) {
    const iovec piece{data, bytes};
    return chimney_send(connection_.conn, &piece, 1, 1);
  };
  EXPECT_EQ(send(outside, 4), CHIMNEY_E_INVALID);
  EXPECT_EQ(send(buffer, 1 << 20), CHIMNEY_E_INVALID);
  EXPECT_EQ(send(buffer, 0), CHIMNEY_E_INVALID);
  EXPECT_EQ(chimney_send(connection_.conn, nullptr, 1, 1), CHIMNEY_E_INVALID);
  const iovec piece{buffer, 1};
  EXPECT_EQ(chimney_send(connection_.conn, &piece, 0, 1), CHIMNEY_E_INVALID);
  EXPECT_EQ(chimney_send(connection_.conn, &piece, 65, 1), CHIMNEY_E_INVALID);
  EXPECT_FALSE(daemon_->Request(1).has_value());
}

TEST_F(RequestsTest, AllPiecesOrNoneWhenTheRingIsFull) {
  char* buffer = Buffer("x");
  const iovec piece{buffer, 1};
  for (int i = 0; i < 62; ++i) {
    ASSERT_EQ(chimney_send(connection_.conn, &piece, 1, 1), CHIMNEY_OK);
  }
  const iovec two[] = {piece, piece};
  EXPECT_EQ(chimney_send(connection_.conn, two, 2, 2), CHIMNEY_E_AGAIN);
  EXPECT_EQ(chimney_send(connection_.conn, &piece, 1, 3), CHIMNEY_OK);
}

// R113: the application owns the bytes again, in the order it gave them.
TEST_F(RequestsTest, EverySendIsCompletedOnceByAnUpload) {
  char* buffer = Buffer("abc");
  for (uint64_t id = 1; id <= 3; ++id) {
    const iovec piece{buffer + id - 1, 1};
    ASSERT_EQ(chimney_send(connection_.conn, &piece, 1, id), CHIMNEY_OK);
  }
  const abi::RequestEntry first = ExpectSend(connection_, "a");
  const abi::RequestEntry second = ExpectSend(connection_, "b");
  CompleteSend(connection_, first, CHIMNEY_STATUS_MOVED_TO_KERNEL);
  CompleteSend(connection_, second, CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  FinishUpload(connection_);
  std::vector<chimney_event> completions;
  for (const chimney_event& event : Drain()) {
    if (event.type == CHIMNEY_EVENT_SEND_COMPLETE) completions.push_back(event);
  }
  ASSERT_EQ(completions.size(), 3u);
  EXPECT_EQ(completions[0].status, uint32_t{CHIMNEY_STATUS_MOVED_TO_KERNEL});
  EXPECT_EQ(completions[1].status, uint32_t{CHIMNEY_STATUS_UPLOAD_IN_PROGRESS});
  EXPECT_EQ(completions[2].status, uint32_t{CHIMNEY_STATUS_UPLOAD_IN_PROGRESS});
  for (uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(completions[id - 1].id, id);
}

TEST_F(RequestsTest, CompletionsOutOfOrderFindTheirSends) {
  char* buffer = Buffer("ab");
  const iovec a{buffer, 1};
  const iovec b{buffer + 1, 1};
  ASSERT_EQ(chimney_send(connection_.conn, &a, 1, 10), CHIMNEY_OK);
  ASSERT_EQ(chimney_send(connection_.conn, &b, 1, 20), CHIMNEY_OK);
  const abi::RequestEntry first = ExpectSend(connection_, "a");
  const abi::RequestEntry second = ExpectSend(connection_, "b");
  CompleteSend(connection_, second, CHIMNEY_STATUS_SUCCESS);
  EXPECT_EQ(ExpectEvent(CHIMNEY_EVENT_SEND_COMPLETE).id, 20u);
  CompleteSend(connection_, second, CHIMNEY_STATUS_SUCCESS);  // twice: ignored
  CompleteSend(connection_, first, CHIMNEY_STATUS_SUCCESS);
  EXPECT_EQ(ExpectEvent(CHIMNEY_EVENT_SEND_COMPLETE).id, 10u);
}

TEST_F(RequestsTest, PostedReceiveComesBackFilled) {
  auto* buffer = static_cast<char*>(chimney_buffer_alloc(session_, 100));
  ASSERT_EQ(chimney_post_receive(connection_.conn, buffer, 100,
                                 CHIMNEY_RECEIVE_NO_PUSH, 77),
            CHIMNEY_OK);
  const abi::RequestEntry entry = daemon_->Expect(1, abi::RequestOp::kReceive);
  EXPECT_NE(entry.flags & abi::kFlagNoPush, 0);
  EXPECT_EQ(entry.length, 100u);
  std::memcpy(daemon_->arena() + entry.offset, "filled", 6);
  abi::NoticeEntry done =
      connection_.Completion(abi::NoticeOp::kReceiveComplete, entry.request_id,
                             CHIMNEY_STATUS_SUCCESS);
  done.bytes = 6;
  daemon_->Notify(1, done);
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_RECEIVE_COMPLETE);
  EXPECT_EQ(event.id, 77u);
  EXPECT_EQ(event.bytes, 6u);
  EXPECT_EQ(event.data, buffer);
  EXPECT_EQ(std::memcmp(buffer, "filled", 6), 0);
}

// R91: pending receives go back.
TEST_F(RequestsTest, PostedReceivesComeBackWithAnUpload) {
  ASSERT_EQ(chimney_post_receive(connection_.conn, nullptr, 0, 0, 1),
            CHIMNEY_OK);
  FinishUpload(connection_);
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_RECEIVE_COMPLETE);
  EXPECT_EQ(event.id, 1u);
  EXPECT_EQ(event.status, uint32_t{CHIMNEY_STATUS_UPLOAD_IN_PROGRESS});
}

TEST_F(RequestsTest, LentDataIsReturnedInParts) {
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 4,
                    "lent data");
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_RECEIVE);
  ASSERT_EQ(event.bytes, 9u);
  EXPECT_EQ(std::string(static_cast<const char*>(event.data), 9), "lent data");
  EXPECT_EQ(chimney_receive_return(session_, event.token, 10),
            CHIMNEY_E_INVALID);
  EXPECT_EQ(chimney_receive_return(session_, event.token, 5), CHIMNEY_OK);
  EXPECT_EQ(chimney_receive_return(session_, event.token, 4), CHIMNEY_OK);
  EXPECT_EQ(chimney_receive_return(session_, event.token, 1),
            CHIMNEY_E_INVALID);
  EXPECT_EQ(daemon_->Expect(1, abi::RequestOp::kReceiveReturn).length, 5u);
  const abi::RequestEntry rest =
      daemon_->Expect(1, abi::RequestOp::kReceiveReturn);
  EXPECT_EQ(rest.length, 4u);
  EXPECT_EQ(rest.chunk, 4u);
}

TEST_F(RequestsTest, StaleTokensAreRefused) {
  EXPECT_EQ(chimney_receive_return(session_, 0, 1), CHIMNEY_E_INVALID);
  EXPECT_EQ(chimney_receive_return(session_, UINT64_MAX, 1), CHIMNEY_E_INVALID);
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 4,
                    "a");
  const chimney_event first = ExpectEvent(CHIMNEY_EVENT_RECEIVE);
  ASSERT_EQ(chimney_receive_return(session_, first.token, 1), CHIMNEY_OK);
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 5,
                    "b");
  const chimney_event second = ExpectEvent(CHIMNEY_EVENT_RECEIVE);
  EXPECT_NE(first.token, second.token);
  EXPECT_EQ(chimney_receive_return(session_, first.token, 1),
            CHIMNEY_E_INVALID);
}

// R145: the pool outlives the connection.
TEST_F(RequestsTest, LentDataOutlivesTheOffload) {
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 4,
                    "data");
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_RECEIVE);
  FinishUpload(connection_);
  Drain();
  EXPECT_EQ(std::string(static_cast<const char*>(event.data), 4), "data");
  EXPECT_EQ(chimney_receive_return(session_, event.token, 4), CHIMNEY_OK);
  EXPECT_EQ(daemon_->Expect(1, abi::RequestOp::kReceiveReturn).flow, 5u);
}

TEST_F(RequestsTest, DestroyGivesLentDataBack) {
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 4,
                    "data");
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_RECEIVE);
  chimney_conn_destroy(connection_.conn);
  EXPECT_EQ(daemon_->Expect(1, abi::RequestOp::kReceiveReturn).length, 4u);
  EXPECT_EQ(chimney_receive_return(session_, event.token, 4),
            CHIMNEY_E_INVALID);
}

// A reference outside the chunks would be read from a wild pointer.
TEST_F(RequestsTest, IndicationOutsideItsChunkIsIgnored) {
  abi::NoticeEntry notice =
      connection_.Notice(abi::NoticeOp::kReceiveIndication);
  notice.chunk = 64;
  notice.bytes = 1;
  daemon_->Notify(1, notice);
  notice.chunk = 0;
  notice.offset_in_chunk = 4090;
  notice.bytes = 7;
  daemon_->Notify(1, notice);
  EXPECT_TRUE(Drain().empty());
}

TEST_F(RequestsTest, StreamReceiveIsForOtherConnections) {
  char byte = 0;
  EXPECT_EQ(chimney_stream_recv(connection_.conn, &byte, 1), CHIMNEY_E_STATE);
}

TEST_F(RequestsTest, FreeingAForeignBufferAborts) {
  char outside = 0;
  EXPECT_DEATH(chimney_buffer_free(session_, &outside), "not a buffer");
  chimney_buffer_free(session_, nullptr);
}

}  // namespace
}  // namespace chimney::client
