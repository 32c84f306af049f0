// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/foreign_fd.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

#include "daemon/impatience.h"

namespace chimney::daemon {
namespace {

int SocketOption(int fd, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

}  // namespace

bool ClosesAtOnce(int fd) {
  const int domain = SocketOption(fd, SO_DOMAIN);
  if ((domain != AF_INET && domain != AF_INET6) ||
      SocketOption(fd, SO_PROTOCOL) != IPPROTO_TCP ||
      SocketOption(fd, SO_TYPE) != SOCK_STREAM) {
    return false;
  }
  linger option{};
  socklen_t length = sizeof(option);
  return getsockopt(fd, SOL_SOCKET, SO_LINGER, &option, &length) == 0 &&
         (option.l_onoff == 0 || option.l_linger == 0);
}

struct AsideCloser::State {
  struct User {
    std::deque<UniqueFd> waiting;
    uint32_t threads = 0;
  };
  explicit State(Closing close) : closing(std::move(close)) {}

  const Closing closing;
  std::mutex mutex;
  // Under it. A user is here while something of it waits or is being closed.
  std::map<uid_t, User> users;
  uint32_t threads = 0;
};

AsideCloser::AsideCloser(Closing closing)
    : state_(std::make_shared<State>(std::move(closing))) {}

AsideCloser::~AsideCloser() {
  // What waits goes with the process.
  const std::scoped_lock lock(state_->mutex);
  for (auto& [uid, user] : state_->users) {
    for (UniqueFd& fd : user.waiting) fd.Release();
    user.waiting.clear();
  }
}

void AsideCloser::CloseForeign(UniqueFd fd) {
  const Impatience impatience;
  fd.Reset();
}

void AsideCloser::Close(UniqueFd fd, uid_t uid) {
  if (ClosesAtOnce(fd.get())) {
    // Its owner may have it linger by now.
    CloseForeign(std::move(fd));
    return;
  }
  const std::scoped_lock lock(state_->mutex);
  State::User& user = state_->users[uid];
  user.waiting.push_back(std::move(fd));
  if (user.threads == kMaxThreadsPerUser || state_->threads == kMaxThreads) {
    return;
  }
  try {
    std::thread([state = state_, uid] { Work(state, uid); }).detach();
  } catch (const std::system_error&) {
    return;  // it waits for the next one
  }
  ++user.threads;
  ++state_->threads;
}

bool AsideCloser::IsFull(uid_t uid) const {
  const std::scoped_lock lock(state_->mutex);
  const auto user = state_->users.find(uid);
  return user != state_->users.end() &&
         user->second.waiting.size() >= kMaxWaitingPerUser;
}

// A user's thread helps others once its own user needs it no more.
void AsideCloser::Work(const std::shared_ptr<State>& state, uid_t uid) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    auto user = state->users.find(uid);
    while (!user->second.waiting.empty()) {
      UniqueFd fd = std::move(user->second.waiting.front());
      user->second.waiting.pop_front();
      lock.unlock();
      state->closing(std::move(fd));
      lock.lock();
    }
    if (--user->second.threads == 0) state->users.erase(user);
    user = std::find_if(state->users.begin(), state->users.end(),
                        [](const auto& other) {
                          return !other.second.waiting.empty() &&
                                 other.second.threads < kMaxThreadsPerUser;
                        });
    if (user == state->users.end()) break;
    uid = user->first;
    ++user->second.threads;
  }
  --state->threads;
}

}  // namespace chimney::daemon
