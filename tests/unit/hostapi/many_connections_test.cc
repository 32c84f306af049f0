// SPDX-License-Identifier: BSD-3-Clause
// Many connections of one process: offloads are queued, not refused, when the
// daemon cannot take them as fast as they are asked for.
#include <deque>

#include "session_fixture.h"

namespace chimney::client {
namespace {

constexpr size_t kConnections = 300;

class ManyConnectionsTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    for (size_t i = 0; i < kConnections; ++i) Connect(&connections_[i]);
    Drain();
  }

  // Answers what the library asks until `count` offloads have been done.
  void AcceptAll(size_t count) {
    size_t accepted = 0;
    for (int turns = 0; accepted < count && turns < 10000; ++turns) {
      daemon_->ReadSocket();
      daemon_->attached.clear();
      while (const auto request = daemon_->Request(0)) {
        if (request->op != abi::RequestOp::kInitiate) continue;
        abi::NoticeEntry notice;
        notice.op = abi::NoticeOp::kOffloaded;
        notice.cookie = request->cookie;
        notice.flow = ++last_flow_;
        flows_.push_back(notice);
        daemon_->Notify(1, notice);
        ++accepted;
        events_ += Drain().size();
        while (daemon_->Request(1)) {
        }
      }
      chimney_event event{};
      events_ += chimney_session_poll(session_, &event, 1, 1) == 1 ? 1 : 0;
    }
    ASSERT_EQ(accepted, count);
  }

  TestConnection connections_[kConnections];
  std::deque<abi::NoticeEntry> flows_;
  uint64_t last_flow_ = 0;
  size_t events_ = 0;
};

TEST_F(ManyConnectionsTest, AllAreOffloadedWithoutACareOfTheCaller) {
  for (TestConnection& connection : connections_) {
    ASSERT_EQ(chimney_conn_offload(connection.conn), CHIMNEY_OK);
  }
  AcceptAll(kConnections);
  for (TestConnection& connection : connections_) {
    EXPECT_EQ(chimney_conn_state(connection.conn),
              uint32_t{CHIMNEY_STATE_OFFLOADED});
  }
  EXPECT_EQ(events_, kConnections);
}

// chimneyctl upload-all: the daemon gives everything back on its own account.
TEST_F(ManyConnectionsTest, AllAreUploadedAndOffloadedAgain) {
  for (int round = 0; round < 2; ++round) {
    for (TestConnection& connection : connections_) {
      ASSERT_EQ(chimney_conn_offload(connection.conn), CHIMNEY_OK);
    }
    AcceptAll(kConnections);
    while (!flows_.empty()) {
      abi::NoticeEntry notice = flows_.front();
      flows_.pop_front();
      notice.op = abi::NoticeOp::kUploaded;
      daemon_->Notify(1, notice);
      ExpectEvent(CHIMNEY_EVENT_UPLOADED);
    }
    for (TestConnection& connection : connections_) {
      ASSERT_EQ(chimney_conn_state(connection.conn),
                uint32_t{CHIMNEY_STATE_IN_HOST});
      ASSERT_EQ(SendText(connection, "k"), 1);
      ASSERT_EQ(connection.PeerReads(), "k");
    }
  }
}

TEST_F(ManyConnectionsTest, QueuedOffloadsComeBackWhenTheDaemonDies) {
  for (TestConnection& connection : connections_) {
    ASSERT_EQ(chimney_conn_offload(connection.conn), CHIMNEY_OK);
  }
  daemon_->Die();
  size_t failed = 0;
  for (const chimney_event& event : Drain()) {
    failed += event.type == CHIMNEY_EVENT_OFFLOAD_FAILED ? 1 : 0;
  }
  size_t in_host = 0;
  for (TestConnection& connection : connections_) {
    const uint32_t state = chimney_conn_state(connection.conn);
    if (state == CHIMNEY_STATE_IN_HOST) ++in_host;
  }
  EXPECT_GT(in_host, 0u);
  EXPECT_EQ(failed, in_host);
}

}  // namespace
}  // namespace chimney::client
