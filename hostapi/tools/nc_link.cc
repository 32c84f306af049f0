// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc's connection and its hand-overs.
#include "hostapi/tools/nc_link.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>

namespace chimney::tools {
namespace {

// How long the last hand-over may take when all bytes are through.
constexpr std::chrono::seconds kSettleTime{5};
constexpr size_t kEventsAtOnce = 64;

}  // namespace

NcLink::NcLink(const NcOptions& options, int fd, NcStats* stats)
    : options_(options), fd_(fd), stats_(stats) {}

bool NcLink::OpenSession(std::string* why) {
  hostapi::Options wishes = hostapi::DefaultOptions();
  if (!options_.socket_path.empty()) {
    wishes.socket_path = options_.socket_path.c_str();
  }
  wishes.name = "chimney-nc";
  // The next offload may come before the daemon has put the last one away.
  wishes.max_connections = 4;
  if (hostapi::Session::Open(wishes, &session_, why) != CHIMNEY_OK) {
    return false;
  }
  const int result = session_.Wrap(fd_, 0, 0, &connection_);
  if (result != CHIMNEY_OK) {
    *why = chimney_strerror(result);
    session_ = hostapi::Session();
    return false;
  }
  // From here on events say when it is.
  readable_ = false;
  return true;
}

void NcLink::StartOffload() {
  if (connection_) BeginOffload();
}

int NcLink::poll_fd() const { return session_ ? session_.fd() : fd_; }

short NcLink::poll_events(bool want_read, bool want_write) const {
  if (session_) return POLLIN;
  return static_cast<short>((want_read ? POLLIN : 0) |
                            (want_write ? POLLOUT : 0));
}

void NcLink::SetTimer() {
  if (options_.cycle_ms == 0) return;
  // A cycle is spent in equal parts on the two sides.
  timer_at_ = Clock::now() +
              std::chrono::microseconds(uint64_t{options_.cycle_ms} * 1000 / 2);
  timer_set_ = true;
}

int NcLink::TimerMilliseconds() const {
  if (!timer_set_) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timer_at_ - Clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

void NcLink::OnTimer() {
  if (!timer_set_ || Clock::now() < timer_at_) return;
  timer_set_ = false;
  const chimney_state state = connection_.State();
  if (state == CHIMNEY_STATE_OFFLOADED) {
    BeginUpload();
  } else if (state == CHIMNEY_STATE_IN_HOST && !paused_) {
    BeginOffload();
  }
}

void NcLink::BeginOffload() {
  requested_at_ = Clock::now();
  requested_ = connection_.Offload() == CHIMNEY_OK;
}

void NcLink::BeginUpload() {
  requested_at_ = Clock::now();
  requested_ = connection_.Upload() == CHIMNEY_OK;
  if (!requested_) SetTimer();
}

uint32_t NcLink::SinceRequest() const {
  const std::chrono::nanoseconds elapsed = Clock::now() - requested_at_;
  return static_cast<uint32_t>(std::min<int64_t>(elapsed.count(), UINT32_MAX));
}

bool NcLink::TakeEvents(short revents, std::string* why) {
  if (!session_) {
    readable_ = readable_ || (revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    writable_ = writable_ || (revents & (POLLOUT | POLLERR)) != 0;
    return true;
  }
  std::array<hostapi::Event, kEventsAtOnce> events;
  for (;;) {
    const int count = session_.Poll(events, 0);
    for (const hostapi::Event& event :
         std::span(events).first(static_cast<size_t>(std::max(count, 0)))) {
      OnEvent(event);
    }
    if (connection_.State() == CHIMNEY_STATE_LOST) {
      *why = "chimneyd ended while it had the connection";
      return false;
    }
    if (count == 0) return true;
    if (count < 0) {
      *why = chimney_strerror(count);
      return false;
    }
  }
}

void NcLink::OnEvent(const hostapi::Event& event) {
  switch (event.type) {
    case CHIMNEY_EVENT_OFFLOADED:
      stats_->offload_ns.push_back(event.elapsed_ns);
      stats_->offload_client_ns.push_back(SinceRequest());
      last_refusal_.clear();
      SetTimer();
      return;
    case CHIMNEY_EVENT_OFFLOAD_FAILED:
      OnOffloadFailed(event);
      SetTimer();
      return;
    case CHIMNEY_EVENT_UPLOADED:
      stats_->upload_ns.push_back(event.elapsed_ns);
      if (std::exchange(requested_, false)) {
        stats_->upload_client_ns.push_back(SinceRequest());
      }
      SetTimer();
      return;
    case CHIMNEY_EVENT_UPLOAD_FAILED:
      ++stats_->upload_failures;
      std::fprintf(stderr, "chimney-nc: not given back: %s\n", event.text);
      SetTimer();
      return;
    case CHIMNEY_EVENT_READABLE:
      readable_ = true;
      return;
    case CHIMNEY_EVENT_WRITABLE:
      writable_ = true;
      return;
    case CHIMNEY_EVENT_DISCONNECT_COMPLETE:
      shutdown_complete_ = true;
      shutdown_failed_ = event.status != CHIMNEY_STATUS_SUCCESS &&
                         event.status != CHIMNEY_STATUS_MOVED_TO_KERNEL;
      return;
    case CHIMNEY_EVENT_PAUSE:
    case CHIMNEY_EVENT_UPLOAD_ALL:
    case CHIMNEY_EVENT_DAEMON_STOPPING:
    case CHIMNEY_EVENT_DAEMON_GONE:
      paused_ = true;
      return;
    case CHIMNEY_EVENT_RESUME:
      paused_ = false;
      if (connection_.State() == CHIMNEY_STATE_IN_HOST) BeginOffload();
      return;
    default:
      return;
  }
}

void NcLink::OnOffloadFailed(const hostapi::Event& event) {
  ++stats_->offload_failures;
  requested_ = false;
  if (last_refusal_ == event.text) return;
  last_refusal_ = event.text;
  std::string text = event.text;
  if (event.system_errno != 0) {
    text += std::string(" (") + std::strerror(event.system_errno) + ")";
  }
  std::fprintf(stderr, "chimney-nc: not offloaded, goes on in the kernel: %s\n",
               text.c_str());
}

ssize_t NcLink::Receive(std::byte* data, size_t bytes) {
  ssize_t got = 0;
  if (connection_) {
    got = connection_.Receive({data, bytes});
  } else {
    got = recv(fd_, data, bytes, MSG_DONTWAIT);
    if (got < 0) got = errno == EAGAIN ? CHIMNEY_E_AGAIN : CHIMNEY_E_SYSTEM;
  }
  if (got == CHIMNEY_E_AGAIN) readable_ = false;
  return got;
}

ssize_t NcLink::Send(const std::byte* data, size_t bytes) {
  ssize_t sent = 0;
  if (connection_) {
    sent = connection_.Send({data, bytes});
  } else {
    sent = send(fd_, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) sent = errno == EAGAIN ? CHIMNEY_E_AGAIN : CHIMNEY_E_SYSTEM;
  }
  if (sent == CHIMNEY_E_AGAIN ||
      (sent > 0 && sent < static_cast<ssize_t>(bytes))) {
    writable_ = false;
  }
  return sent;
}

int NcLink::Shutdown() {
  if (connection_) return connection_.Shutdown();
  shutdown_complete_ = true;
  return shutdown(fd_, SHUT_WR) == 0 ? CHIMNEY_OK : CHIMNEY_E_SYSTEM;
}

void NcLink::Settle() {
  if (!connection_) return;
  timer_set_ = false;
  const Clock::time_point deadline = Clock::now() + kSettleTime;
  const uint64_t failures = stats_->upload_failures;
  std::array<hostapi::Event, kEventsAtOnce> events;
  while (Clock::now() < deadline && stats_->upload_failures == failures) {
    const chimney_state state = connection_.State();
    if (state == CHIMNEY_STATE_IN_HOST || state == CHIMNEY_STATE_LOST) return;
    if (state == CHIMNEY_STATE_OFFLOADED) BeginUpload();
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int count = session_.Poll(
        events, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (count < 0) return;
    paused_ = true;  // whatever comes now, nothing is offloaded again
    for (const hostapi::Event& event :
         std::span(events).first(static_cast<size_t>(count))) {
      if (event.type != CHIMNEY_EVENT_RESUME) OnEvent(event);
    }
    timer_set_ = false;
  }
}

}  // namespace chimney::tools
