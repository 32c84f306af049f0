// SPDX-License-Identifier: BSD-3-Clause
// One epoll instance for all that can wake a session.
#include "hostapi/client/wakeups.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

namespace chimney::client {
namespace {

constexpr int kSourceShift = 60;

uint64_t Tag(Wakeups::Source source, uint64_t watch_id) {
  return (static_cast<uint64_t>(source) << kSourceShift) | watch_id;
}

bool Add(int epoll, int fd, uint32_t events, uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Drain(int fd) {
  uint64_t bytes[64];
  // A short read has emptied it, whatever kind of descriptor it is.
  while (read(fd, bytes, sizeof(bytes)) == sizeof(bytes)) {
  }
}

}  // namespace

bool Wakeups::Open(int doorbell_fd, int socket_fd) {
  doorbell_fd_ = doorbell_fd;
  socket_fd_ = socket_fd;
  epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  kick_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  timer_.Reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  return epoll_.IsOpen() && kick_.IsOpen() && timer_.IsOpen() &&
         Add(epoll_.get(), doorbell_fd, EPOLLIN, Tag(Source::kDoorbell, 0)) &&
         Add(epoll_.get(), socket_fd, EPOLLIN | EPOLLRDHUP,
             Tag(Source::kSocket, 0)) &&
         Add(epoll_.get(), kick_.get(), EPOLLIN, Tag(Source::kKick, 0)) &&
         Add(epoll_.get(), timer_.get(), EPOLLIN, Tag(Source::kTimer, 0));
}

size_t Wakeups::Wait(std::span<Wakeup> wakeups, int timeout_ms) {
  constexpr size_t kBatch = 64;
  epoll_event events[kBatch];
  const size_t most = std::min(wakeups.size(), kBatch);
  const int count =
      epoll_wait(epoll_.get(), events, static_cast<int>(most), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const uint64_t tag = events[i].data.u64;
    Wakeup& wakeup = wakeups[static_cast<size_t>(i)];
    wakeup.source = static_cast<Source>(tag >> kSourceShift);
    wakeup.epoll_events = events[i].events;
    wakeup.watch_id = tag & kMaxWatchId;
  }
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void Wakeups::Kick() {
  if (kicked_) return;
  const uint64_t one = 1;
  kicked_ = write(kick_.get(), &one, sizeof(one)) == sizeof(one);
}

void Wakeups::ClearKick() {
  if (!kicked_) return;
  Drain(kick_.get());
  kicked_ = false;
}

void Wakeups::WakeAfter(uint32_t milliseconds) {
  if (timer_armed_) return;
  itimerspec when{};
  when.it_value.tv_sec = milliseconds / 1000;
  when.it_value.tv_nsec = int64_t{milliseconds % 1000} * 1000000;
  timer_armed_ = timerfd_settime(timer_.get(), 0, &when, nullptr) == 0;
}

void Wakeups::ClearTimer() {
  if (!timer_armed_) return;
  Drain(timer_.get());
  timer_armed_ = false;
}

void Wakeups::ClearDoorbell() {
  if (doorbell_fd_ >= 0) Drain(doorbell_fd_);
}

void Wakeups::ForgetDaemon() {
  if (doorbell_fd_ < 0) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, doorbell_fd_, nullptr);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket_fd_, nullptr);
  doorbell_fd_ = -1;
  socket_fd_ = -1;
}

bool Wakeups::Watch(int fd, uint64_t watch_id) {
  return Add(epoll_.get(), fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
             Tag(Source::kWatched, watch_id));
}

void Wakeups::Unwatch(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

}  // namespace chimney::client
