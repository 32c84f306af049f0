// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc's connection, wherever it is: a session with the daemon and its
// hand-overs, or (--offload=never, no daemon) the plain socket.
#ifndef CHIMNEY_TOOLS_NC_LINK_H_
#define CHIMNEY_TOOLS_NC_LINK_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "chimney/chimney.hpp"
#include "hostapi/tools/nc_options.h"
#include "hostapi/tools/nc_stats.h"

namespace chimney::tools {

class NcLink {
 public:
  using Clock = std::chrono::steady_clock;

  // `fd` stays the caller's and outlives the link, as do the other two.
  NcLink(const NcOptions& options, int fd, NcStats* stats);
  NcLink(const NcLink&) = delete;
  NcLink& operator=(const NcLink&) = delete;

  // Opens the session; without one the link is the plain socket. False if the
  // daemon cannot be reached; *why says so.
  bool OpenSession(std::string* why);
  void StartOffload();

  // What to poll, and for what, before the next TakeEvents().
  int poll_fd() const;
  short poll_events(bool want_read, bool want_write) const;
  // Milliseconds until OnTimer() has something to do, -1 = never.
  int TimerMilliseconds() const;

  // Everything that happened; `revents` is what poll said of poll_fd(). False
  // if the connection is lost.
  bool TakeEvents(short revents, std::string* why);
  void OnTimer();

  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  // As the stream calls of chimney.h.
  ssize_t Receive(std::byte* data, size_t bytes);
  ssize_t Send(const std::byte* data, size_t bytes);
  int Shutdown();
  // Our FIN has been acknowledged, or is the kernel's to send.
  bool shutdown_complete() const { return shutdown_complete_; }
  bool shutdown_failed() const { return shutdown_failed_; }

  bool was_offloaded() const { return !stats_->offload_ns.empty(); }
  // Gives the connection back to the kernel, as far as that goes, so that the
  // socket can be closed like any other.
  void Settle();

 private:
  void OnEvent(const hostapi::Event& event);
  void OnOffloadFailed(const hostapi::Event& event);
  void BeginOffload();
  void BeginUpload();
  void SetTimer();
  uint32_t SinceRequest() const;

  const NcOptions& options_;
  const int fd_;
  NcStats* stats_;
  hostapi::Session session_;
  hostapi::Connection connection_;
  bool readable_ = true;
  bool writable_ = true;
  bool paused_ = false;
  bool shutdown_complete_ = false;
  bool shutdown_failed_ = false;
  std::string last_refusal_;  // each reason is said once
  Clock::time_point requested_at_;
  bool requested_ = false;
  Clock::time_point timer_at_;
  bool timer_set_ = false;
};

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_NC_LINK_H_
