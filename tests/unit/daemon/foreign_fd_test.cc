// SPDX-License-Identifier: BSD-3-Clause
// Descriptors whose close takes for as long as somebody else likes: nobody
// waits for them but their sender (design D2, D5).
#include "daemon/foreign_fd.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "daemon/impatience.h"
#include "daemon/session_listener.h"
#include "lingering_socket.h"

namespace chimney::daemon {
namespace {

constexpr uid_t kMallory = 1;
constexpr uid_t kAlice = 2;

UniqueFd AnyPipe() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(pipe(ends), 0);
  UniqueFd other(ends[1]);
  return UniqueFd(ends[0]);
}

TEST(ClosesAtOnce, OnlyTcpThatDoesNotLinger) {
  for (const int family : {AF_INET, AF_INET6}) {
    const UniqueFd tcp(socket(family, SOCK_STREAM, 0));
    EXPECT_TRUE(ClosesAtOnce(tcp.get()));
    linger option{1, 5};
    setsockopt(tcp.get(), SOL_SOCKET, SO_LINGER, &option, sizeof(option));
    EXPECT_FALSE(ClosesAtOnce(tcp.get()));
    option.l_linger = 0;  // the abortive close
    setsockopt(tcp.get(), SOL_SOCKET, SO_LINGER, &option, sizeof(option));
    EXPECT_TRUE(ClosesAtOnce(tcp.get()));
  }
  EXPECT_FALSE(ClosesAtOnce(UniqueFd(socket(AF_INET, SOCK_DGRAM, 0)).get()));
  EXPECT_FALSE(ClosesAtOnce(UniqueFd(socket(AF_UNIX, SOCK_STREAM, 0)).get()));
  EXPECT_FALSE(ClosesAtOnce(AnyPipe().get()));
  EXPECT_FALSE(ClosesAtOnce(-1));
  constexpr int kMptcp = 262;
  const UniqueFd mptcp(socket(AF_INET, SOCK_STREAM, kMptcp));
  EXPECT_FALSE(ClosesAtOnce(mptcp.get()));
}

// Closes what it is told to at once and the rest when Open() is called. The
// threads, which nobody joins, keep it.
class Gate : public std::enable_shared_from_this<Gate> {
 public:
  AsideCloser::Closing Closing() {
    return
        [gate = shared_from_this()](UniqueFd fd) { gate->Pass(std::move(fd)); };
  }
  void Stop(int fd) {
    const std::scoped_lock lock(mutex_);
    stopped_.insert(fd);
  }
  void Open() {
    {
      const std::scoped_lock lock(mutex_);
      stopped_.clear();
    }
    changed_.notify_all();
  }
  void AwaitClosed(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ >= count; });
  }
  void AwaitHanging(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return hanging_ >= count; });
  }
  size_t hanging() {
    const std::scoped_lock lock(mutex_);
    return hanging_;
  }

 private:
  void Pass(UniqueFd fd) {
    {
      std::unique_lock lock(mutex_);
      ++hanging_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !stopped_.contains(fd.get()); });
      --hanging_;
    }
    fd.Reset();
    const std::scoped_lock lock(mutex_);
    ++closed_;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<int> stopped_;
  size_t hanging_ = 0;
  size_t closed_ = 0;
};

TEST(AsideCloser, WhatHangsIsOneUsersOwnAffair) {
  const auto gate = std::make_shared<Gate>();
  AsideCloser closer(gate->Closing());
  size_t mallorys = 0;
  while (!closer.IsFull(kMallory)) {
    UniqueFd fd = AnyPipe();
    gate->Stop(fd.get());
    closer.Close(std::move(fd), kMallory);
    ++mallorys;
    ASSERT_LE(mallorys, AsideCloser::kMaxThreadsPerUser +
                            AsideCloser::kMaxWaitingPerUser);
  }
  EXPECT_GE(mallorys, AsideCloser::kMaxWaitingPerUser);
  EXPECT_FALSE(closer.IsFull(kAlice));
  closer.Close(AnyPipe(), kAlice);
  gate->AwaitClosed(1);
  gate->AwaitHanging(AsideCloser::kMaxThreadsPerUser);
  EXPECT_EQ(gate->hanging(), AsideCloser::kMaxThreadsPerUser);
  gate->Open();
  gate->AwaitClosed(1 + mallorys);
  EXPECT_FALSE(closer.IsFull(kMallory));
}

TEST(AsideCloser, UsersWithoutAThreadAreHelped) {
  const auto gate = std::make_shared<Gate>();
  AsideCloser closer(gate->Closing());
  size_t all = 0;
  for (uid_t uid = 10; uid < 10 + AsideCloser::kMaxThreads; ++uid) {
    for (uint32_t i = 0; i < AsideCloser::kMaxThreadsPerUser; ++i, ++all) {
      UniqueFd fd = AnyPipe();
      gate->Stop(fd.get());
      closer.Close(std::move(fd), uid);
    }
  }
  gate->AwaitHanging(AsideCloser::kMaxThreads);
  EXPECT_EQ(gate->hanging(), AsideCloser::kMaxThreads);
  gate->Open();
  gate->AwaitClosed(all);
}

TEST(AsideCloser, LeavesWhatHangsBehind) {
  const auto gate = std::make_shared<Gate>();
  {
    AsideCloser closer(gate->Closing());
    UniqueFd fd = AnyPipe();
    gate->Stop(fd.get());
    closer.Close(std::move(fd), kMallory);
    gate->AwaitHanging(1);
  }
  gate->Open();
  gate->AwaitClosed(1);
}

TEST(ForeignFd, OfAMessageThatIsNoneGoesToItsCloser) {
  const auto gate = std::make_shared<Gate>();
  AsideCloser closer(gate->Closing());
  int ends[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const UniqueFd daemon(ends[0]);
  const UniqueFd client(ends[1]);
  const std::array<int, 2> two = {0, 1};
  ASSERT_TRUE(SendStruct(client.get(), abi::Doorbell{}, two));
  SessionMessage message;
  EXPECT_EQ(ReceiveMessage(daemon.get(), &message, {&closer, kAlice}),
            ReceiveVerdict::kBroken);
  gate->AwaitClosed(2);
}

TEST(ForeignFd, NoneIsTakenFromAUserWhoseOthersHang) {
  const auto gate = std::make_shared<Gate>();
  AsideCloser closer(gate->Closing());
  while (!closer.IsFull(kMallory)) {
    UniqueFd fd = AnyPipe();
    gate->Stop(fd.get());
    closer.Close(std::move(fd), kMallory);
  }
  int ends[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const UniqueFd daemon(ends[0]);
  const UniqueFd client(ends[1]);
  const std::array<int, 1> one = {0};
  for (const uid_t uid : {kMallory, kAlice}) {
    ASSERT_TRUE(SendStruct(client.get(), abi::AttachSocket{}, one));
    SessionMessage message;
    EXPECT_EQ(ReceiveMessage(daemon.get(), &message, {&closer, uid}),
              ReceiveVerdict::kMessage);
    EXPECT_EQ(message.descriptor.valid(), uid == kAlice);
  }
  gate->Open();
}

TEST(Impatience, LastCloseOfASocketThatLingers) {
  LingeringSocket lingering;
  const auto before = std::chrono::steady_clock::now();
  {
    const Impatience impatience;
    lingering.TakeOurs().Reset();
  }
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
