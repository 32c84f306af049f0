// SPDX-License-Identifier: BSD-3-Clause
// Opens a session: connects to the daemon's socket, says hello, maps the two
// files (design D5). Everything the daemon sends is checked for sense, so that
// a wrong program behind the socket gives an error and not a crash.
#ifndef CHIMNEY_CLIENT_HANDSHAKE_H_
#define CHIMNEY_CLIENT_HANDSHAKE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "abi/hello.h"
#include "abi/layout.h"
#include "hostapi/client/owned_fd.h"

namespace chimney::client {

// A file of the session in this process's memory; unmapped with its owner.
class Mapping {
 public:
  Mapping() = default;
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  // False with errno set.
  bool Map(int fd, uint64_t bytes, bool writable);
  uint8_t* base() const { return base_; }
  uint64_t bytes() const { return bytes_; }

 private:
  uint8_t* base_ = nullptr;
  uint64_t bytes_ = 0;
};

// What a session consists of once the daemon is ready for it.
struct SessionParts {
  OwnedFd socket;    // SOCK_SEQPACKET, non-blocking
  OwnedFd doorbell;  // readable when the daemon has woken us; non-blocking
  Mapping shared;
  Mapping published;  // read-only
  abi::HelloReply reply;

  abi::SharedHeader* shared_header() const {
    return reinterpret_cast<abi::SharedHeader*>(shared.base());
  }
  const abi::PublishedHeader* header() const {
    return reinterpret_cast<const abi::PublishedHeader*>(published.base());
  }
};

// CHIMNEY_OK, or a CHIMNEY_E_ code with a sentence for people in *text.
int OpenSessionParts(const std::string& socket_path,
                     const abi::HelloRequest& request, SessionParts* parts,
                     std::string* text);

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_HANDSHAKE_H_
