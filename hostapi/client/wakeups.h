// SPDX-License-Identifier: BSD-3-Clause
// Everything that can wake a session, behind one pollable descriptor: the
// daemon's doorbell, its socket, events made in this process, a retry timer,
// and the sockets of connections that are in the kernel.
#ifndef CHIMNEY_CLIENT_WAKEUPS_H_
#define CHIMNEY_CLIENT_WAKEUPS_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "hostapi/client/owned_fd.h"

namespace chimney::client {

// Wait() may run while another thread makes the other calls.
class Wakeups {
 public:
  enum class Source : uint8_t { kDoorbell, kSocket, kKick, kTimer, kWatched };
  struct Wakeup {
    Source source = Source::kKick;
    uint32_t epoll_events = 0;
    uint64_t watch_id = 0;  // kWatched
  };
  // Watch ids are below this.
  static constexpr uint64_t kMaxWatchId = (uint64_t{1} << 60) - 1;

  // False with errno set. The descriptors stay the caller's.
  bool Open(int doorbell_fd, int socket_fd);

  int fd() const { return epoll_.get(); }
  // Waits at most timeout_ms (-1: for ever); returns how many were filled, 0
  // also when a signal handler ran.
  size_t Wait(std::span<Wakeup> wakeups, int timeout_ms);

  // Makes fd() readable until ClearKick().
  void Kick();
  void ClearKick();
  // Makes kTimer come in `milliseconds`, unless it is coming already.
  void WakeAfter(uint32_t milliseconds);
  void ClearTimer();
  void ClearDoorbell();
  // The daemon is gone: its two descriptors would stay readable for ever.
  void ForgetDaemon();

  // Edge-triggered for reading and writing. False with errno set.
  bool Watch(int fd, uint64_t watch_id);
  void Unwatch(int fd);

 private:
  OwnedFd epoll_;
  OwnedFd kick_;
  OwnedFd timer_;
  int doorbell_fd_ = -1;
  int socket_fd_ = -1;
  bool kicked_ = false;
  bool timer_armed_ = false;
};

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_WAKEUPS_H_
