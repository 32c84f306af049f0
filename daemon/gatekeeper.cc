// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/gatekeeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "daemon/open_descriptors.h"
#include "daemon/porter.h"

namespace chimney::daemon {
namespace {

constexpr int kDismissal = SIGUSR1;

void OnChild(int /*signal*/) {}  // ends a wait

// The daemon's is low (its unit says so); a client's porters are not worth it.
void RaiseOomScore() {
  const UniqueFd file(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  (void)!write(file.get(), "0", 1);
}

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
  sigaddset(&held, kDismissal);
  sigprocmask(SIG_BLOCK, &held, nullptr);
}

// Moves these to the lowest numbers and closes everything else: whoever reads
// what the daemon prints, or waits for a port of it, shall not wait for a
// process that a client keeps from ending.
void KeepOnly(std::span<UniqueFd* const> kept) {
  constexpr int kAbove = 16;
  std::vector<int> numbers;
  for (UniqueFd* fd : kept) {
    numbers.push_back(fcntl(fd->Release(), F_DUPFD_CLOEXEC, kAbove));
  }
  UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  int last = -1;
  while (last < 2) dup2(nothing.get(), ++last);
  nothing.Reset();
  for (size_t i = 0; i < kept.size(); ++i) {
    dup3(numbers[i], ++last, O_CLOEXEC);
    *kept[i] = UniqueFd(last);
  }
  close_range(static_cast<unsigned>(last) + 1, ~0u, 0);
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
    const timespec pause{0, kDismissalPauseNanos};
    if (ppoll(events.data(), events.size(), refused_ == 0 ? nullptr : &pause,
              &none) < 0 &&
        errno != EINTR) {
      return false;
    }
    Reap();
    if (refused_ != 0) DismissRefused();
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
  using Clock = std::chrono::steady_clock;

  struct User {
    uint32_t porters = 0;
    // Let in, but without a porter: told that it is over, and kept, since to
    // close it may take for as long as the client likes.
    std::vector<UniqueFd> refused;
    Clock::time_point next_dismissal;
  };

  bool MayAccept() const {
    return listener_.valid() && porters_.size() < most_porters_ + kReserve;
  }

  // The last ones are for those who can put things right.
  bool HasRoomFor(uid_t uid, const User& user) const {
    return user.porters < porters_per_user_ &&
           (porters_.size() < most_porters_ || uid == 0 || uid == geteuid());
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
    for (;;) {
      const pid_t ended = waitpid(-1, nullptr, WNOHANG);
      if (ended <= 0) return;
      const auto porter = porters_.find(ended);
      if (porter == porters_.end()) continue;
      --users_[porter->second].porters;
      ForgetIfIdle(porter->second);
      porters_.erase(porter);
    }
  }

  void ForgetIfIdle(uid_t uid) {
    const auto user = users_.find(uid);
    if (user->second.porters == 0 && user->second.refused.empty()) {
      users_.erase(user);
    }
  }

  void AcceptOne() {
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr,
                            SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) {
      // No descriptor is left: those that end give some back.
      if (errno != EAGAIN && errno != ECONNABORTED) {
        poll(nullptr, 0, kNoRoomPauseMillis);
      }
      return;
    }
    ucred from{};
    socklen_t length = sizeof(from);
    from.uid = static_cast<uid_t>(-1);
    getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &from, &length);
    User& user = users_[from.uid];
    if (HasRoomFor(from.uid, user) && Admit(from, &user, &client)) return;
    shutdown(client.get(), SHUT_RDWR);
    user.refused.push_back(std::move(client));
    ++refused_;
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

  // A porter, which has nothing but *client and *core open and is the last to
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
    char byte = 0;
    if (process == 0) {
      // Others' sockets are closed here while the gatekeeper still has them.
      const std::array<UniqueFd*, 3> kept = {client, core, &childs};
      KeepOnly(kept);
      (void)!write(childs.get(), &byte, 1);
      (void)!read(childs.get(), &byte, 1);
      childs.Reset();
      prctl(PR_SET_NAME, "chimneyd-porter");
      BePorter(std::move(*client), std::move(*core));
    }
    childs.Reset();
    (void)!read(ours.get(), &byte, 1);
    client->Reset();
    ++user->porters;
    porters_.emplace(process, uid);
    return true;
  }

  // By a process for all that one user has waiting, at most one a second: it
  // may never end. Needs no descriptor, of which there may be none left.
  void DismissRefused() {
    const Clock::time_point now = Clock::now();
    std::vector<uid_t> done;
    for (auto& [uid, user] : users_) {
      if (user.refused.empty() || now < user.next_dismissal) continue;
      const pid_t process = fork();
      if (process < 0) return;
      if (process == 0) {
        // Until the gatekeeper has closed them: then they go with this process.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigset_t go;
        sigemptyset(&go);
        sigaddset(&go, kDismissal);
        int signal = 0;
        sigwait(&go, &signal);
        _exit(0);
      }
      refused_ -= user.refused.size();
      user.refused.clear();
      user.next_dismissal = now + std::chrono::seconds(1);
      kill(process, kDismissal);
      done.push_back(uid);
    }
    for (const uid_t uid : done) ForgetIfIdle(uid);
  }

  static constexpr int kNoRoomPauseMillis = 10;
  static constexpr long kDismissalPauseNanos = 20'000'000;
  static constexpr int kTriesAtTheEnd = 500;
  static constexpr size_t kReserve = 64;

  UniqueFd channel_;
  UniqueFd listener_;
  const uint32_t porters_per_user_;
  const uint32_t most_porters_;
  std::map<pid_t, uid_t> porters_;
  std::map<uid_t, User> users_;
  size_t refused_ = 0;  // of all users
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
  const std::array<UniqueFd*, 1> kept = {&channel};
  KeepOnly(kept);
  prctl(PR_SET_NAME, "chimneyd-gate");
  SetSignals();
  RaiseOomScore();
  RaiseDescriptorLimit();
  Gatekeeper gatekeeper(std::move(channel), porters_per_user, porters);
  while (gatekeeper.Turn()) {
  }
  gatekeeper.End();
}

}  // namespace chimney::daemon
