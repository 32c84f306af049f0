// SPDX-License-Identifier: BSD-3-Clause
// The session socket against clients that lie (design D5).
#include "daemon/session_listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "daemon/open_descriptors.h"

namespace chimney::daemon {
namespace {

struct Pair {
  Pair() {
    int ends[2] = {-1, -1};
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
    daemon = UniqueFd(ends[0]);
    client = UniqueFd(ends[1]);
  }
  UniqueFd daemon;
  UniqueFd client;
};

template <typename T>
void Send(const Pair& pair, const T& message) {
  ASSERT_EQ(send(pair.client.get(), &message, sizeof(message), 0),
            static_cast<ssize_t>(sizeof(message)));
}

TEST(ReceiveMessage, TakesAWholeMessage) {
  const Pair pair;
  abi::HelloRequest hello;
  hello.ring_entries = 77;
  Send(pair, hello);
  SessionMessage message;
  ASSERT_EQ(ReceiveMessage(pair.daemon.get(), &message),
            ReceiveVerdict::kMessage);
  ASSERT_TRUE(std::holds_alternative<abi::HelloRequest>(message.body));
  EXPECT_EQ(std::get<abi::HelloRequest>(message.body).ring_entries, 77u);
  EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message),
            ReceiveVerdict::kNothing);
}

TEST(ReceiveMessage, RefusesEveryOtherLength) {
  const abi::HelloRequest hello;
  std::array<char, sizeof(hello) + 8> bytes{};
  std::memcpy(bytes.data(), &hello, sizeof(hello));
  for (size_t length = 1; length <= bytes.size(); ++length) {
    if (length == sizeof(hello)) continue;
    const Pair pair;
    send(pair.client.get(), bytes.data(), length, 0);
    SessionMessage message;
    EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message),
              ReceiveVerdict::kBroken)
        << length;
  }
}

TEST(ReceiveMessage, DescriptorsOfAnEmptyMessageAreClosed) {
  const Pair pair;
  const size_t before = CountOpenDescriptors();
  const std::array<int, 3> descriptors = {0, 1, 2};
  SendMessage(pair.client.get(), {}, descriptors);
  SessionMessage message;
  EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message), ReceiveVerdict::kGone);
  EXPECT_EQ(CountOpenDescriptors(), before);
}

// A session must not end because others have used up what the daemon may open.
TEST(ReceiveMessage, AttachWithoutADescriptorLeftIsNoBreach) {
  const Pair pair;
  abi::AttachSocket attach;
  attach.attach_id = 5;
  const std::array<int, 1> descriptors = {pair.client.get()};
  const auto bytes = std::as_bytes(std::span(&attach, 1));
  ASSERT_TRUE(SendMessage(pair.client.get(), bytes, descriptors));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  SessionMessage message;
  const ReceiveVerdict verdict = ReceiveMessage(pair.daemon.get(), &message);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(verdict, ReceiveVerdict::kMessage);
  EXPECT_FALSE(message.descriptor.valid());
  // One that sends none is another matter.
  Send(pair, attach);
  EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message),
            ReceiveVerdict::kBroken);
}

TEST(ReceiveMessage, RefusesForeignMagicAndTypesThatOnlyTheDaemonSends) {
  for (const uint16_t type : {0, 2, 4, 8, 9, 65535}) {
    const Pair pair;
    abi::Doorbell doorbell;
    doorbell.header.type = static_cast<abi::MessageType>(type);
    Send(pair, doorbell);
    SessionMessage message;
    EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message),
              ReceiveVerdict::kBroken);
  }
  const Pair pair;
  abi::Doorbell doorbell;
  doorbell.header.magic ^= 1;
  Send(pair, doorbell);
  SessionMessage message;
  EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message),
            ReceiveVerdict::kBroken);
}

TEST(ReceiveMessage, SeesThatTheClientIsGone) {
  Pair pair;
  pair.client.Reset();
  SessionMessage message;
  EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message), ReceiveVerdict::kGone);
}

