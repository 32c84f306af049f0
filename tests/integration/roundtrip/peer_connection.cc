// SPDX-License-Identifier: BSD-3-Clause
#include "peer_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace chimney::roundtrip {

PeerConnection::PeerConnection(int fd, uint64_t send_seed, uint64_t send_bytes,
                               uint64_t receive_seed)
    : fd_(fd),
      send_stream_(send_seed),
      receive_stream_(receive_seed),
      send_bytes_(send_bytes) {}

PeerConnection::~PeerConnection() { close(fd_); }

void PeerConnection::Send(MutableByteSpan buffer) {
  if (send_done_) return;
  if (sent_bytes_ < send_bytes_) {
    const MutableByteSpan bytes = buffer.first(
        std::min<uint64_t>(buffer.size(), send_bytes_ - sent_bytes_));
    send_stream_.Fill(sent_bytes_, bytes);
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) Fail("send", errno);
      return;
    }
    sent_bytes_ += static_cast<uint64_t>(count);
  }
  if (sent_bytes_ == send_bytes_) Finish();
}

void PeerConnection::Receive(MutableByteSpan buffer) {
  if (receive_done_) return;
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) Fail("recv", errno);
    return;
  }
  if (count == 0) {
    receive_done_ = true;
    return;
  }
  const MutableByteSpan bytes = buffer.first(static_cast<size_t>(count));
  if (wrong_.empty()) {
    wrong_ = receive_stream_.Check(received_bytes_, bytes).value_or("");
  }
  received_bytes_ += bytes.size();
}

void PeerConnection::StopSending() {
  if (send_done_) return;
  send_bytes_ = sent_bytes_;
  Finish();
}

void PeerConnection::Finish() {
  send_done_ = true;
  if (shutdown(fd_, SHUT_WR) == 0) return;
  // A socket that was reset is just "not connected"; it remembers why.
  int reason = 0;
  socklen_t length = sizeof(reason);
  const int seen = errno;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &reason, &length);
  Fail("shutdown", reason != 0 ? reason : seen);
}

void PeerConnection::Fail(const char* what, int error_number) {
  error_ = std::string(what) + ": " + strerror(error_number);
  send_done_ = true;
  receive_done_ = true;
}

std::string PeerConnection::Json() const {
  return "{\"sent\": " + std::to_string(sent_bytes_) +
         ", \"received\": " + std::to_string(received_bytes_) +
         ", \"wrong\": \"" + wrong_ + "\", \"error\": \"" + error_ + "\"}";
}

}  // namespace chimney::roundtrip
