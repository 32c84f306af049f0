// SPDX-License-Identifier: BSD-3-Clause
#include "tcp_pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

#include "kernel/socket_options.h"

namespace chimney::kernel {

namespace {

using Side = NamespacePair::Side;

SocketAddress AddressOf(Family family, Side side, int port) {
  SocketAddress address{};
  const bool host = side == Side::kHost;
  if (family == Family::kV4) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, host ? "10.99.0.1" : "10.99.0.2", &address.v4.sin_addr);
    return address;
  }
  const char* v6 = host ? "fd99::1" : "fd99::2";
  const char* mapped = host ? "::ffff:10.99.0.1" : "::ffff:10.99.0.2";
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET6, family == Family::kV6 ? v6 : mapped,
            &address.v6.sin6_addr);
  return address;
}

int OpenSocket(Family family) {
  const int fd = socket(family == Family::kV4 ? AF_INET : AF_INET6,
                        SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error("socket");
  return fd;
}

void SetNonBlocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int Connect(const PairOptions& options, Side from, int port) {
  const int fd = OpenSocket(options.family);
  if (from == Side::kHost && options.host_binds) {
    const SocketAddress local = AddressOf(options.family, Side::kHost, 0);
    if (bind(fd, &local.generic, AddressLength(local)) != 0) {
      throw std::runtime_error("bind");
    }
  }
  if (from == Side::kPeer && options.peer_receive_buffer > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.peer_receive_buffer,
               sizeof(options.peer_receive_buffer));
  }
  const Side to = from == Side::kHost ? Side::kPeer : Side::kHost;
  const SocketAddress remote = AddressOf(options.family, to, port);
  if (connect(fd, &remote.generic, AddressLength(remote)) != 0) {
    throw std::runtime_error("connect");
  }
  SetNonBlocking(fd);
  return fd;
}

}  // namespace

TcpPair::TcpPair(TcpPair&& other) noexcept
    : host_fd(std::exchange(other.host_fd, -1)),
      peer_fd(std::exchange(other.peer_fd, -1)) {}

TcpPair::~TcpPair() {
  if (host_fd >= 0) close(host_fd);
  if (peer_fd >= 0) close(peer_fd);
}

int Listen(Family family, NamespacePair::Side side, int* port,
           bool reuse_address) {
  const int fd = OpenSocket(family);
  const int on = reuse_address ? 1 : 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const SocketAddress local = AddressOf(family, side, *port);
  if (bind(fd, &local.generic, AddressLength(local)) != 0 ||
      listen(fd, 16) != 0) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  SocketAddress bound{};
  socklen_t length = sizeof(bound);
  getsockname(fd, &bound.generic, &length);
  *port = PortOf(bound);
  return fd;
}

TcpPair MakeTcpPair(NamespacePair& lab, const PairOptions& options) {
  const Side listening = options.host_accepts ? Side::kHost : Side::kPeer;
  const Side connecting = options.host_accepts ? Side::kPeer : Side::kHost;
  int port = 0;
  lab.Enter(listening);
  const int listener = Listen(options.family, listening, &port);
  if (listener < 0) throw std::runtime_error("listen");
  if (listening == Side::kPeer && options.peer_receive_buffer > 0) {
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &options.peer_receive_buffer,
               sizeof(options.peer_receive_buffer));
  }
  lab.Enter(connecting);
  const int active = Connect(options, connecting, port);
  const int passive =
      accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  close(listener);
  lab.Enter(Side::kHost);
  TcpPair pair;
  pair.host_fd = options.host_accepts ? passive : active;
  pair.peer_fd = options.host_accepts ? active : passive;
  if (passive < 0) throw std::runtime_error("accept");
  return pair;
}

TcpPair MakeTcpPairWith(NamespacePair& lab, int listener, int port,
                        const PairOptions& options) {
  TcpPair pair;
  lab.Enter(Side::kPeer);
  pair.peer_fd = Connect(options, Side::kPeer, port);
  lab.Enter(Side::kHost);
  pair.host_fd =
      accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (pair.host_fd < 0) throw std::runtime_error("accept");
  return pair;
}

std::vector<uint8_t> StreamBytes(uint32_t seed, size_t offset, size_t count) {
  std::vector<uint8_t> bytes(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t at = offset + i;
    bytes[i] = static_cast<uint8_t>((at * 2654435761U + (at >> 8) + seed) >> 3);
  }
  return bytes;
}

size_t SendAll(int fd, const std::vector<uint8_t>& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t taken = send(fd, bytes.data() + sent, bytes.size() - sent,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken <= 0) break;
    sent += static_cast<size_t>(taken);
  }
  return sent;
}

ReadResult ReadUntil(int fd, size_t count, bool want_end_of_file,
                     int timeout_ms) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  ReadResult result;
  std::vector<uint8_t> chunk(256 * 1024);
  while (result.bytes.size() < count || want_end_of_file) {
    const ssize_t got = recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got > 0) {
      result.bytes.insert(result.bytes.end(), chunk.begin(),
                          chunk.begin() + got);
      continue;
    }
    if (got == 0) {
      result.end_of_file = true;
      return result;
    }
    if (errno != EAGAIN && errno != EINTR) {
      result.error = errno;
      return result;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return result;
    pollfd readiness{fd, POLLIN, 0};
    poll(&readiness, 1, static_cast<int>(left.count()));
  }
  return result;
}

int KernelStateOf(int fd) {
  tcp_info info;
  return GetTcpInfo(fd, &info).ok() ? info.tcpi_state : -1;
}

bool AwaitState(int fd, int state, int timeout_ms) {
  for (int waited = 0; waited <= timeout_ms; ++waited) {
    if (KernelStateOf(fd) == state) return true;
    SleepMs(1);
  }
  return false;
}

void SleepMs(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

}  // namespace chimney::kernel
