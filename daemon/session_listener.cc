// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/session_listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "daemon/impatience.h"

namespace chimney::daemon {
namespace {

// One that may be, one that is too many; a porter sends no more.
constexpr size_t kMaxDescriptors = 2;
constexpr size_t kMaxMessageBytes = sizeof(abi::HelloRequest);
static_assert(kMaxMessageBytes >= sizeof(abi::AttachSocket));
static_assert(kMaxMessageBytes >= sizeof(abi::ManagementQuery));

std::vector<ForeignFd> TakeDescriptors(msghdr* header) {
  std::vector<ForeignFd> descriptors;
  for (cmsghdr* c = CMSG_FIRSTHDR(header); c != nullptr;
       c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
      descriptors.emplace_back(UniqueFd(fd));
    }
  }
  return descriptors;
}

// `T` if the message has exactly its size.
template <typename T>
bool Take(const std::array<std::byte, kMaxMessageBytes + 1>& bytes, size_t size,
          SessionMessage* message) {
  if (size != sizeof(T)) return false;
  T value;
  std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof(value));
  message->body = value;
  return true;
}

bool Parse(const std::array<std::byte, kMaxMessageBytes + 1>& bytes,
           size_t size, SessionMessage* message) {
  abi::MessageHeader header;
  if (size < sizeof(header)) return false;
  std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof(header));
  if (header.magic == PorterSync::kMagic) {
    return Take<PorterSync>(bytes, size, message);
  }
  if (header.magic != abi::kMagic) return false;
  switch (header.type) {
    case abi::MessageType::kHelloRequest:
      return Take<abi::HelloRequest>(bytes, size, message);
    case abi::MessageType::kMappedNotice:
      return Take<abi::MappedNotice>(bytes, size, message);
    case abi::MessageType::kAttachSocket:
      return Take<abi::AttachSocket>(bytes, size, message);
    case abi::MessageType::kDoorbell:
      return Take<abi::Doorbell>(bytes, size, message);
    case abi::MessageType::kManagementQuery:
      return Take<abi::ManagementQuery>(bytes, size, message);
    case abi::MessageType::kHelloReply:
    case abi::MessageType::kReadyNotice:
    case abi::MessageType::kManagementPart:
      return false;
  }
  return false;
}

ssize_t Receive(int socket, msghdr* header) {
  // What finds no room is closed on the way.
  const Impatience impatience;
  return recvmsg(socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

}  // namespace

ReceiveVerdict ReceiveMessage(int socket, SessionMessage* message) {
  std::array<std::byte, kMaxMessageBytes + 1> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))>
      control;
  iovec io{bytes.data(), bytes.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t size = Receive(socket, &header);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return ReceiveVerdict::kNothing;
    return ReceiveVerdict::kGone;
  }
  // An empty message may carry descriptors, too: first they are ours.
  std::vector<ForeignFd> descriptors = TakeDescriptors(&header);
  if (size == 0) return ReceiveVerdict::kGone;
  if ((header.msg_flags & MSG_TRUNC) != 0 ||
      !Parse(bytes, static_cast<size_t>(size), message)) {
    return ReceiveVerdict::kBroken;
  }
  const bool wants_one =
      std::holds_alternative<abi::AttachSocket>(message->body);
  // This process has no descriptor left for it: not the session's fault.
  if (wants_one && descriptors.empty() &&
      (header.msg_flags & MSG_CTRUNC) != 0) {
    return ReceiveVerdict::kMessage;
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) return ReceiveVerdict::kBroken;
  if (descriptors.size() != (wants_one ? 1u : 0u)) {
    return ReceiveVerdict::kBroken;
  }
  if (wants_one) message->descriptor = std::move(descriptors[0]);
  return ReceiveVerdict::kMessage;
}

bool SendMessage(int socket, std::span<const std::byte> bytes,
                 std::span<const int> descriptors) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
  if (descriptors.size() > 4) return false;
  iovec io{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(c), descriptors.data(), descriptors.size_bytes());
  }
  return sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

void CloseSocket(UniqueFd socket) {
  const Impatience impatience;
  socket.Reset();
}

SessionListener::SessionListener(UniqueFd socket, std::string path)
    : socket_(std::move(socket)), path_(std::move(path)) {}

SessionListener::~SessionListener() { Close(); }

std::unique_ptr<SessionListener> SessionListener::Open(const std::string& path,
                                                       uint32_t mode,
                                                       std::string* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    *error = "--socket: the path must have 1 to " +
             std::to_string(sizeof(address.sun_path) - 1) + " characters";
    return nullptr;
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  UniqueFd probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), generic, sizeof(address)) == 0) {
    *error = "another chimneyd is listening at " + path;
    return nullptr;
  }
  // Only a socket that nobody serves any more is in the way by accident.
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    unlink(path.c_str());
  }
  UniqueFd socket(
      ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid() || bind(socket.get(), generic, sizeof(address)) != 0 ||
      chmod(path.c_str(), mode) != 0 || listen(socket.get(), 128) != 0) {
    *error = "cannot listen at " + path + ": " + std::strerror(errno);
    return nullptr;
  }
  return std::unique_ptr<SessionListener>(
      new SessionListener(std::move(socket), path));
}

void SessionListener::Close() {
  if (!path_.empty()) unlink(path_.c_str());
  path_.clear();
}

}  // namespace chimney::daemon
