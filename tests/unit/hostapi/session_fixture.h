// SPDX-License-Identifier: BSD-3-Clause
// An open session with a fake daemon, and one connection over a socket pair
// whose other end is the peer (while the kernel has the connection).
#ifndef CHIMNEY_TESTS_UNIT_HOSTAPI_SESSION_FIXTURE_H_
#define CHIMNEY_TESTS_UNIT_HOSTAPI_SESSION_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chimney/chimney.h"
#include "fake_daemon.h"
#include "hostapi/client/owned_fd.h"

namespace chimney::client {

constexpr uint64_t kCookie = 4711;

// One connection of a test: its descriptors and how the daemon knows it.
struct TestConnection {
  OwnedFd fd;
  OwnedFd peer;
  chimney_conn* conn = nullptr;
  uint64_t wire_cookie = 0;
  uint64_t flow = 0;
  uint32_t lane = 1;

  // A notice of this flow.
  abi::NoticeEntry Notice(abi::NoticeOp op) const {
    abi::NoticeEntry notice;
    notice.op = op;
    notice.flow = flow;
    notice.cookie = wire_cookie;
    return notice;
  }
  abi::NoticeEntry Completion(abi::NoticeOp op, uint64_t request_id,
                              uint32_t status) const {
    abi::NoticeEntry notice = Notice(op);
    notice.request_id = request_id;
    notice.status = static_cast<uint8_t>(status);
    return notice;
  }
  void PeerSends(std::string_view text) const {
    ASSERT_EQ(send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What has come out at the peer's end of the kernel's connection.
  std::string PeerReads() const {
    char bytes[65536];
    const ssize_t got = recv(peer.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    return got > 0 ? std::string(bytes, static_cast<size_t>(got)) : "";
  }
};

class SessionFixture : public testing::Test {
 protected:
  explicit SessionFixture(FakeDaemon::Options options = FakeDaemon::Ordinary())
      : daemon_(std::make_unique<FakeDaemon>(std::move(options))) {}

  void SetUp() override { OpenSession(0); }
  void TearDown() override { chimney_session_close(session_); }

  void OpenSession(uint32_t send_buffer_bytes) {
    chimney_session_options options{};
    options.size = sizeof(options);
    options.socket_path = daemon_->socket_path().c_str();
    options.send_buffer_bytes = send_buffer_bytes;
    char text[200];
    ASSERT_EQ(chimney_session_open(&options, &session_, text, sizeof(text)),
              CHIMNEY_OK)
        << text;
    daemon_->FinishHello();
  }

  void Connect(TestConnection* connection, uint32_t flags = 0) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    connection->fd.Reset(ends[0]);
    connection->peer.Reset(ends[1]);
    ASSERT_EQ(chimney_conn_create(session_, ends[0], kCookie, flags,
                                  &connection->conn),
              CHIMNEY_OK);
  }

  // The daemon learns of an offload that was asked for, and does it.
  void Accept(TestConnection* connection, uint64_t flow) {
    daemon_->ReadSocket();
    const abi::RequestEntry request =
        daemon_->Expect(0, abi::RequestOp::kInitiate);
    connection->wire_cookie = request.cookie;
    connection->flow = flow;
    abi::NoticeEntry notice = connection->Notice(abi::NoticeOp::kOffloaded);
    notice.elapsed_ns = 42000;
    daemon_->Notify(connection->lane, notice);
    ExpectEvent(CHIMNEY_EVENT_OFFLOADED);
    // The empty receive that asks for data that came along (R45).
    const abi::RequestEntry receive =
        daemon_->Expect(connection->lane, abi::RequestOp::kReceive);
    EXPECT_EQ(receive.length, 0u);
    daemon_->Notify(
        connection->lane,
        connection->Completion(abi::NoticeOp::kReceiveComplete,
                               receive.request_id, CHIMNEY_STATUS_SUCCESS));
  }
  void Offload(TestConnection* connection, uint64_t flow) {
    ASSERT_EQ(chimney_conn_offload(connection->conn), CHIMNEY_OK);
    Accept(connection, flow);
    Drain();
  }
  // The library asks for the upload and the daemon does it.
  void Upload(TestConnection* connection) {
    ASSERT_EQ(chimney_conn_upload(connection->conn), CHIMNEY_OK);
    const abi::RequestEntry request =
        daemon_->Expect(0, abi::RequestOp::kTerminate);
    EXPECT_EQ(request.flow, connection->flow);
    FinishUpload(*connection);
  }
  void FinishUpload(const TestConnection& connection) {
    daemon_->Notify(connection.lane,
                    connection.Notice(abi::NoticeOp::kUploaded));
  }

  // All events that are due now.
  std::vector<chimney_event> Drain() {
    std::vector<chimney_event> all;
    chimney_event events[8];
    for (;;) {
      const int count = chimney_session_poll(session_, events, 8, 0);
      if (count <= 0) return all;
      all.insert(all.end(), events, events + count);
    }
  }
  std::vector<uint32_t> DrainTypes() {
    std::vector<uint32_t> types;
    for (const chimney_event& event : Drain()) types.push_back(event.type);
    return types;
  }
  // The first event of this kind among those due now.
  chimney_event ExpectEvent(uint32_t type) {
    for (const chimney_event& event : Drain()) {
      if (event.type == type) return event;
    }
    ADD_FAILURE() << "no event of type " << type;
    return {};
  }

  ssize_t SendText(const TestConnection& connection, std::string_view text) {
    return chimney_stream_send(connection.conn, text.data(), text.size());
  }
  // Up to 64 KiB; "" for none, see `result`.
  std::string ReceiveText(const TestConnection& connection,
                          ssize_t* result = nullptr) {
    char bytes[65536];
    const ssize_t got =
        chimney_stream_recv(connection.conn, bytes, sizeof(bytes));
    if (result != nullptr) *result = got;
    return got > 0 ? std::string(bytes, static_cast<size_t>(got)) : "";
  }
  // Takes the next stream send off the ring.
  abi::RequestEntry ExpectSend(const TestConnection& connection,
                               std::string_view text) {
    const abi::RequestEntry entry =
        daemon_->Expect(connection.lane, abi::RequestOp::kSend);
    EXPECT_EQ(daemon_->ArenaText(entry), text);
    EXPECT_EQ(entry.flow, connection.flow);
    return entry;
  }
  void CompleteSend(const TestConnection& connection,
                    const abi::RequestEntry& entry, uint32_t status) {
    daemon_->Notify(connection.lane,
                    connection.Completion(abi::NoticeOp::kSendComplete,
                                          entry.request_id, status));
  }

  std::unique_ptr<FakeDaemon> daemon_;
  chimney_session* session_ = nullptr;
};

}  // namespace chimney::client

#endif  // CHIMNEY_TESTS_UNIT_HOSTAPI_SESSION_FIXTURE_H_
