// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/gatekeeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "daemon/open_descriptors.h"
#include "daemon/porter.h"

namespace chimney::daemon {
namespace {

void OnChild(int /*signal*/) {}  // ends a wait

// The daemon says when it is over: it has to outlive its stop signals.
void SetSignals() {
  for (const int stop : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
    signal(stop, SIG_IGN);
  }
  struct sigaction action {};
  action.sa_handler = OnChild;
  action.sa_flags = SA_NOCLDSTOP;
  sigemptyset(&action.sa_mask);
  sigaction(SIGCHLD, &action, nullptr);
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGCHLD);
  sigprocmask(SIG_BLOCK, &held, nullptr);
}

class Gatekeeper {
 public:
  Gatekeeper(UniqueFd channel, uint32_t porters_per_user, uint32_t porters)
      : channel_(std::move(channel)),
        porters_per_user_(porters_per_user),
        most_porters_(porters) {}

  // False when the daemon is gone.
  bool Turn() {
    std::array<pollfd, 2> events = {
        pollfd{channel_.get(), POLLIN, 0},
        pollfd{MayAccept() ? listener_.get() : -1, POLLIN, 0}};
    sigset_t none;
    sigemptyset(&none);
    if (ppoll(events.data(), events.size(), nullptr, &none) < 0 &&
        errno != EINTR) {
      return false;
    }
    Reap();
    if ((events[0].revents & (POLLIN | POLLHUP)) != 0 && !OnChannel()) {
      return false;
    }
    if ((events[1].revents & POLLIN) != 0) AcceptOne();
    return true;
  }

  // Whoever waits is told so; porters end with the daemon's sessions.
  void End() {
    shutdown(listener_.get(), SHUT_RDWR);
    for (int i = 0; i < kTriesAtTheEnd && !porters_.empty(); ++i) {
      Reap();
      poll(nullptr, 0, 1);
    }
  }

 private:
  struct User {
    uint32_t porters = 0;
    // Let in, but without a porter: told that it is over, and kept, since to
    // close it may take for as long as the client likes.
    std::deque<UniqueFd> refused;
  };

  bool MayAccept() const {
    return listener_.valid() && porters_.size() < most_porters_;
  }

  bool OnChannel() {
    GateMessage message;
    UniqueFd descriptor;
    switch (ReceiveGateMessage(channel_.get(), MSG_DONTWAIT, &message,
                               &descriptor)) {
      case GateReceived::kMessage:
        listener_ = std::move(descriptor);
        return true;
      case GateReceived::kNothing:
        return true;
      case GateReceived::kGone:
        return false;
    }
    return false;
  }

  void Reap() {
    bool any = false;
    for (;;) {
      const pid_t ended = waitpid(-1, nullptr, WNOHANG);
      if (ended <= 0) break;
      const auto porter = porters_.find(ended);
      if (porter == porters_.end()) continue;
      --users_[porter->second].porters;
      porters_.erase(porter);
      any = true;
    }
    if (!any) return;
    for (auto& [uid, user] : users_) DismissRefused(uid, &user);
    std::erase_if(users_, [](const auto& user) {
      return user.second.porters == 0 && user.second.refused.empty();
    });
  }

