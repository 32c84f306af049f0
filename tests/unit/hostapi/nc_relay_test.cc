// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc's loop without a daemon: half-closing, ends, errors.
#include "hostapi/tools/nc_relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <thread>

#include "hostapi/client/owned_fd.h"

namespace chimney::tools {
namespace {

using client::OwnedFd;

class NcRelayTest : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // as chimney-nc does
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    connection_.Reset(ends[0]);
    peer_.Reset(ends[1]);
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    input_read_.Reset(ends[0]);
    input_.Reset(ends[1]);
    ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    output_.Reset(ends[0]);
    output_write_.Reset(ends[1]);
    fcntl(output_.get(), F_SETFL, 0);
  }
  void TearDown() override { std::signal(SIGPIPE, SIG_DFL); }
  // Runs the relay; the future is its result.
  std::future<bool> Start() {
    return std::async(std::launch::async, [this] {
      NcLink link(options_, connection_.get(), &stats_);
      NcRelay relay(&link, input_read_.get(), output_write_.get(), &stats_);
      const bool clean = relay.Run(&why_);
      output_write_.Reset();
      return clean;
    });
  }
  static std::string ReadAll(int fd) {
    std::string all;
    char bytes[4096];
    for (ssize_t got = 0; (got = read(fd, bytes, sizeof(bytes))) > 0;) {
      all.append(bytes, static_cast<size_t>(got));
    }
    return all;
  }
  static void WriteAll(int fd, const std::string& text) {
    for (size_t done = 0; done < text.size();) {
      const ssize_t part = write(fd, text.data() + done, text.size() - done);
      ASSERT_GT(part, 0);
      done += static_cast<size_t>(part);
    }
  }

  NcOptions options_;
  NcStats stats_;
  std::string why_;
  OwnedFd connection_;
  OwnedFd peer_;
  OwnedFd input_;
  OwnedFd input_read_;
  OwnedFd output_;
  OwnedFd output_write_;
};

TEST_F(NcRelayTest, BothDirectionsAtOnceWithMoreThanAnyBufferHolds) {
  const std::string there(3 << 20, 't');
  const std::string back(2 << 20, 'b');
  std::future<bool> result = Start();
  std::thread feed([&] {
    WriteAll(input_.get(), there);
    input_.Reset();
  });
  std::thread answer([&] {
    WriteAll(peer_.get(), back);
    shutdown(peer_.get(), SHUT_WR);
  });
  std::string at_peer;
  std::thread reader([&] { at_peer = ReadAll(peer_.get()); });
  const std::string at_output = ReadAll(output_.get());
  EXPECT_TRUE(result.get()) << why_;
  feed.join();
  answer.join();
  reader.join();
  EXPECT_EQ(at_peer, there);
  EXPECT_EQ(at_output, back);
  EXPECT_EQ(stats_.bytes_out, there.size());
  EXPECT_EQ(stats_.bytes_in, back.size());
}

TEST_F(NcRelayTest, EndOfInputHalfClosesAndReceivingGoesOn) {
  std::future<bool> result = Start();
  WriteAll(input_.get(), "question");
  input_.Reset();
  EXPECT_EQ(ReadAll(peer_.get()), "question");  // until our FIN
  WriteAll(peer_.get(), "answer");
  peer_.Reset();
  EXPECT_EQ(ReadAll(output_.get()), "answer");
  EXPECT_TRUE(result.get()) << why_;
}

TEST_F(NcRelayTest, PeerMayFinishFirst) {
  std::future<bool> result = Start();
  shutdown(peer_.get(), SHUT_WR);
  WriteAll(input_.get(), "late");
  input_.Reset();
  EXPECT_EQ(ReadAll(peer_.get()), "late");
  EXPECT_TRUE(result.get()) << why_;
}

TEST_F(NcRelayTest, PeerThatIsGoneIsAFailure) {
  peer_.Reset();
  std::future<bool> result = Start();
  WriteAll(input_.get(), std::string(60000, 'x'));
  EXPECT_FALSE(result.get());
  EXPECT_NE(why_.find("sending"), std::string::npos) << why_;
}

TEST_F(NcRelayTest, ClosedOutputIsAFailure) {
  output_.Reset();
  std::future<bool> result = Start();
  WriteAll(peer_.get(), "x");
  EXPECT_FALSE(result.get());
  EXPECT_NE(why_.find("standard output"), std::string::npos) << why_;
}

}  // namespace
}  // namespace chimney::tools
