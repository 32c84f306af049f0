// SPDX-License-Identifier: BSD-3-Clause
// Clients arrive in processes of their own (design D5).
#include "daemon/gatehouse.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "daemon/session_listener.h"

namespace chimney::daemon {
namespace {

bool AwaitReadable(int fd) {
  pollfd event{fd, POLLIN, 0};
  return poll(&event, 1, 10'000) == 1;
}

class GatehouseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/chimney-gatehouse-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/daemon.sock";
  }
  void TearDown() override {
    gatehouse_.reset();
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    listener_.reset();
    rmdir(folder_.c_str());
  }
  void Open(const Gatehouse::Limits& limits) {
    std::string error;
    gatehouse_ = Gatehouse::Start(limits, &error);
    ASSERT_NE(gatehouse_, nullptr) << error;
    listener_ = SessionListener::Open(path_, 0600, &error);
    ASSERT_NE(listener_, nullptr) << error;
    ASSERT_TRUE(gatehouse_->Listen(listener_->TakeSocket()));
  }
  UniqueFd Connect() const {
    UniqueFd client(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address),
                      sizeof(address)),
              0);
    return client;
  }
  Gatehouse::Client Accept() {
    Gatehouse::Client client;
    EXPECT_TRUE(AwaitReadable(gatehouse_->fd()));
    EXPECT_EQ(gatehouse_->Accept(&client), Gatehouse::Arrival::kClient);
    return client;
  }
  // The other side has ended it.
  static bool IsOver(const UniqueFd& client) {
    char byte = 0;
    return AwaitReadable(client.get()) &&
           recv(client.get(), &byte, 1, MSG_DONTWAIT) <= 0;
  }

  std::string folder_;
  std::string path_;
  std::unique_ptr<Gatehouse> gatehouse_;
  std::unique_ptr<SessionListener> listener_;
};

TEST_F(GatehouseTest, LetsClientsInWithTheirCredentials) {
  Open({8, 8});
  const UniqueFd first = Connect();
  const UniqueFd second = Connect();
  for (const UniqueFd* client : {&first, &second}) {
    const Gatehouse::Client accepted = Accept();
    EXPECT_EQ(accepted.uid, getuid());
    EXPECT_EQ(accepted.pid, getpid());
    abi::HelloReply reply;
    ASSERT_TRUE(SendStruct(client->get(), abi::Doorbell{}));
    ASSERT_TRUE(AwaitReadable(accepted.socket.get()));
    SessionMessage message;
    EXPECT_EQ(ReceiveMessage(accepted.socket.get(), &message),
              ReceiveVerdict::kMessage);
    ASSERT_TRUE(SendStruct(accepted.socket.get(), reply));
    EXPECT_EQ(recv(client->get(), &reply, sizeof(reply), 0),
              static_cast<ssize_t>(sizeof(reply)));
  }
  Gatehouse::Client nobody;
  EXPECT_EQ(gatehouse_->Accept(&nobody), Gatehouse::Arrival::kNobody);
}

TEST_F(GatehouseTest, OneUsersPortersAreCounted) {
  Open({2, 8});
  const UniqueFd first = Connect();
  const UniqueFd second = Connect();
  Gatehouse::Client one = Accept();
  const Gatehouse::Client two = Accept();
  const UniqueFd third = Connect();
  EXPECT_TRUE(IsOver(third));
  one.socket.Reset();
  EXPECT_TRUE(IsOver(first));
  // Its porter ends soon; then there is room again.
  for (int tries = 0; tries < 1000; ++tries) {
    const UniqueFd fourth = Connect();
    pollfd event{gatehouse_->fd(), POLLIN, 0};
    if (poll(&event, 1, 10) == 1) {
      EXPECT_TRUE(Accept().socket.valid());
      return;
    }
  }
  FAIL() << "nobody is let in any more";
}

// With no porter left for others, whoever may put things right comes in.
TEST_F(GatehouseTest, TheDaemonsOwnUserHasAReserve) {
  Open({8, 1});
  const UniqueFd first = Connect();
  const Gatehouse::Client one = Accept();
  const UniqueFd second = Connect();
  EXPECT_TRUE(Accept().socket.valid());
}

TEST_F(GatehouseTest, EndsWithTheDaemon) {
  Open({8, 8});
  const UniqueFd client = Connect();
  { const Gatehouse::Client accepted = Accept(); }
  gatehouse_.reset();
  EXPECT_TRUE(IsOver(client));
}

}  // namespace
}  // namespace chimney::daemon