  void AcceptOne() {
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr,
                            SOCK_CLOEXEC | SOCK_NONBLOCK));
    ucred from{};
    socklen_t length = sizeof(from);
    if (!client.valid() || getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED,
                                      &from, &length) != 0) {
      // Nobody, or no descriptor is left: children that end give some back.
      if (!client.valid() && errno != EAGAIN && errno != ECONNABORTED) {
        poll(nullptr, 0, kNoRoomPauseMillis);
      }
      return;
    }
    User& user = users_[from.uid];
    if (user.porters >= porters_per_user_ || !Admit(from, &user, &client)) {
      shutdown(client.get(), SHUT_RDWR);
      user.refused.push_back(std::move(client));
    }
  }

  // Takes `client` over if there is a porter for it.
  bool Admit(const ucred& from, User* user, UniqueFd* client) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends) != 0) {
      return false;
    }
    UniqueFd core(ends[0]);
    UniqueFd porter(ends[1]);
    if (!Fork(from.uid, user, client, &porter)) return false;
    porter.Reset();
    SendGateMessage(channel_.get(),
                    {GateMessage::Kind::kArrived, from.uid, from.pid},
                    core.get());
    return true;
  }

  // A process that has nothing but *client and *core open and is the last to
  // close *client.
  bool Fork(uid_t uid, User* user, UniqueFd* client, UniqueFd* core) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return false;
    }
    UniqueFd ours(ends[0]);
    UniqueFd childs(ends[1]);
    const pid_t process = fork();
    if (process < 0) return false;
    if (process == 0) {
      const int sync = KeepOnly({client, core, &childs});
      char byte = 0;
      // Others' sockets are closed here while the gatekeeper still has them.
      (void)!write(sync, &byte, 1);
      (void)!read(sync, &byte, 1);
      close(sync);
      prctl(PR_SET_NAME, "chimneyd-porter");
      if (core->valid()) RunPorter(std::move(*client), std::move(*core));
      _exit(0);
    }
    childs.Reset();
    char byte = 0;
    (void)!read(ours.get(), &byte, 1);
    client->Reset();
    ++user->porters;
    porters_.emplace(process, uid);
    return true;
  }

  // Moves these to the lowest numbers and closes everything else: whoever reads
  // what the daemon prints shall not wait for a porter that hangs. Returns the
  // number of the last.
  static int KeepOnly(std::array<UniqueFd*, 3> kept) {
    UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int standard : {0, 1, 2}) dup2(nothing.get(), standard);
    nothing.Reset();
    int numbers[3];
    constexpr int kAbove = 16;
    for (size_t i = 0; i < kept.size(); ++i) {
      numbers[i] = kept[i]->valid()
                       ? fcntl(kept[i]->Release(), F_DUPFD_CLOEXEC, kAbove)
                       : -1;
    }
    int last = 2;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (numbers[i] < 0) continue;
      dup3(numbers[i], ++last, O_CLOEXEC);
      *kept[i] = UniqueFd(last);
    }
    close_range(static_cast<unsigned>(last) + 1, ~0u, 0);
    return kept[2]->Release();
  }

  // One at a time: by a process that ends with it.
  void DismissRefused(uid_t uid, User* user) {
    if (user->refused.empty() || user->porters >= porters_per_user_) return;
    UniqueFd nobody;
    if (Fork(uid, user, &user->refused.front(), &nobody)) {
      user->refused.pop_front();
    }
  }

  static constexpr int kNoRoomPauseMillis = 10;
  static constexpr int kTriesAtTheEnd = 500;

  UniqueFd channel_;
  UniqueFd listener_;
  const uint32_t porters_per_user_;
  const uint32_t most_porters_;
  std::map<pid_t, uid_t> porters_;
  std::map<uid_t, User> users_;
};

}  // namespace

bool SendGateMessage(int channel, const GateMessage& message, int descriptor) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  GateMessage copy = message;
  iovec io{&copy, sizeof(copy)};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(c), &descriptor, sizeof(descriptor));
  return sendmsg(channel, &header, MSG_NOSIGNAL) == sizeof(copy);
}

GateReceived ReceiveGateMessage(int channel, int flags, GateMessage* message,
                                UniqueFd* descriptor) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec io{message, sizeof(*message)};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t size = recvmsg(channel, &header, flags | MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return GateReceived::kNothing;
  }
  if (size != sizeof(*message)) return GateReceived::kGone;
  const cmsghdr* c = CMSG_FIRSTHDR(&header);
  if (c != nullptr && c->cmsg_level == SOL_SOCKET &&
      c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int))) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    *descriptor = UniqueFd(fd);
  }
  return GateReceived::kMessage;
}

void RunGatekeeper(UniqueFd channel, uint32_t porters_per_user,
                   uint32_t porters) {
  prctl(PR_SET_NAME, "chimneyd-gate");
  SetSignals();
  RaiseDescriptorLimit();
  Gatekeeper gatekeeper(std::move(channel), porters_per_user, porters);
  while (gatekeeper.Turn()) {
  }
  gatekeeper.End();
}

}  // namespace chimney::daemon
