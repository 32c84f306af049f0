// SPDX-License-Identifier: BSD-3-Clause
// integration_peer: the far end of tests. Opens or accepts any number of
// connections, sends a seeded stream on each and compares what arrives with
// another; the streams of connection I have the seeds given plus I. Prints
// "ready" when it listens, and at the end a JSON object.
//
// SIGUSR1: every connection sends no more, with FIN. SIGTERM: ends at once,
// reporting what there was until then.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gflags/gflags.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "peer_connection.h"

DEFINE_string(listen, "", "address to listen at");
DEFINE_string(connect, "", "address to connect to");
DEFINE_int32(port, 0, "TCP port");
DEFINE_uint32(connections, 1, "how many connections");
DEFINE_int64(send_bytes, 0, "bytes to send on each; -1: until SIGUSR1");
DEFINE_uint64(send_seed, 1, "seed of the first stream to send");
DEFINE_uint64(receive_seed, 2, "seed of the first stream that arrives");

namespace {

using chimney::roundtrip::PeerConnection;

constexpr size_t kChunkBytes = 128 << 10;
constexpr uint32_t kSignals = UINT32_MAX;
constexpr uint32_t kListener = UINT32_MAX - 1;

[[noreturn]] void Die(const char* what) {
  fprintf(stderr, "integration_peer: %s: %s\n", what, strerror(errno));
  exit(1);
}

socklen_t MakeAddress(const std::string& text, sockaddr_storage* address) {
  const auto port = htons(static_cast<uint16_t>(FLAGS_port));
  *address = {};
  auto* v4 = reinterpret_cast<sockaddr_in*>(address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    return sizeof(*v4);
  }
  *address = {};
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) {
    fprintf(stderr, "integration_peer: no address: %s\n", text.c_str());
    exit(2);
  }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = port;
  return sizeof(*v6);
}

int Listen() {
  sockaddr_storage address;
  const socklen_t length = MakeAddress(FLAGS_listen, &address);
  const int fd =
      socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
    Die("socket");
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) Die("bind");
  if (listen(fd, 1024) != 0) Die("listen");
  return fd;
}

int Connect() {
  sockaddr_storage address;
  const socklen_t length = MakeAddress(FLAGS_connect, &address);
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), length) != 0)
    Die("connect");
  return fd;
}

class Peer {
 public:
  Peer() : epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kChunkBytes) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
    Watch(EPOLL_CTL_ADD, signals_, EPOLLIN, kSignals);
  }

  void Open() {
    if (FLAGS_connect.empty()) {
      listener_ = Listen();
      Watch(EPOLL_CTL_ADD, listener_, EPOLLIN, kListener);
      printf("ready\n");
      fflush(stdout);
      return;
    }
    while (connections_.size() < FLAGS_connections) {
      const int fd = Connect();
      if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) Die("fcntl");
      Add(fd);
    }
  }

  void Run() {
    while (!terminated_ &&
           (connections_.size() < FLAGS_connections || live_ > 0)) {
      epoll_event events[64];
      const int count = epoll_wait(epoll_, events, 64, -1);
      for (int i = 0; i < count; ++i) Handle(events[i]);
    }
  }

  int Report() const {
    size_t wrong = 0;
    size_t failed = 0;
    std::string each;
    for (const auto& connection : connections_) {
      wrong += connection->wrong().empty() ? 0u : 1u;
      failed += connection->error().empty() ? 0u : 1u;
      each += (each.empty() ? "" : ", ") + connection->Json();
    }
    printf(
        "{\"connections\": %zu, \"wrong\": %zu, \"failed\": %zu, "
        "\"unfinished\": %zu, \"each\": [%s]}\n",
        connections_.size(), wrong, failed, live_, each.c_str());
    return wrong + failed + live_ == 0 ? 0 : 1;
  }

 private:
  void Watch(int operation, int fd, uint32_t events, uint32_t index) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = index;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) Die("epoll_ctl");
  }

  void Add(int fd) {
    const auto index = static_cast<uint32_t>(connections_.size());
    const uint64_t bytes = FLAGS_send_bytes < 0
                               ? UINT64_MAX
                               : static_cast<uint64_t>(FLAGS_send_bytes);
    connections_.push_back(std::make_unique<PeerConnection>(
        fd, FLAGS_send_seed + index, bytes, FLAGS_receive_seed + index));
    ++live_;
    if (stopped_) connections_.back()->StopSending();
    Watch(EPOLL_CTL_ADD, fd,
          connections_.back()->wants_to_send() ? EPOLLIN | EPOLLOUT : EPOLLIN,
          index);
  }

  void Handle(const epoll_event& event) {
    const uint32_t index = event.data.u32;
    if (index == kSignals) return HandleSignal();
    if (index == kListener) {
      const int fd =
          accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0 && connections_.size() < FLAGS_connections) Add(fd);
      return;
    }
    PeerConnection& connection = *connections_[index];
    if (connection.done()) return;
    const bool wanted_to_send = connection.wants_to_send();
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      connection.Receive(buffer_);
    }
    if ((event.events & EPOLLOUT) != 0) connection.Send(buffer_);
    Settle(index, wanted_to_send);
  }

  // Keeps what epoll watches in step with what the connection still has to do.
  void Settle(uint32_t index, bool wanted_to_send) {
    const PeerConnection& connection = *connections_[index];
    if (connection.done()) {
      --live_;
      Watch(EPOLL_CTL_DEL, connection.fd(), 0, index);
    } else if (wanted_to_send && !connection.wants_to_send()) {
      Watch(EPOLL_CTL_MOD, connection.fd(), EPOLLIN, index);
    }
  }

  void HandleSignal() {
    signalfd_siginfo info;
    if (read(signals_, &info, sizeof(info)) != sizeof(info)) return;
    if (info.ssi_signo == SIGTERM) {
      terminated_ = true;
      return;
    }
    stopped_ = true;
    for (uint32_t i = 0; i < connections_.size(); ++i) {
      if (!connections_[i]->wants_to_send()) continue;
      connections_[i]->StopSending();
      Settle(i, true);
    }
  }

  const int epoll_;
  int signals_ = -1;
  int listener_ = -1;
  bool stopped_ = false;
  bool terminated_ = false;
  size_t live_ = 0;
  std::vector<std::unique_ptr<PeerConnection>> connections_;
  std::vector<uint8_t> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc != 1 || FLAGS_listen.empty() == FLAGS_connect.empty() ||
      FLAGS_port < 1 || FLAGS_port > 65535) {
    fprintf(stderr,
            "usage: integration_peer --listen=ADDRESS|--connect=ADDRESS "
            "--port=N [flags]\n");
    return 2;
  }
  Peer peer;
  peer.Open();
  peer.Run();
  return peer.Report();
}
