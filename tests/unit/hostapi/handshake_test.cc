// SPDX-License-Identifier: BSD-3-Clause
// Opening a session: what is asked, and every way it can fail (design D5). A
// refusal's words are the daemon's; they must reach the person.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "chimney/chimney.h"
#include "chimney/chimney.hpp"
#include "fake_daemon.h"
#include "ring/ring_layout.h"

namespace chimney::client {
namespace {

struct Opened {
  int result = CHIMNEY_OK;
  std::string text;
};

// Opens and closes at once.
Opened Open(const std::string& path) {
  chimney_session_options options{};
  options.size = sizeof(options);
  options.socket_path = path.c_str();
  options.name = "a name that is longer than thirty-one bytes";
  chimney_session* session = nullptr;
  char text[256];
  Opened opened;
  opened.result = chimney_session_open(&options, &session, text, sizeof(text));
  opened.text = text;
  EXPECT_EQ(session != nullptr, opened.result == CHIMNEY_OK);
  chimney_session_close(session);
  return opened;
}

TEST(Handshake, AsksForWhatTheLibraryIs) {
  FakeDaemon daemon;
  EXPECT_EQ(Open(daemon.socket_path()).result, CHIMNEY_OK);
  const abi::HelloRequest& hello = daemon.FinishHello();
  EXPECT_EQ(hello.abi_major, abi::kAbiMajor);
  EXPECT_EQ(hello.kind, abi::SessionKind::kData);
  EXPECT_EQ(hello.ring_layout, ring::ThisBuildsRingLayout());
  EXPECT_STREQ(hello.name, "a name that is longer than thir");
}

TEST(Handshake, NobodyListening) {
  const Opened opened = Open("/nonexistent/chimneyd.sock");
  EXPECT_EQ(opened.result, CHIMNEY_E_NO_DAEMON);
  EXPECT_EQ(opened.text,
            "no chimneyd is listening at /nonexistent/chimneyd.sock: start it "
            "or pass --socket");
}

TEST(Handshake, PathTooLong) {
  const Opened opened = Open(std::string(300, 'x'));
  EXPECT_EQ(opened.result, CHIMNEY_E_INVALID);
  EXPECT_NE(opened.text.find("longer than 107 bytes"), std::string::npos);
}

TEST(Handshake, SocketOfAnotherProgram) {
  const std::string path = testing::TempDir() + "stream.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  unlink(path.c_str());
  const OwnedFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address),
                 sizeof(address)),
            0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  const Opened opened = Open(path);
  EXPECT_EQ(opened.result, CHIMNEY_E_NO_DAEMON);
  EXPECT_NE(opened.text.find("another program"), std::string::npos);
  unlink(path.c_str());
}

struct RefusalCase {
  abi::HelloStatus status;
  int result;
};

class HandshakeRefused : public testing::TestWithParam<RefusalCase> {};

TEST_P(HandshakeRefused, TheDaemonsWordsReachThePerson) {
  FakeDaemon::Options options = FakeDaemon::Ordinary();
  options.change_reply = [](abi::HelloReply* reply) {
    reply->status = GetParam().status;
    reply->abi_major = 9;
    std::strcpy(reply->text, "chimneyd speaks ABI 9: install libchimney 9");
  };
  FakeDaemon daemon(std::move(options));
  const Opened opened = Open(daemon.socket_path());
  EXPECT_EQ(opened.result, GetParam().result);
  EXPECT_EQ(opened.text, "chimneyd speaks ABI 9: install libchimney 9");
}

INSTANTIATE_TEST_SUITE_P(
    EachStatus, HandshakeRefused,
    testing::Values(
        RefusalCase{abi::HelloStatus::kWrongAbi, CHIMNEY_E_VERSION},
        RefusalCase{abi::HelloStatus::kWrongRingLayout, CHIMNEY_E_VERSION},
        RefusalCase{abi::HelloStatus::kTooManySessions, CHIMNEY_E_REFUSED},
        RefusalCase{abi::HelloStatus::kQuota, CHIMNEY_E_REFUSED},
        RefusalCase{abi::HelloStatus::kNotAllowed, CHIMNEY_E_REFUSED},
        RefusalCase{abi::HelloStatus::kStopping, CHIMNEY_E_REFUSED},
        RefusalCase{abi::HelloStatus::kNoMemory, CHIMNEY_E_NO_MEMORY}));

