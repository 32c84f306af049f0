// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/read_options.h"

#include <poll.h>

#include <algorithm>

#include "kernel/socket_options.h"

namespace chimney::kernel {

namespace {

KernelError ReadAddresses(int fd, SocketImage* image) {
  KernelError error =
      GetAddresses(fd, &image->local_address, &image->peer_address);
  if (!error.ok()) return error;
  offload::PathState& path = image->snapshot.path;
  path.source = ToIpAddress(image->local_address);
  path.destination = ToIpAddress(image->peer_address);
  image->snapshot.tcp.constant.local_port = PortOf(image->local_address);
  image->snapshot.tcp.constant.remote_port = PortOf(image->peer_address);
  return {};
}

KernelError ReadSaved(int fd, SavedSocketOptions* options) {
  KernelError error = GetInt(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR",
                             &options->reuse_address);
  if (!error.ok()) return error;
  error =
      GetInt(fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", &options->keepalive);
  if (!error.ok()) return error;
  error = GetInt(fd, SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF",
                 &options->send_buffer_bytes);
  if (!error.ok()) return error;
  error = GetInt(fd, SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF",
                 &options->receive_buffer_bytes);
  if (!error.ok()) return error;
  error = GetInt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, "TCP_WINDOW_CLAMP",
                 &options->window_clamp_bytes);
  if (!error.ok()) return error;
  options->buffer_lock_bits = GetIntOr(fd, SOL_SOCKET, kSoBufLock, -1);
  options->peek_offset = GetIntOr(fd, SOL_SOCKET, SO_PEEK_OFF, -1);
  options->quick_ack = GetIntOr(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
  options->rto_min_us = GetIntOr(fd, IPPROTO_TCP, kTcpRtoMinUs, -1);
  options->delack_max_us = GetIntOr(fd, IPPROTO_TCP, kTcpDelackMaxUs, -1);
  // SO_PEEK_OFF would shift what the freeze peeks at.
  if (options->peek_offset >= 0) {
    return SetInt(fd, SOL_SOCKET, SO_PEEK_OFF, -1, "SO_PEEK_OFF");
  }
  return {};
}

// TTL and traffic class, which have other names in IPv6.
void ReadIpOptions(int fd, bool is_v6, tcp::TcpCachedState* cached) {
  const int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  const int ttl = GetIntOr(fd, level, is_v6 ? IPV6_UNICAST_HOPS : IP_TTL, 64);
  const int tos = GetIntOr(fd, level, is_v6 ? IPV6_TCLASS : IP_TOS, 0);
  cached->ttl_or_hop_limit = static_cast<uint8_t>(std::clamp(ttl, 1, 255));
  cached->tos_or_traffic_class = static_cast<uint8_t>(tos & 0xfc);
}

void ReadCached(int fd, bool is_v6, tcp::TcpCachedState* cached) {
  cached->nagle_enabled = GetIntOr(fd, IPPROTO_TCP, TCP_NODELAY, 0) == 0;
  const int idle = GetIntOr(fd, IPPROTO_TCP, TCP_KEEPIDLE, 7200);
  const int interval = GetIntOr(fd, IPPROTO_TCP, TCP_KEEPINTVL, 75);
  const int count = GetIntOr(fd, IPPROTO_TCP, TCP_KEEPCNT, 9);
  cached->ka_timeout = Duration::Seconds(idle);
  cached->ka_interval = Duration::Seconds(interval);
  cached->ka_probe_count = static_cast<uint8_t>(std::clamp(count, 1, 255));
  // Milliseconds; the kernel keeps an unsigned value.
  cached->max_rt = Duration::Millis(
      static_cast<uint32_t>(GetIntOr(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 0)));
  const int priority = GetIntOr(fd, SOL_SOCKET, SO_PRIORITY, 0);
  cached->user_priority = static_cast<uint8_t>(std::clamp(priority, 0, 7));
  ReadIpOptions(fd, is_v6, cached);
}

}  // namespace

KernelError ReadOptions(int fd, SocketImage* image) {
  KernelError error = ReadAddresses(fd, image);
  if (!error.ok()) return error;
  error = ReadSaved(fd, &image->options);
  if (!error.ok()) return error;
  tcp::TcpCachedState& cached = image->snapshot.tcp.cached;
  ReadCached(fd, image->snapshot.path.source.IsV6(), &cached);
  cached.keepalive_enabled = image->options.keepalive != 0;
  // RDHUP says that the receive half is shut; ReadState takes the peer's FIN
  // out of it.
  pollfd readiness{fd, POLLRDHUP, 0};
  image->options.receive_shut_down =
      poll(&readiness, 1, 0) > 0 && (readiness.revents & POLLRDHUP) != 0;
  return {};
}

KernelError PutPeekOffsetBack(int fd, const SavedSocketOptions& options) {
  if (options.peek_offset < 0) return {};
  return SetInt(fd, SOL_SOCKET, SO_PEEK_OFF, options.peek_offset,
                "SO_PEEK_OFF");
}

}  // namespace chimney::kernel
