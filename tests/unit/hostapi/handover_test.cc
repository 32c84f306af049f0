// SPDX-License-Identifier: BSD-3-Clause
// The way of a connection: IN_HOST, OFFLOADING, OFFLOADED, UPLOADING and back.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "session_fixture.h"

namespace chimney::client {
namespace {

class HandoverTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    Connect(&connection_);
  }
  uint32_t State() const { return chimney_conn_state(connection_.conn); }

  TestConnection connection_;
};

TEST_F(HandoverTest, OffloadPassesTheSocketAndThenNamesIt) {
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  EXPECT_EQ(State(), CHIMNEY_STATE_OFFLOADING);
  daemon_->ReadSocket();
  ASSERT_EQ(daemon_->attached.size(), 1u);
  EXPECT_EQ(daemon_->doorbells, 1);
  const abi::RequestEntry request =
      daemon_->Expect(0, abi::RequestOp::kInitiate);
  EXPECT_EQ(request.offset, daemon_->attached[0].id);
  // It is the very same socket: what is written there comes out at the peer.
  ASSERT_EQ(write(daemon_->attached[0].fd.get(), "x", 1), 1);
  EXPECT_EQ(connection_.PeerReads(), "x");
}

TEST_F(HandoverTest, OffloadedCarriesTheDaemonsTimeAndTheCookie) {
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  connection_.wire_cookie =
      daemon_->Expect(0, abi::RequestOp::kInitiate).cookie;
  connection_.flow = 5;
  abi::NoticeEntry notice = connection_.Notice(abi::NoticeOp::kOffloaded);
  notice.elapsed_ns = 51234;
  daemon_->Notify(2, notice);
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_OFFLOADED);
  EXPECT_EQ(event.elapsed_ns, 51234u);
  EXPECT_EQ(event.cookie, kCookie);
  EXPECT_EQ(event.conn, connection_.conn);
  EXPECT_EQ(State(), CHIMNEY_STATE_OFFLOADED);
}

TEST_F(HandoverTest, RequestsGoToTheLaneThatAnswered) {
  connection_.lane = 2;
  Offload(&connection_, 5);
  ASSERT_EQ(SendText(connection_, "hello"), 5);
  EXPECT_FALSE(daemon_->Request(1).has_value());
  ExpectSend(connection_, "hello");
}

TEST_F(HandoverTest, RefusalSaysWhyAndTheKernelGoesOn) {
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  const abi::RequestEntry request =
      daemon_->Expect(0, abi::RequestOp::kInitiate);
  abi::NoticeEntry notice;
  notice.op = abi::NoticeOp::kInitiateFailed;
  notice.request_id = request.request_id;
  notice.cookie = request.cookie;
  notice.status = CHIMNEY_STATUS_CONNECTION_REJECTED;
  notice.error = CHIMNEY_REFUSAL_NAT;
  notice.error_errno = EPERM;
  daemon_->Notify(0, notice);
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_OFFLOAD_FAILED);
  EXPECT_EQ(event.status, uint32_t{CHIMNEY_STATUS_CONNECTION_REJECTED});
  EXPECT_EQ(event.refusal, uint32_t{CHIMNEY_REFUSAL_NAT});
  EXPECT_EQ(event.system_errno, EPERM);
  EXPECT_STREQ(event.text, "the connection is translated by NAT on this host");
  EXPECT_EQ(State(), CHIMNEY_STATE_IN_HOST);
  EXPECT_EQ(SendText(connection_, "still here"), 10);
  EXPECT_EQ(connection_.PeerReads(), "still here");
}

// R39: no second offload, and nothing but waiting, while one is in progress.
TEST_F(HandoverTest, NothingElseWhileOffloading) {
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  EXPECT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_E_STATE);
  EXPECT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_E_STATE);
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_AGAIN);
  char byte = 0;
  EXPECT_EQ(chimney_stream_recv(connection_.conn, &byte, 1), CHIMNEY_E_AGAIN);
  chimney_conn_info info{};
  info.size = sizeof(info);
  EXPECT_EQ(chimney_conn_query(connection_.conn, &info, 0), CHIMNEY_E_STATE);
  iovec piece{};
  EXPECT_EQ(chimney_send(connection_.conn, &piece, 1, 1), CHIMNEY_E_STATE);
}

TEST_F(HandoverTest, UploadOnlyWhenOffloaded) {
  EXPECT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_E_STATE);
  Offload(&connection_, 5);
  EXPECT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_E_STATE);
  ASSERT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_OK);
  EXPECT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_E_STATE);
  EXPECT_EQ(State(), CHIMNEY_STATE_UPLOADING);
}

TEST_F(HandoverTest, RoundTripsWithoutEnd) {
  for (uint64_t round = 1; round <= 50; ++round) {
    Offload(&connection_, round * 7);
    EXPECT_EQ(State(), CHIMNEY_STATE_OFFLOADED);
    Upload(&connection_);
    ExpectEvent(CHIMNEY_EVENT_UPLOADED);
    EXPECT_EQ(State(), CHIMNEY_STATE_IN_HOST);
  }
}

TEST_F(HandoverTest, FailedUploadLeavesItOffloaded) {
  Offload(&connection_, 5);
  ASSERT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_OK);
  const abi::RequestEntry request =
      daemon_->Expect(0, abi::RequestOp::kTerminate);
  daemon_->Notify(
      0, connection_.Completion(abi::NoticeOp::kTerminateFailed,
                                request.request_id, CHIMNEY_STATUS_FAILURE));
  ExpectEvent(CHIMNEY_EVENT_UPLOAD_FAILED);
  EXPECT_EQ(State(), CHIMNEY_STATE_OFFLOADED);
  EXPECT_EQ(SendText(connection_, "x"), 1);
}

