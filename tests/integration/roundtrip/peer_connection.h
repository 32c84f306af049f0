// SPDX-License-Identifier: BSD-3-Clause
// One connection of integration_peer: sends a seeded stream and compares what
// arrives with another.
#ifndef CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_PEER_CONNECTION_H_
#define CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_PEER_CONNECTION_H_

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "seeded_stream.h"

namespace chimney::roundtrip {

class PeerConnection {
 public:
  // `fd`: a non-blocking socket, closed with the object. send_bytes: UINT64_MAX
  // sends until StopSending.
  PeerConnection(int fd, uint64_t send_seed, uint64_t send_bytes,
                 uint64_t receive_seed);
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  // Both move what can be moved now, through `buffer`.
  void Send(MutableByteSpan buffer);
  void Receive(MutableByteSpan buffer);
  // The stream ends where it is, with FIN.
  void StopSending();

  int fd() const { return fd_; }
  bool wants_to_send() const { return !send_done_; }
  bool done() const { return send_done_ && receive_done_; }
  uint64_t sent_bytes() const { return sent_bytes_; }
  uint64_t received_bytes() const { return received_bytes_; }
  // Empty, or what was wrong with the bytes that arrived.
  const std::string& wrong() const { return wrong_; }
  // Empty, or the error that ended the connection.
  const std::string& error() const { return error_; }
  std::string Json() const;

 private:
  void Finish();
  void Fail(const char* what, int error_number);

  const int fd_;
  const SeededStream send_stream_;
  const SeededStream receive_stream_;
  uint64_t send_bytes_;
  uint64_t sent_bytes_ = 0;
  uint64_t received_bytes_ = 0;
  bool send_done_ = false;
  bool receive_done_ = false;
  std::string wrong_;
  std::string error_;
};

}  // namespace chimney::roundtrip

#endif  // CHIMNEY_TESTS_INTEGRATION_ROUNDTRIP_PEER_CONNECTION_H_
