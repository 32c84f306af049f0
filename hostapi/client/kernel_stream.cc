// SPDX-License-Identifier: BSD-3-Clause
// The stream calls while the kernel has the connection: never blocking, never a
// signal, whatever flags the application's descriptor has.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "hostapi/client/session.h"

namespace chimney::client {
namespace {

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

ssize_t SendOnce(int fd, const uint8_t* data, size_t bytes) {
  for (;;) {
    const ssize_t sent = send(fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

}  // namespace

ssize_t Session::SendToKernel(Connection& connection, const uint8_t* data,
                              size_t bytes) {
  if (!FlushToKernel(connection)) {
    if (connection.reset) return CHIMNEY_E_RESET;
    connection.write_wanted = true;
    if (!connection.watched) Stall(connection);
    return CHIMNEY_E_AGAIN;
  }
  const ssize_t sent = SendOnce(connection.fd, data, bytes);
  if (sent == static_cast<ssize_t>(bytes)) return sent;
  if (sent >= 0 || WouldBlock(errno)) {
    connection.write_wanted = true;
    return sent >= 0 ? sent : ssize_t{CHIMNEY_E_AGAIN};
  }
  if (errno == EPIPE || errno == ECONNRESET) {
    connection.reset = true;
    return CHIMNEY_E_RESET;
  }
  return CHIMNEY_E_SYSTEM;
}

bool Session::FlushToKernel(Connection& connection) {
  while (!connection.bounced_sends.empty()) {
    BouncedSend& bounced = connection.bounced_sends.front();
    const ssize_t sent =
        SendOnce(connection.fd, bounced.block + bounced.offset, bounced.bytes);
    if (sent < 0 && WouldBlock(errno)) return false;
    if (sent < 0) {
      // The kernel's connection is dead; so are the bytes (R113).
      for (const BouncedSend& lost : connection.bounced_sends) {
        connection.unsent_bytes -= lost.bytes;
        arena_.Free(lost.block);
      }
      connection.bounced_sends.clear();
      connection.reset = true;
      EmitReadable(connection);
      return false;
    }
    const auto taken = static_cast<uint32_t>(sent);
    connection.unsent_bytes -= taken;
    bounced.offset += taken;
    bounced.bytes -= taken;
    if (bounced.bytes > 0) continue;
    arena_.Free(bounced.block);
    connection.bounced_sends.pop_front();
  }
  return true;
}

ssize_t Session::ReceiveFromKernel(Connection& connection, uint8_t* data,
                                   size_t bytes) {
  ssize_t got = 0;
  do {
    got = recv(connection.fd, data, bytes, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return got;
  if (got == 0) {
    connection.peer_finished = true;
    return 0;
  }
  if (WouldBlock(errno)) {
    connection.read_wanted = true;
    return CHIMNEY_E_AGAIN;
  }
  if (errno == ECONNRESET || errno == EPIPE) {
    connection.reset = true;
    return CHIMNEY_E_RESET;
  }
  return CHIMNEY_E_SYSTEM;
}

void Session::AdvanceInHost(Connection& connection) {
  if (connection.reset) return;
  if (connection.abort_wanted) {
    AbortInHost(connection);
    return;
  }
  if (!FlushToKernel(connection)) {
    if (!connection.watched && !connection.reset) Stall(connection);
    return;
  }
  if (!connection.shutdown_wanted || connection.shutdown_done) return;
  // Harmless if the FIN crossed with the upload already.
  const bool accepted = shutdown(connection.fd, SHUT_WR) == 0;
  connection.shutdown_done = true;
  ReportDisconnect(connection, accepted ? CHIMNEY_STATUS_MOVED_TO_KERNEL
                                        : CHIMNEY_STATUS_REQUEST_ABORTED);
}

void Session::AbortInHost(Connection& connection) {
  for (const BouncedSend& bounced : connection.bounced_sends) {
    connection.unsent_bytes -= bounced.bytes;
    arena_.Free(bounced.block);
  }
  connection.bounced_sends.clear();
  // Dissolves the association: the kernel sends RST and empties the queues,
  // and the descriptor stays the application's to close.
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  const bool done = connect(connection.fd, &nobody, sizeof(nobody)) == 0;
  connection.aborted = true;
  connection.reset = true;
  ReportDisconnect(connection,
                   done ? CHIMNEY_STATUS_SUCCESS : CHIMNEY_STATUS_FAILURE);
  EmitReadable(connection);
  EmitWritable(connection);
}

void Session::OnWatched(Connection& connection, uint32_t epoll_events) {
  constexpr uint32_t kTrouble = EPOLLHUP | EPOLLERR;
  if ((epoll_events & (EPOLLIN | EPOLLRDHUP | kTrouble)) != 0) {
    EmitReadable(connection);
  }
  if ((epoll_events & (EPOLLOUT | kTrouble)) != 0) {
    AdvanceInHost(connection);
    if (connection.bounced_sends.empty()) EmitWritable(connection);
  }
}

}  // namespace chimney::client
