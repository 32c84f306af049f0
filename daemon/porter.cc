// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/porter.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "abi/hello.h"
#include "daemon/impatience.h"

namespace chimney::daemon {
namespace {

// Of a message of the control core the longest; of a client's one byte more
// than any that is valid.
constexpr size_t kMaxMessageBytes = 64 << 10;
constexpr size_t kMaxClientBytes = sizeof(abi::HelloRequest) + 1;
// All that the kernel lets into one message.
constexpr size_t kMaxDescriptors = 253;
// More than a socket holds of the smallest messages.
constexpr int kMaxMessagesAtOnce = 4096;

struct Carried {
  std::vector<std::byte> bytes;
  std::vector<UniqueFd> descriptors;
};

enum class Taken : uint8_t { kMessage, kNothing, kGone };

Taken Take(int socket, std::span<std::byte> buffer, Carried* message) {
  message->bytes.clear();
  message->descriptors.clear();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))>
      control;
  iovec io{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  constexpr int kFlags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  ssize_t size = recvmsg(socket, &header, kFlags);
  // Said once of a side that left unread what it was sent; what it sent before
  // is still there.
  if (size < 0 && errno == ECONNRESET) {
    size = recvmsg(socket, &header, kFlags);
  }
  if (size < 0) {
    return errno == EAGAIN || errno == EINTR ? Taken::kNothing : Taken::kGone;
  }
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr;
       c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
      message->descriptors.emplace_back(fd);
    }
  }
  if (size == 0) return Taken::kGone;
  message->bytes.assign(buffer.begin(), buffer.begin() + size);
  return Taken::kMessage;
}

// False if the other side has no room now.
bool Put(int socket, const Carried& message) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
  std::array<int, 4> numbers{};
  const size_t count = std::min(message.descriptors.size(), numbers.size());
  for (size_t i = 0; i < count; ++i) numbers[i] = message.descriptors[i].get();
  iovec io{const_cast<std::byte*>(message.bytes.data()), message.bytes.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  if (count != 0) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(c), numbers.data(), count * sizeof(int));
  }
  // If the other side is gone its end is seen when it is read.
  return sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
         (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
}

int OptionOf(int fd, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

// In place of what nobody may have to release: something of the same kind, so
// that the answer to the client is the same.
UniqueFd Harmless(UniqueFd fd) {
  const int domain = OptionOf(fd.get(), SO_DOMAIN);
  if (domain == AF_INET || domain == AF_INET6) return fd;
  if (domain >= 0)
    return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

class Porter {
 public:
  Porter(UniqueFd client, UniqueFd core)
      : client_(std::move(client)), core_(std::move(core)) {}

  // False when it is over.
  bool Turn() {
    const bool core_waits = !to_core_.bytes.empty();
    const bool client_waits = !to_client_.bytes.empty();
    // Nothing more is read while the other side has no room for what was. A
    // client that is gone then would be reported again and again.
    pollfd from_client{client_.get(), Events(!core_waits, client_waits), 0};
    if (from_client.events == 0) from_client.fd = -1;
    pollfd from_core{core_.get(), Events(!client_waits, core_waits), 0};
    std::array<pollfd, 2> events = {from_client, from_core};
    if (poll(events.data(), events.size(), -1) < 0) return errno == EINTR;
    Deliver(core_.get(), &to_core_);
    Deliver(client_.get(), &to_client_);
    if (!to_client_.bytes.empty() &&
        (events[1].revents & (POLLHUP | POLLERR)) != 0) {
      return false;  // the session is over, and the client does not read
    }
    return FromCore() && FromClient();
  }

 private:
  static short Events(bool in, bool out) {
    return static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0));
  }

  static void Deliver(int socket, Carried* message) {
    if (message->bytes.empty() || !Put(socket, *message)) return;
    const Impatience impatience;  // it may be the last to have a socket
    message->bytes.clear();
    message->descriptors.clear();
  }

  bool FromCore() {
    while (to_client_.bytes.empty()) {
      const Taken taken = Take(core_.get(), buffer_, &to_client_);
      if (taken == Taken::kNothing) return true;
      if (taken == Taken::kGone) return false;
      if (IsSync(to_client_)) {
        if (!AnswerSync(std::exchange(to_client_, {}))) return false;
      } else {
        Deliver(client_.get(), &to_client_);
      }
    }
    return true;
  }

  bool FromClient() {
    const std::span<std::byte> buffer =
        std::span(buffer_).first(kMaxClientBytes);
    for (int i = 0; i < kMaxMessagesAtOnce && to_core_.bytes.empty(); ++i) {
      const Taken taken = Take(client_.get(), buffer, &to_core_);
      if (taken == Taken::kNothing) return true;
      if (taken == Taken::kGone) return false;
      Clean(&to_core_);
      Deliver(core_.get(), &to_core_);
    }
    return true;
  }

  // All that the client has sent goes first.
  bool AnswerSync(const Carried& sync) {
    bool client_lives = true;
    for (;;) {
      client_lives = FromClient();
      if (to_core_.bytes.empty()) break;
      if (!AwaitCore()) return false;
    }
    while (!Put(core_.get(), sync)) {
      if (!AwaitCore()) return false;
    }
    return client_lives;
  }

  bool AwaitCore() {
    pollfd event{core_.get(), POLLOUT, 0};
    if (poll(&event, 1, -1) < 0 && errno != EINTR) return false;
    if ((event.revents & (POLLHUP | POLLERR)) != 0) return false;
    Deliver(core_.get(), &to_core_);
    return true;
  }

  static bool IsSync(const Carried& message) {
    uint32_t magic = 0;
    if (message.bytes.size() < sizeof(magic)) return false;
    std::memcpy(&magic, message.bytes.data(), sizeof(magic));
    return magic == PorterSync::kMagic;
  }

  // What no client may send becomes what is no message at all.
  static void Clean(Carried* message) {
    if (IsSync(*message)) message->bytes.resize(1);
    const Impatience impatience;
    if (message->descriptors.size() > 2) message->descriptors.resize(2);
    for (UniqueFd& fd : message->descriptors) fd = Harmless(std::move(fd));
  }

  UniqueFd client_;
  UniqueFd core_;
  Carried to_core_;
  Carried to_client_;
  std::array<std::byte, kMaxMessageBytes> buffer_;
};

}  // namespace

void RunPorter(UniqueFd client, UniqueFd core) {
  const auto porter =
      std::make_unique<Porter>(std::move(client), std::move(core));
  while (porter->Turn()) {
  }
}

void BePorter(UniqueFd client, UniqueFd core) {
  const auto porter =
      std::make_unique<Porter>(std::move(client), std::move(core));
  while (porter->Turn()) {
  }
  _exit(0);
}

}  // namespace chimney::daemon
