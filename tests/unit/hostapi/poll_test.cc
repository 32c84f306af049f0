// SPDX-License-Identifier: BSD-3-Clause
// The pollable descriptor and the sleep protocol (abi/layout.h), timeouts,
// threads.
#include <poll.h>

#include <atomic>
#include <thread>

#include "session_fixture.h"

namespace chimney::client {
namespace {

class PollTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    Connect(&connection_);
    Offload(&connection_, 5);
    char byte = 0;
    chimney_stream_recv(connection_.conn, &byte, 1);
    Drain();
  }
  bool FdReadable(int timeout_ms = 0) const {
    pollfd fd{chimney_session_fd(session_), POLLIN, 0};
    return poll(&fd, 1, timeout_ms) == 1;
  }
  void Indicate(uint32_t chunk) {
    daemon_->Indicate(1, connection_.Notice(abi::NoticeOp::kReceiveIndication),
                      chunk, "x");
  }

  TestConnection connection_;
};

TEST_F(PollTest, QuietSessionIsNotReadable) { EXPECT_FALSE(FdReadable()); }

TEST_F(PollTest, SleepsOnlyAfterPollReturnedNothing) {
  EXPECT_TRUE(daemon_->LibrarySleeps());
  Indicate(0);
  EXPECT_TRUE(FdReadable());
  chimney_event event{};
  EXPECT_EQ(chimney_session_poll(session_, &event, 1, 0), 1);
  EXPECT_FALSE(daemon_->LibrarySleeps());
  EXPECT_EQ(chimney_session_poll(session_, &event, 1, 0), 0);
  EXPECT_TRUE(daemon_->LibrarySleeps());
  EXPECT_FALSE(FdReadable());
}

TEST_F(PollTest, EventsThatDidNotFitKeepItReadable) {
  TestConnection second;
  Connect(&second);
  second.PeerSends("a");
  Indicate(0);
  chimney_event event{};
  int total = 0;
  while (FdReadable() && total < 10) {
    total += chimney_session_poll(session_, &event, 1, 0);
  }
  EXPECT_EQ(total, 2);
}

TEST_F(PollTest, EventsMadeByACallWakeThePoller) {
  TestConnection second;
  Connect(&second);
  Drain();
  ASSERT_FALSE(FdReadable());
  chimney_stream_shutdown(second.conn);  // completes at once in the kernel
  EXPECT_TRUE(FdReadable());
  ExpectEvent(CHIMNEY_EVENT_DISCONNECT_COMPLETE);
  EXPECT_FALSE(FdReadable());
}

TEST_F(PollTest, TimesOut) {
  chimney_event event{};
  EXPECT_EQ(chimney_session_poll(session_, &event, 1, 1), 0);
}

TEST_F(PollTest, BadArguments) {
  chimney_event event{};
  EXPECT_EQ(chimney_session_poll(session_, nullptr, 1, 0), CHIMNEY_E_INVALID);
  EXPECT_EQ(chimney_session_poll(session_, &event, 0, 0), CHIMNEY_E_INVALID);
  EXPECT_EQ(chimney_session_poll(nullptr, &event, 1, 0), CHIMNEY_E_INVALID);
}

TEST_F(PollTest, DaemonWakesASleeper) {
  std::atomic<int> result{-1};
  chimney_event event{};
  std::thread poller(
      [&] { result = chimney_session_poll(session_, &event, 1, 10000); });
  Indicate(0);
  poller.join();
  EXPECT_EQ(result, 1);
  EXPECT_EQ(event.type, uint32_t{CHIMNEY_EVENT_READABLE});
}

TEST_F(PollTest, AnotherThreadsCallWakesASleeper) {
  TestConnection second;
  Connect(&second);
  Drain();
  std::atomic<int> result{-1};
  chimney_event event{};
  std::thread poller(
      [&] { result = chimney_session_poll(session_, &event, 1, 10000); });
  chimney_stream_shutdown(second.conn);
  poller.join();
  EXPECT_EQ(result, 1);
  EXPECT_EQ(event.type, uint32_t{CHIMNEY_EVENT_DISCONNECT_COMPLETE});
}

TEST_F(PollTest, OneThreadWaitsAtATime) {
  chimney_event event{};
  std::thread poller([&] {
    while (chimney_session_poll(session_, &event, 1, 10000) == CHIMNEY_E_BUSY) {
    }
  });
  chimney_event mine{};
  int result = 0;
  // Until the other one is inside.
  while ((result = chimney_session_poll(session_, &mine, 1, 0)) == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(result, CHIMNEY_E_BUSY);
  EXPECT_EQ(chimney_pause(session_, 1000), CHIMNEY_E_BUSY);
  // Other calls go on meanwhile.
  EXPECT_EQ(SendText(connection_, "x"), 1);
  Indicate(0);
  poller.join();
}

// The daemon and two threads of the application at once; with ThreadSanitizer
// this shows that the session's lock covers everything.
TEST_F(PollTest, CallsFromAnyThread) {
  std::atomic<bool> done{false};
  std::thread daemon([&] {
    while (!done) {
      const auto entry = daemon_->NoticeRoom(1) > 0
                             ? daemon_->Request(1)
                             : std::optional<abi::RequestEntry>();
      if (entry && entry->op == abi::RequestOp::kSend) {
        CompleteSend(connection_, *entry, CHIMNEY_STATUS_SUCCESS);
      }
      if (!entry) std::this_thread::yield();
    }
  });
  std::thread sender([&] {
    for (int sent = 0; sent < 5000;) {
      if (SendText(connection_, "x") == 1) {
        ++sent;
      } else {
        std::this_thread::yield();
      }
    }
    while (chimney_stream_unsent(connection_.conn) > 0) {
      std::this_thread::yield();
    }
    done = true;
  });
  chimney_event events[4];
  while (!done) chimney_session_poll(session_, events, 4, 1);
  sender.join();
  daemon.join();
  EXPECT_EQ(chimney_stream_unsent(connection_.conn), 0u);
}

}  // namespace
}  // namespace chimney::client