TEST(Handshake, WrongMagicIsAnotherProgram) {
  FakeDaemon::Options options = FakeDaemon::Ordinary();
  options.change_reply = [](abi::HelloReply* reply) {
    reply->header.magic = 1;
  };
  FakeDaemon daemon(std::move(options));
  const Opened opened = Open(daemon.socket_path());
  EXPECT_EQ(opened.result, CHIMNEY_E_VERSION);
  EXPECT_NE(opened.text.find("not chimneyd"), std::string::npos);
}

TEST(Handshake, HangUpDuringTheHello) {
  FakeDaemon::Options options = FakeDaemon::Ordinary();
  options.hang_up_instead = true;
  FakeDaemon daemon(std::move(options));
  EXPECT_EQ(Open(daemon.socket_path()).result, CHIMNEY_E_DAEMON_GONE);
}

TEST(Handshake, MissingDescriptorsAreNoticed) {
  FakeDaemon::Options options = FakeDaemon::Ordinary();
  options.send_no_descriptors = true;
  FakeDaemon daemon(std::move(options));
  EXPECT_EQ(Open(daemon.socket_path()).result, CHIMNEY_E_VERSION);
}

// Mapping more than the file has would end in SIGBUS.
TEST(Handshake, FilesSmallerThanPromisedAreNoticed) {
  FakeDaemon::Options options = FakeDaemon::Ordinary();
  options.change_reply = [](abi::HelloReply* reply) {
    reply->shared_bytes += 1 << 20;
  };
  FakeDaemon daemon(std::move(options));
  EXPECT_EQ(Open(daemon.socket_path()).result, CHIMNEY_E_VERSION);
}

TEST(Handshake, HeaderOutsideTheFileIsNoticed) {
  FakeDaemon::Options options = FakeDaemon::Ordinary();
  options.change_reply = [](abi::HelloReply* reply) {
    reply->published_bytes = sizeof(abi::PublishedHeader);
  };
  FakeDaemon daemon(std::move(options));
  const Opened opened = Open(daemon.socket_path());
  EXPECT_EQ(opened.result, CHIMNEY_E_VERSION);
  EXPECT_NE(opened.text.find("makes no sense"), std::string::npos);
}

TEST(Handshake, OptionsWithoutASizeAreRefused) {
  chimney_session_options options{};
  chimney_session* session = nullptr;
  char text[100];
  EXPECT_EQ(chimney_session_open(&options, &session, text, sizeof(text)),
            CHIMNEY_E_INVALID);
  EXPECT_STREQ(text, "chimney_session_options.size is not set");
  EXPECT_EQ(chimney_session_open(&options, nullptr, nullptr, 0),
            CHIMNEY_E_INVALID);
}

TEST(Handshake, LongTextsAreCutToTheCallersBuffer) {
  chimney_session_options options{};
  options.size = sizeof(options);
  options.socket_path = "/nonexistent/chimneyd.sock";
  chimney_session* session = nullptr;
  char text[10];
  EXPECT_EQ(chimney_session_open(&options, &session, text, sizeof(text)),
            CHIMNEY_E_NO_DAEMON);
  EXPECT_STREQ(text, "no chimne");
}

TEST(Handshake, NothingLeaksWhenItFails) {
  const int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(before, 0);
  close(before);
  {
    FakeDaemon::Options options = FakeDaemon::Ordinary();
    options.change_reply = [](abi::HelloReply* reply) {
      reply->shared_bytes += 1 << 20;
    };
    FakeDaemon daemon(std::move(options));
    EXPECT_EQ(Open(daemon.socket_path()).result, CHIMNEY_E_VERSION);
    daemon.FinishHello();
  }
  const int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(after);
  EXPECT_EQ(after, before);
}

TEST(CppFace, OpensAndClosesWithItsOwner) {
  FakeDaemon daemon;
  hostapi::Options options = hostapi::DefaultOptions();
  options.socket_path = daemon.socket_path().c_str();
  hostapi::Session session;
  std::string why;
  ASSERT_EQ(hostapi::Session::Open(options, &session, &why), CHIMNEY_OK) << why;
  ASSERT_TRUE(session);
  const hostapi::Session::Buffer buffer = session.Allocate(1000);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer.bytes().size(), 1000u);
  hostapi::Event events[2];
  EXPECT_EQ(session.Poll(events, 0), 0);
}

}  // namespace
}  // namespace chimney::client
