// SPDX-License-Identifier: BSD-3-Clause
// A descriptor that is closed with its owner.
#ifndef CHIMNEY_CLIENT_OWNED_FD_H_
#define CHIMNEY_CLIENT_OWNED_FD_H_

#include <unistd.h>

#include <utility>

namespace chimney::client {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  ~OwnedFd() { Reset(); }
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;

  int get() const { return fd_; }
  bool IsOpen() const { return fd_ >= 0; }
  void Reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_OWNED_FD_H_