// chimneyctl upload-all, or the daemon's end: nobody here asked for it.
TEST_F(HandoverTest, TheDaemonMayUploadOnItsOwn) {
  Offload(&connection_, 5);
  FinishUpload(connection_);
  ExpectEvent(CHIMNEY_EVENT_UPLOADED);
  EXPECT_EQ(State(), CHIMNEY_STATE_IN_HOST);
}

// Our terminate crossed the daemon's own upload: that is a success.
TEST_F(HandoverTest, TerminateThatCameTooLateIsNoFailure) {
  Offload(&connection_, 5);
  ASSERT_EQ(chimney_conn_upload(connection_.conn), CHIMNEY_OK);
  const abi::RequestEntry request =
      daemon_->Expect(0, abi::RequestOp::kTerminate);
  daemon_->Notify(
      0, connection_.Completion(abi::NoticeOp::kTerminateFailed,
                                request.request_id, CHIMNEY_STATUS_FAILURE));
  FinishUpload(connection_);
  const std::vector<uint32_t> types = DrainTypes();
  ASSERT_FALSE(types.empty());
  EXPECT_EQ(types[0], uint32_t{CHIMNEY_EVENT_UPLOADED});
  EXPECT_EQ(std::count(types.begin(), types.end(),
                       uint32_t{CHIMNEY_EVENT_UPLOAD_FAILED}),
            0);
  EXPECT_EQ(State(), CHIMNEY_STATE_IN_HOST);
}

TEST_F(HandoverTest, MandatoryRetrieveStopsNewSends) {
  Offload(&connection_, 5);
  abi::NoticeEntry notice = connection_.Notice(abi::NoticeOp::kRetrieveEvent);
  notice.reason = CHIMNEY_REASON_RECEIVED_URGENT_DATA;
  daemon_->Notify(1, notice);
  const chimney_event event = ExpectEvent(CHIMNEY_EVENT_RETRIEVE);
  EXPECT_EQ(event.reason, uint32_t{CHIMNEY_REASON_RECEIVED_URGENT_DATA});
  EXPECT_EQ(State(), CHIMNEY_STATE_UPLOADING);
  EXPECT_EQ(SendText(connection_, "x"), CHIMNEY_E_AGAIN);
  FinishUpload(connection_);
  const chimney_event uploaded = ExpectEvent(CHIMNEY_EVENT_UPLOADED);
  EXPECT_EQ(uploaded.reason, uint32_t{CHIMNEY_REASON_RECEIVED_URGENT_DATA});
}

// R180: the connection goes on if the host does not upload.
TEST_F(HandoverTest, OptionalRetrieveChangesNothing) {
  Offload(&connection_, 5);
  abi::NoticeEntry notice = connection_.Notice(abi::NoticeOp::kRetrieveEvent);
  notice.reason = CHIMNEY_REASON_LOW_ACTIVITY;
  daemon_->Notify(1, notice);
  ExpectEvent(CHIMNEY_EVENT_RETRIEVE);
  EXPECT_EQ(State(), CHIMNEY_STATE_OFFLOADED);
}

TEST_F(HandoverTest, DestroyWhileOffloadedUploadsInTheBackground) {
  Offload(&connection_, 5);
  chimney_conn_destroy(connection_.conn);
  connection_.fd.Reset();
  daemon_->Expect(0, abi::RequestOp::kTerminate);
  daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication), 3,
                    "late data");
  FinishUpload(connection_);
  EXPECT_TRUE(Drain().empty());
  // Nobody will read it: it goes back at once.
  EXPECT_EQ(daemon_->Expect(1, abi::RequestOp::kReceiveReturn).chunk, 3u);
}

TEST_F(HandoverTest, DestroyWhileOffloadingUploadsOnceItCan) {
  ASSERT_EQ(chimney_conn_offload(connection_.conn), CHIMNEY_OK);
  chimney_conn_destroy(connection_.conn);
  connection_.wire_cookie =
      daemon_->Expect(0, abi::RequestOp::kInitiate).cookie;
  connection_.flow = 9;
  daemon_->Notify(1, connection_.Notice(abi::NoticeOp::kOffloaded));
  EXPECT_TRUE(Drain().empty());
  EXPECT_EQ(daemon_->Expect(0, abi::RequestOp::kTerminate).flow, 9u);
  FinishUpload(connection_);
  EXPECT_TRUE(Drain().empty());
}

// A slot that is used again must not get what was meant for the old one.
TEST_F(HandoverTest, NoticesOfAForgottenConnectionReachNobody) {
  Offload(&connection_, 5);
  const TestConnection old = {
      OwnedFd(), OwnedFd(), nullptr, connection_.wire_cookie, 5, 1};
  chimney_conn_destroy(connection_.conn);
  daemon_->Expect(0, abi::RequestOp::kTerminate);
  FinishUpload(old);
  EXPECT_TRUE(Drain().empty());
  TestConnection second;
  Connect(&second);
  Drain();
  Offload(&second, 6);
  EXPECT_NE(second.wire_cookie, old.wire_cookie);
  daemon_->Notify(1, old.Notice(abi::NoticeOp::kAbortEvent));
  EXPECT_TRUE(Drain().empty());
}

TEST_F(HandoverTest, NotAStreamSocketIsRefused) {
  const OwnedFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  chimney_conn* conn = nullptr;
  EXPECT_EQ(chimney_conn_create(session_, null.get(), 0, 0, &conn),
            CHIMNEY_E_INVALID);
  EXPECT_EQ(conn, nullptr);
}

}  // namespace
}  // namespace chimney::client