TEST(ReceiveMessage, ClosesDescriptorsThatNobodyAskedFor) {
  const Pair pair;
  const uint32_t before = CountOpenDescriptors();
  const abi::Doorbell doorbell;
  const std::array<int, 3> standard = {0, 1, 2};
  ASSERT_TRUE(SendStruct(pair.client.get(), doorbell, standard));
  const abi::AttachSocket attach;
  ASSERT_TRUE(SendStruct(pair.client.get(), attach, standard));
  ASSERT_TRUE(SendStruct(pair.client.get(), attach));
  for (int i = 0; i < 3; ++i) {
    SessionMessage message;
    EXPECT_EQ(ReceiveMessage(pair.daemon.get(), &message),
              ReceiveVerdict::kBroken);
  }
  EXPECT_EQ(CountOpenDescriptors(), before);
}

TEST(ReceiveMessage, AttachSocketBringsItsDescriptor) {
  const Pair pair;
  abi::AttachSocket attach;
  attach.attach_id = 42;
  const std::array<int, 1> one = {0};
  ASSERT_TRUE(SendStruct(pair.client.get(), attach, one));
  SessionMessage message;
  ASSERT_EQ(ReceiveMessage(pair.daemon.get(), &message),
            ReceiveVerdict::kMessage);
  EXPECT_TRUE(message.descriptor.valid());
  EXPECT_EQ(std::get<abi::AttachSocket>(message.body).attach_id, 42u);
}

TEST(SendMessage, GivesUpOnAClientThatDoesNotRead) {
  const Pair pair;
  const auto part = std::make_unique<abi::ManagementPart>();
  int sent = 0;
  while (sent < 100000 && SendStruct(pair.daemon.get(), *part)) ++sent;
  EXPECT_LT(sent, 100000);
}

class ListenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/chimney-listener-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/daemon.sock";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  UniqueFd Connect() const {
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0) {
      socket.Reset();
    }
    return socket;
  }
  std::string folder_;
  std::string path_;
};

TEST_F(ListenerTest, ListensWithItsModeUntilItIsClosed) {
  std::string error;
  auto listener = SessionListener::Open(path_, 0660, &error);
  ASSERT_NE(listener, nullptr) << error;
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660u);
  const UniqueFd client = Connect();
  ASSERT_TRUE(client.valid());
  const UniqueFd socket = listener->TakeSocket();
  EXPECT_TRUE(UniqueFd(accept(socket.get(), nullptr, nullptr)).valid());
  listener->Close();
  EXPECT_NE(stat(path_.c_str(), &status), 0);
}

TEST_F(ListenerTest, RefusesToReplaceADaemonThatAnswers) {
  std::string error;
  auto first = SessionListener::Open(path_, 0600, &error);
  ASSERT_NE(first, nullptr) << error;
  EXPECT_EQ(SessionListener::Open(path_, 0600, &error), nullptr);
  EXPECT_NE(error.find("another chimneyd"), std::string::npos);
}

TEST_F(ListenerTest, ReplacesTheSocketOfADaemonThatIsGone) {
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof(address)),
              0);
  }
  std::string error;
  EXPECT_NE(SessionListener::Open(path_, 0600, &error), nullptr) << error;
}

TEST_F(ListenerTest, LeavesFilesThatAreNoSocketsAlone) {
  FILE* file = fopen(path_.c_str(), "w");
  ASSERT_NE(file, nullptr);
  fclose(file);
  std::string error;
  EXPECT_EQ(SessionListener::Open(path_, 0600, &error), nullptr);
  struct stat status {};
  EXPECT_EQ(stat(path_.c_str(), &status), 0);
}

TEST_F(ListenerTest, SaysWhenThePathIsTooLong) {
  std::string error;
  EXPECT_EQ(SessionListener::Open(std::string(200, 'x'), 0600, &error),
            nullptr);
  EXPECT_NE(error.find("--socket"), std::string::npos);
}

}  // namespace
}  // namespace chimney::daemon
