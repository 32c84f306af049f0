// SPDX-License-Identifier: BSD-3-Clause
// Descriptors that came from sessions. To close one may take for as long as
// its sender likes: a file of a file system that the sender serves itself, a
// socket that lingers. Nobody but the sender's own user waits for that.
#ifndef CHIMNEY_DAEMON_FOREIGN_FD_H_
#define CHIMNEY_DAEMON_FOREIGN_FD_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "daemon/unique_fd.h"

namespace chimney::daemon {

// Whether a close of `fd` has nothing to wait for: an internet TCP socket that
// does not linger. Asks no file system.
bool ClosesAtOnce(int fd);

// Closes what may take long on threads of their own, a few for each user. One
// that hangs is left behind, also at the end of the daemon.
class AsideCloser {
 public:
  static constexpr uint32_t kMaxThreadsPerUser = 4;
  static constexpr uint32_t kMaxThreads = 64;
  static constexpr size_t kMaxWaitingPerUser = 32;
  using Closing = std::function<void(UniqueFd)>;

  // `closing` is what the threads do.
  explicit AsideCloser(Closing closing = CloseForeign);
  ~AsideCloser();
  AsideCloser(const AsideCloser&) = delete;
  AsideCloser& operator=(const AsideCloser&) = delete;

  // One thread: the control core. Never blocks.
  void Close(UniqueFd fd, uid_t uid);
  // So many of this user's wait that nothing more may be taken from it.
  bool IsFull(uid_t uid) const;

 private:
  struct State;
  static void CloseForeign(UniqueFd fd);
  static void Work(const std::shared_ptr<State>& state, uid_t uid);

  std::shared_ptr<State> state_;  // the threads' as well
};

// Whose a descriptor is, and who closes it. Without a closer, whoever has it.
struct ForeignOwner {
  AsideCloser* closer = nullptr;
  uid_t uid = 0;
};

// A descriptor of a session with one owner in this process.
class ForeignFd {
 public:
  ForeignFd() = default;
  ForeignFd(UniqueFd fd, ForeignOwner owner)
      : fd_(std::move(fd)), owner_(owner) {}
  ~ForeignFd() { Reset(); }
  ForeignFd(ForeignFd&& other) noexcept = default;
  ForeignFd& operator=(ForeignFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::move(other.fd_);
      owner_ = other.owner_;
    }
    return *this;
  }
  ForeignFd(const ForeignFd&) = delete;
  ForeignFd& operator=(const ForeignFd&) = delete;

  int get() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  void Reset() {
    if (fd_.valid() && owner_.closer != nullptr) {
      owner_.closer->Close(std::move(fd_), owner_.uid);
    }
    fd_.Reset();
  }

 private:
  UniqueFd fd_;
  ForeignOwner owner_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_FOREIGN_FD_H_
