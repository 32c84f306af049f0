// SPDX-License-Identifier: BSD-3-Clause
// The daemon dies: nothing hangs, nothing crashes, what is in the kernel goes
// on, what was away is lost and says so.
#include <poll.h>

#include <csignal>
#include <thread>

#include "session_fixture.h"

namespace chimney::client {
namespace {

class DaemonDeathTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    Connect(&away_);
    Connect(&home_);
    Offload(&away_, 5);
  }

  TestConnection away_;
  TestConnection home_;
};

TEST_F(DaemonDeathTest, IsAnEventAndMakesTheDescriptorReadable) {
  Drain();
  daemon_->Die();
  pollfd fd{chimney_session_fd(session_), POLLIN, 0};
  EXPECT_EQ(poll(&fd, 1, 5000), 1);
  ExpectEvent(CHIMNEY_EVENT_DAEMON_GONE);
  EXPECT_EQ(poll(&fd, 1, 0), 0);
}

TEST_F(DaemonDeathTest, ConnectionsThatWereAwayAreLost) {
  daemon_->Die();
  Drain();
  EXPECT_EQ(chimney_conn_state(away_.conn), uint32_t{CHIMNEY_STATE_LOST});
  char byte = 0;
  EXPECT_EQ(SendText(away_, "x"), CHIMNEY_E_DAEMON_GONE);
  EXPECT_EQ(chimney_stream_recv(away_.conn, &byte, 1), CHIMNEY_E_DAEMON_GONE);
  EXPECT_EQ(chimney_stream_shutdown(away_.conn), CHIMNEY_E_DAEMON_GONE);
  EXPECT_EQ(chimney_conn_abort(away_.conn), CHIMNEY_E_DAEMON_GONE);
  EXPECT_EQ(chimney_conn_upload(away_.conn), CHIMNEY_E_DAEMON_GONE);
  EXPECT_EQ(chimney_conn_offload(away_.conn), CHIMNEY_E_DAEMON_GONE);
  iovec piece{};
  EXPECT_EQ(chimney_send(away_.conn, &piece, 1, 1), CHIMNEY_E_DAEMON_GONE);
  chimney_conn_destroy(away_.conn);
}

TEST_F(DaemonDeathTest, ConnectionsInTheKernelGoOn) {
  daemon_->Die();
  Drain();
  EXPECT_EQ(SendText(home_, "still"), 5);
  EXPECT_EQ(home_.PeerReads(), "still");
  EXPECT_EQ(chimney_conn_offload(home_.conn), CHIMNEY_E_DAEMON_GONE);
  char byte = 0;
  chimney_stream_recv(home_.conn, &byte, 1);
  home_.PeerSends("y");
  ExpectEvent(CHIMNEY_EVENT_READABLE);
}

TEST_F(DaemonDeathTest, WhatHadBeenReceivedIsReadFirst) {
  daemon_->Indicate(1, away_.Notice(abi::NoticeOp::kReceiveIndication), 0,
                    "received");
  daemon_->Die();
  Drain();
  EXPECT_EQ(ReceiveText(away_), "received");
  ssize_t result = 0;
  ReceiveText(away_, &result);
  EXPECT_EQ(result, CHIMNEY_E_DAEMON_GONE);
}

TEST_F(DaemonDeathTest, AnUploadItHadFinishedCounts) {
  FinishUpload(away_);
  daemon_->Die();
  Drain();
  EXPECT_EQ(chimney_conn_state(away_.conn), uint32_t{CHIMNEY_STATE_IN_HOST});
  EXPECT_EQ(SendText(away_, "x"), 1);
}

TEST_F(DaemonDeathTest, PendingRequestsAreAborted) {
  auto* buffer = static_cast<char*>(chimney_buffer_alloc(session_, 10));
  const iovec piece{buffer, 10};
  ASSERT_EQ(chimney_send(away_.conn, &piece, 1, 7), CHIMNEY_OK);
  ASSERT_EQ(chimney_stream_shutdown(away_.conn), CHIMNEY_OK);
  daemon_->Die();
  bool send_done = false;
  bool disconnect_done = false;
  for (const chimney_event& event : Drain()) {
    if (event.type == CHIMNEY_EVENT_SEND_COMPLETE) {
      EXPECT_EQ(event.id, 7u);
      EXPECT_EQ(event.status, uint32_t{CHIMNEY_STATUS_REQUEST_ABORTED});
      send_done = true;
    }
    disconnect_done |= event.type == CHIMNEY_EVENT_DISCONNECT_COMPLETE;
  }
  EXPECT_TRUE(send_done);
  EXPECT_TRUE(disconnect_done);
  chimney_buffer_free(session_, buffer);
}

TEST_F(DaemonDeathTest, InTheMiddleOfAHandOver) {
  ASSERT_EQ(chimney_conn_offload(home_.conn), CHIMNEY_OK);
  ASSERT_EQ(chimney_conn_upload(away_.conn), CHIMNEY_OK);
  daemon_->Die();
  Drain();
  EXPECT_EQ(chimney_conn_state(home_.conn), uint32_t{CHIMNEY_STATE_LOST});
  EXPECT_EQ(chimney_conn_state(away_.conn), uint32_t{CHIMNEY_STATE_LOST});
}

TEST_F(DaemonDeathTest, EndsAWaitingCall) {
  std::thread killer([this] { daemon_->Die(); });
  EXPECT_EQ(chimney_pause(session_, 10000), CHIMNEY_E_DAEMON_GONE);
  killer.join();
  EXPECT_EQ(chimney_pause(session_, 10000), CHIMNEY_E_DAEMON_GONE);
  char* text = nullptr;
  EXPECT_EQ(chimney_status_json(session_, CHIMNEY_TOPIC_STATUS, &text, 1000),
            CHIMNEY_E_DAEMON_GONE);
}

TEST_F(DaemonDeathTest, PollSaysSoWhenNothingCanHappenAnyMore) {
  daemon_->Die();
  Drain();
  chimney_conn_destroy(home_.conn);
  chimney_event event{};
  EXPECT_EQ(chimney_session_poll(session_, &event, 1, -1),
            CHIMNEY_E_DAEMON_GONE);
}

TEST_F(DaemonDeathTest, ForgottenConnectionsAreFreed) {
  chimney_conn_destroy(away_.conn);
  daemon_->Die();
  ExpectEvent(CHIMNEY_EVENT_DAEMON_GONE);
}

TEST_F(DaemonDeathTest, NoSignalEvenWithTheDefaultHandler) {
  const auto before = std::signal(SIGPIPE, SIG_DFL);
  daemon_->Die();
  // The socket is dead and nobody has noticed yet.
  chimney_conn_upload(away_.conn);
  chimney_conn_offload(home_.conn);
  Drain();
  std::signal(SIGPIPE, before);
  EXPECT_EQ(chimney_conn_state(home_.conn), uint32_t{CHIMNEY_STATE_IN_HOST});
}

}  // namespace
}  // namespace chimney::client
