// SPDX-License-Identifier: BSD-3-Clause
// A duplicate of a session's socket. No porter (porter.h) lets anything else
// in, so that its release waits for nothing but a socket that lingers, and a
// signal ends that wait.
#ifndef CHIMNEY_DAEMON_FOREIGN_FD_H_
#define CHIMNEY_DAEMON_FOREIGN_FD_H_

#include <utility>

#include "daemon/impatience.h"
#include "daemon/unique_fd.h"

namespace chimney::daemon {

class ForeignFd {
 public:
  ForeignFd() = default;
  explicit ForeignFd(UniqueFd fd) : fd_(std::move(fd)) {}
  ~ForeignFd() { Reset(); }
  ForeignFd(ForeignFd&& other) noexcept = default;
  ForeignFd& operator=(ForeignFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::move(other.fd_);
    }
    return *this;
  }
  ForeignFd(const ForeignFd&) = delete;
  ForeignFd& operator=(const ForeignFd&) = delete;

  int get() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  // The kernel goes on to close gracefully, as it would after the linger time.
  void Reset() {
    if (!fd_.valid()) return;
    const Impatience impatience;
    fd_.Reset();
  }

 private:
  UniqueFd fd_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_FOREIGN_FD_H_
