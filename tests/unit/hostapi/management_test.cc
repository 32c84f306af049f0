// SPDX-License-Identifier: BSD-3-Clause
// Calls that ask the daemon something and wait.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <atomic>
#include <functional>
#include <thread>

#include "session_fixture.h"
#include "tcp/connection_state.h"

namespace chimney::client {
namespace {

class ManagementTest : public SessionFixture {
 protected:
  // Runs `answer` beside the waiting call until it says that it has answered.
  template <typename Call>
  auto WhileAnswering(const std::function<bool()>& answer, Call call) {
    std::thread daemon([&answer] {
      while (!answer()) std::this_thread::yield();
    });
    const auto result = call();
    daemon.join();
    return result;
  }
  bool AnswerControl(abi::RequestOp op, uint32_t status, uint32_t count) {
    const auto request = daemon_->Request(0);
    if (!request) return false;
    EXPECT_EQ(static_cast<int>(request->op), static_cast<int>(op));
    abi::NoticeEntry notice;
    notice.op = abi::NoticeOp::kControlDone;
    notice.request_id = request->request_id;
    notice.status = static_cast<uint8_t>(status);
    notice.bytes = count;
    daemon_->Notify(0, notice);
    return true;
  }
};

TEST_F(ManagementTest, JsonComesInPieces) {
  std::string json = "{\"x\":\"";
  json.append(100000, 'y');
  json += "\"}";
  char* text = nullptr;
  const int result = WhileAnswering(
      [&] {
        daemon_->ReadSocket();
        if (daemon_->queries.empty()) return false;
        EXPECT_EQ(daemon_->queries[0].topic, abi::QueryTopic::kStats);
        daemon_->AnswerQuery(daemon_->queries[0].query_id, json, 30000);
        return true;
      },
      [&] {
        return chimney_status_json(session_, CHIMNEY_TOPIC_STATS, &text, 10000);
      });
  ASSERT_EQ(result, CHIMNEY_OK);
  EXPECT_EQ(text, json);
  chimney_text_free(text);
}

TEST_F(ManagementTest, AnswerThatCameTooLateIsDropped) {
  char* text = nullptr;
  EXPECT_EQ(chimney_status_json(session_, CHIMNEY_TOPIC_STATUS, &text, 1),
            CHIMNEY_E_TIMEOUT);
  EXPECT_EQ(text, nullptr);
  daemon_->ReadSocket();
  ASSERT_EQ(daemon_->queries.size(), 1u);
  daemon_->AnswerQuery(daemon_->queries[0].query_id, "{}", 100);
  EXPECT_TRUE(Drain().empty());
}

TEST_F(ManagementTest, BadTopic) {
  char* text = nullptr;
  EXPECT_EQ(chimney_status_json(session_, 0, &text, 0), CHIMNEY_E_INVALID);
  EXPECT_EQ(chimney_status_json(session_, 4, &text, 0), CHIMNEY_E_INVALID);
}

TEST_F(ManagementTest, UploadAllSaysHowMany) {
  uint64_t count = 0;
  EXPECT_EQ(WhileAnswering(
                [&] {
                  return AnswerControl(abi::RequestOp::kUploadAll,
                                       CHIMNEY_STATUS_SUCCESS, 17);
                },
                [&] { return chimney_upload_all(session_, &count, 10000); }),
            CHIMNEY_OK);
  EXPECT_EQ(count, 17u);
}

TEST_F(ManagementTest, PauseAndResume) {
  EXPECT_EQ(WhileAnswering(
                [&] {
                  return AnswerControl(abi::RequestOp::kPause,
                                       CHIMNEY_STATUS_SUCCESS, 0);
                },
                [&] { return chimney_pause(session_, 10000); }),
            CHIMNEY_OK);
  EXPECT_EQ(WhileAnswering(
                [&] {
                  return AnswerControl(abi::RequestOp::kResume,
                                       CHIMNEY_STATUS_FAILURE, 0);
                },
                [&] { return chimney_resume(session_, 10000); }),
            CHIMNEY_E_REFUSED);
}

TEST_F(ManagementTest, TerminateOfAnUnknownId) {
  EXPECT_EQ(WhileAnswering(
                [&] {
                  return AnswerControl(abi::RequestOp::kTerminateAny,
                                       CHIMNEY_STATUS_FAILURE, 0);
                },
                [&] { return chimney_terminate_id(session_, 123, 10000); }),
            CHIMNEY_E_NOT_FOUND);
}

TEST_F(ManagementTest, NoAnswerIsATimeout) {
  EXPECT_EQ(chimney_pause(session_, 1), CHIMNEY_E_TIMEOUT);
}

// Events that come while a call waits are not lost.
TEST_F(ManagementTest, EventsWaitForThePoll) {
  WhileAnswering(
      [&] {
        const auto request = daemon_->Request(0);
        if (!request) return false;
        abi::NoticeEntry notice;
        notice.op = abi::NoticeOp::kUploadingAll;
        daemon_->Notify(0, notice);
        notice.op = abi::NoticeOp::kControlDone;
        notice.request_id = request->request_id;
        daemon_->Notify(0, notice);
        return true;
      },
      [&] { return chimney_upload_all(session_, nullptr, 10000); });
  ExpectEvent(CHIMNEY_EVENT_UPLOAD_ALL);
}

TEST_F(ManagementTest, SessionEventsArrive) {
  const std::pair<abi::NoticeOp, uint32_t> cases[] = {
      {abi::NoticeOp::kPaused, CHIMNEY_EVENT_PAUSE},
      {abi::NoticeOp::kResumed, CHIMNEY_EVENT_RESUME},
      {abi::NoticeOp::kUploadingAll, CHIMNEY_EVENT_UPLOAD_ALL},
      {abi::NoticeOp::kLinkState, CHIMNEY_EVENT_LINK},
      {abi::NoticeOp::kDaemonStopping, CHIMNEY_EVENT_DAEMON_STOPPING},
  };
  for (const auto& [op, type] : cases) {
    abi::NoticeEntry notice;
    notice.op = op;
    daemon_->Notify(0, notice);
    EXPECT_EQ(ExpectEvent(type).conn, nullptr);
  }
}

TEST_F(ManagementTest, QueryOfAnOffloadedConnection) {
  TestConnection connection;
  Connect(&connection);
  Offload(&connection, 5);
  chimney_conn_info info{};
  info.size = sizeof(info);
  const int result = WhileAnswering(
      [&] {
        const auto request = daemon_->Request(0);
        if (!request) return false;
        EXPECT_EQ(request->flow, 5u);
        abi::QueryEntry answer;
        answer.request_id = request->request_id;
        answer.flow = request->flow;
        answer.state = static_cast<uint8_t>(tcp::ConnectionState::kCloseWait);
        answer.srtt_us = 1234;
        answer.snd_una = 0xfffffff0;
        answer.path_mtu_bytes = 1500;
        daemon_->NotifyQuery(answer);
        return true;
      },
      [&] { return chimney_conn_query(connection.conn, &info, 10000); });
  ASSERT_EQ(result, CHIMNEY_OK);
  EXPECT_EQ(info.state, uint32_t{CHIMNEY_STATE_OFFLOADED});
  EXPECT_EQ(info.tcp_state, uint32_t{TCP_CLOSE_WAIT});
  EXPECT_EQ(info.srtt_us, 1234u);
  EXPECT_EQ(info.snd_una, 0xfffffff0u);
  EXPECT_EQ(info.path_mtu_bytes, 1500u);
}

TEST_F(ManagementTest, QueryStopsAtTheCallersVersionOfTheStruct) {
  TestConnection connection;
  Connect(&connection);
  chimney_conn_info info{};
  info.size = 4;
  EXPECT_EQ(chimney_conn_query(connection.conn, &info, 0), CHIMNEY_E_INVALID);
}

}  // namespace
}  // namespace chimney::client
