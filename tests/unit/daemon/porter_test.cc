// SPDX-License-Identifier: BSD-3-Clause
// What a porter lets in, and that nobody waits for what it keeps out
// (design D2, D5).
#include "daemon/porter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/foreign_fd.h"
#include "daemon/session_listener.h"
#include "lingering_socket.h"

namespace chimney::daemon {
namespace {

ino_t Inode(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

class PorterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2] = {-1, -1};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    client_ = UniqueFd(ends[0]);
    UniqueFd outer(ends[1]);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    core_ = UniqueFd(ends[0]);
    UniqueFd inner(ends[1]);
    porter_ = std::thread(
        [outer = std::move(outer), inner = std::move(inner)]() mutable {
          RunPorter(std::move(outer), std::move(inner));
        });
  }
  void TearDown() override {
    client_.Reset();
    core_.Reset();
    if (porter_.joinable()) porter_.join();
  }
  ReceiveVerdict Receive(SessionMessage* message) const {
    pollfd event{core_.get(), POLLIN, 0};
    EXPECT_EQ(poll(&event, 1, 10'000), 1);
    return ReceiveMessage(core_.get(), message);
  }
  void Attach(int fd) const {
    const std::array<int, 1> one = {fd};
    ASSERT_TRUE(SendStruct(client_.get(), abi::AttachSocket{}, one));
  }

  UniqueFd client_;
  UniqueFd core_;
  std::thread porter_;
};

TEST_F(PorterTest, CarriesMessagesBothWays) {
  abi::HelloRequest hello;
  hello.ring_entries = 77;
  ASSERT_TRUE(SendStruct(client_.get(), hello));
  SessionMessage message;
  ASSERT_EQ(Receive(&message), ReceiveVerdict::kMessage);
  ASSERT_TRUE(std::holds_alternative<abi::HelloRequest>(message.body));
  EXPECT_EQ(std::get<abi::HelloRequest>(message.body).ring_entries, 77u);

  const UniqueFd file(memfd_create("of the daemon", MFD_CLOEXEC));
  const std::array<int, 3> three = {file.get(), file.get(), file.get()};
  abi::HelloReply reply;
  reply.session_id = 5;
  ASSERT_TRUE(SendStruct(core_.get(), reply, three));
  abi::HelloReply got;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> control{};
  iovec io{&got, sizeof(got)};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ASSERT_EQ(recvmsg(client_.get(), &header, 0),
            static_cast<ssize_t>(sizeof(got)));
  EXPECT_EQ(got.session_id, 5u);
  const cmsghdr* c = CMSG_FIRSTHDR(&header);
  ASSERT_NE(c, nullptr);
  ASSERT_EQ(c->cmsg_len, CMSG_LEN(3 * sizeof(int)));
  for (int i = 0; i < 3; ++i) {
    const UniqueFd fd(reinterpret_cast<const int*>(CMSG_DATA(c))[i]);
    EXPECT_EQ(Inode(fd.get()), Inode(file.get()));
  }
}

TEST_F(PorterTest, LetsInternetSocketsInAndNothingElse) {
  struct Case {
    UniqueFd fd;
    bool passes;
    bool is_socket;
  };
  std::vector<Case> all;
  all.push_back({UniqueFd(socket(AF_INET, SOCK_STREAM, 0)), true, true});
  all.push_back({UniqueFd(socket(AF_INET6, SOCK_STREAM, 0)), true, true});
  all.push_back({UniqueFd(socket(AF_INET, SOCK_DGRAM, 0)), true, true});
  all.push_back({UniqueFd(socket(AF_UNIX, SOCK_STREAM, 0)), false, true});
  all.push_back({UniqueFd(dup(client_.get())), false, true});
  all.push_back({UniqueFd(memfd_create("file", MFD_CLOEXEC)), false, false});
  all.push_back({UniqueFd(open("/proc/self/mem", O_RDONLY)), false, false});
  for (Case& c : all) {
    Attach(c.fd.get());
    SessionMessage message;
    ASSERT_EQ(Receive(&message), ReceiveVerdict::kMessage);
    ASSERT_TRUE(message.descriptor.valid());
    EXPECT_EQ(Inode(message.descriptor.get()) == Inode(c.fd.get()), c.passes);
    struct stat status {};
    ASSERT_EQ(fstat(message.descriptor.get(), &status), 0);
    EXPECT_EQ(S_ISSOCK(status.st_mode), c.is_socket);
  }
}

// The session's own end of its socket, kept by the daemon, would hide that its
// process is gone.
TEST_F(PorterTest, AClientThatSendsItselfIsSeenToGo) {
  Attach(client_.get());
  SessionMessage message;
  ASSERT_EQ(Receive(&message), ReceiveVerdict::kMessage);
  client_.Reset();
  EXPECT_EQ(Receive(&message), ReceiveVerdict::kGone);
}

TEST_F(PorterTest, MoreDescriptorsThanOneAreNoMessage) {
  const std::array<int, 3> three = {0, 1, 2};
  ASSERT_TRUE(SendStruct(client_.get(), abi::AttachSocket{}, three));
  SessionMessage message;
  EXPECT_EQ(Receive(&message), ReceiveVerdict::kBroken);
}

TEST_F(PorterTest, MessagesOfEveryLengthStayWhatTheyAre) {
  for (size_t length : {1u, 7u, 200u, 5000u}) {
    const std::vector<char> bytes(length, 'x');
    ASSERT_EQ(send(client_.get(), bytes.data(), length, 0),
              static_cast<ssize_t>(length));
    SessionMessage message;
    EXPECT_EQ(Receive(&message), ReceiveVerdict::kBroken);
  }
}

TEST_F(PorterTest, ASyncComesBehindAllThatWasSent) {
  constexpr int kBefore = 100;
  for (int i = 0; i < kBefore; ++i) {
    ASSERT_TRUE(SendStruct(client_.get(), abi::Doorbell{}));
  }
  PorterSync sync;
  sync.number = 9;
  ASSERT_TRUE(SendStruct(core_.get(), sync));
  for (int i = 0; i < kBefore; ++i) {
    SessionMessage message;
    ASSERT_EQ(Receive(&message), ReceiveVerdict::kMessage);
    ASSERT_TRUE(std::holds_alternative<abi::Doorbell>(message.body));
  }
  SessionMessage message;
  ASSERT_EQ(Receive(&message), ReceiveVerdict::kMessage);
  ASSERT_TRUE(std::holds_alternative<PorterSync>(message.body));
  EXPECT_EQ(std::get<PorterSync>(message.body).number, 9u);
}

TEST_F(PorterTest, NoClientCanSendASync) {
  ASSERT_TRUE(SendStruct(client_.get(), PorterSync{}));
  SessionMessage message;
  EXPECT_EQ(Receive(&message), ReceiveVerdict::kBroken);
}

TEST_F(PorterTest, TheLastWordReachesTheClient) {
  abi::HelloReply reply;
  ASSERT_TRUE(SendStruct(core_.get(), reply));
  core_.Reset();
  EXPECT_EQ(recv(client_.get(), &reply, sizeof(reply), 0),
            static_cast<ssize_t>(sizeof(reply)));
  EXPECT_EQ(recv(client_.get(), &reply, sizeof(reply), 0), 0);
}

// It keeps the core's messages only as long as the session lives.
TEST_F(PorterTest, AClientThatDoesNotReadKeepsNobody) {
  const auto part = std::make_unique<abi::ManagementPart>();
  int sent = 0;
  while (sent < 100'000 && SendStruct(core_.get(), *part)) ++sent;
  EXPECT_LT(sent, 100'000);
  core_.Reset();
  porter_.join();
}

// Nor one that sends what a core does not read.
TEST_F(PorterTest, ACoreThatDoesNotReadIsNotFlooded) {
  int sent = 0;
  const abi::Doorbell doorbell;
  while (sent < 100'000 && SendStruct(client_.get(), doorbell)) ++sent;
  EXPECT_LT(sent, 100'000);
  client_.Reset();
  SessionMessage message;
  ReceiveVerdict verdict = ReceiveVerdict::kMessage;
  while (verdict == ReceiveVerdict::kMessage) verdict = Receive(&message);
  EXPECT_EQ(verdict, ReceiveVerdict::kGone);
}

TEST(ForeignFd, LastCloseOfASocketThatLingers) {
  LingeringSocket lingering;
  const auto before = std::chrono::steady_clock::now();
  { const ForeignFd fd(lingering.TakeOurs()); }
  EXPECT_LT(std::chrono::steady_clock::now() - before, kLinger / 2);
}

// Where nobody ever looks: the descriptors go with the socket.
TEST(CloseSocket, DoesNotWaitForSocketsThatWereLeftInIt) {
  std::array<LingeringSocket, 3> lingering;
  int ends[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  UniqueFd daemon(ends[0]);
  const UniqueFd client(ends[1]);
  for (LingeringSocket& each : lingering) {
    const UniqueFd ours = each.TakeOurs();
    const std::array<int, 1> one = {ours.get()};
    ASSERT_TRUE(SendStruct(client.get(), abi::Doorbell{}, one));
  }
  const auto before = std::chrono::steady_clock::now();
  CloseSocket(std::move(daemon));
  EXPECT_LT(std::chrono::steady_clock::now() - before, kLinger / 2);
}

}  // namespace
}  // namespace chimney::daemon
