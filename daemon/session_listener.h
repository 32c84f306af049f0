// SPDX-License-Identifier: BSD-3-Clause
// The daemon's unix socket and the messages on it (abi/hello.h), as porters
// bring them. Everything that arrives is hostile: a message is proved to be
// what it says before its fields are looked at, and descriptors that nobody
// asked for are closed.
#ifndef CHIMNEY_DAEMON_SESSION_LISTENER_H_
#define CHIMNEY_DAEMON_SESSION_LISTENER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "abi/hello.h"
#include "daemon/foreign_fd.h"
#include "daemon/porter.h"
#include "daemon/unique_fd.h"

namespace chimney::daemon {

// One message whose size and magic have been proved.
struct SessionMessage {
  std::variant<abi::HelloRequest, abi::MappedNotice, abi::AttachSocket,
               abi::Doorbell, abi::ManagementQuery, PorterSync>
      body;
  ForeignFd descriptor;  // of AttachSocket
};

enum class ReceiveVerdict : uint8_t {
  kMessage,
  kNothing,  // no message waits
  kGone,     // the other side has closed
  kBroken,   // not one of ours: end the session
};

// Never blocks. `socket` is a porter's: of descriptors there are only sockets.
ReceiveVerdict ReceiveMessage(int socket, SessionMessage* message);

// Sends `bytes` with up to three descriptors. False if the other side is gone
// or does not read: a session that keeps its socket full is ended.
bool SendMessage(int socket, std::span<const std::byte> bytes,
                 std::span<const int> descriptors = {});

template <typename T>
bool SendStruct(int socket, const T& message,
                std::span<const int> descriptors = {}) {
  return SendMessage(socket, std::as_bytes(std::span(&message, 1)),
                     descriptors);
}

// Closes a porter's socket. Never blocks for long, though there may be sockets
// that linger in it.
void CloseSocket(UniqueFd socket);

class SessionListener {
 public:
  // Listens at `path` (mode `mode`). A stale socket of a daemon that is gone is
  // replaced, one that answers is not.
  static std::unique_ptr<SessionListener> Open(const std::string& path,
                                               uint32_t mode,
                                               std::string* error);
  ~SessionListener();
  SessionListener(const SessionListener&) = delete;
  SessionListener& operator=(const SessionListener&) = delete;

  // The listening socket, for whoever accepts.
  UniqueFd TakeSocket() { return std::move(socket_); }
  // Removes the socket from the file system: nobody arrives any more.
  void Close();

 private:
  SessionListener(UniqueFd socket, std::string path);
  UniqueFd socket_;
  std::string path_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_SESSION_LISTENER_H_
