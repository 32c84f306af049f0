// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc's loop: never blocks but in poll, never spins.
#include "hostapi/tools/nc_relay.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace chimney::tools {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

std::string StreamFailure(const char* what, ssize_t result) {
  const std::string text = result == CHIMNEY_E_SYSTEM
                               ? std::strerror(errno)
                               : chimney_strerror(static_cast<int>(result));
  return std::string(what) + ": " + text;
}

}  // namespace

NcRelay::NcRelay(NcLink* link, int input_fd, int output_fd, NcStats* stats)
    : link_(link), input_fd_(input_fd), output_fd_(output_fd), stats_(stats) {
  outgoing_.bytes.resize(kBufferBytes);
  incoming_.bytes.resize(kBufferBytes);
}

bool NcRelay::Finished() const {
  return peer_ended_ && incoming_.empty() && shutdown_sent_ &&
         link_->shutdown_complete();
}

bool NcRelay::Run(std::string* why) {
  bool moved = true;
  while (!Finished()) {
    if (!Wait(moved, why)) return false;
    moved = false;
    if (!MoveInput(&moved, why) || !MoveOutput(&moved, why)) return false;
  }
  if (link_->shutdown_failed()) {
    *why = "the peer did not acknowledge everything";
    return false;
  }
  return true;
}

// Takes events in; sleeps unless there may be more to move right away.
bool NcRelay::Wait(bool moved, std::string* why) {
  pollfd fds[3];
  nfds_t count = 0;
  fds[count++] = {
      link_->poll_fd(),
      link_->poll_events(incoming_.empty() && !peer_ended_, !outgoing_.empty()),
      0};
  pollfd* input = nullptr;
  pollfd* output = nullptr;
  if (!input_ended_ && !input_ready_ && outgoing_.empty()) {
    input = &fds[count];
    fds[count++] = {input_fd_, POLLIN, 0};
  }
  if (!incoming_.empty() && !output_ready_) {
    output = &fds[count];
    fds[count++] = {output_fd_, POLLOUT, 0};
  }
  const int timeout_ms = moved ? 0 : link_->TimerMilliseconds();
  if (poll(fds, count, timeout_ms) < 0 && errno != EINTR) {
    *why = StreamFailure("poll", CHIMNEY_E_SYSTEM);
    return false;
  }
  // Hang-up and error show in the read or write that follows.
  if (input != nullptr && input->revents != 0) input_ready_ = true;
  if (output != nullptr && output->revents != 0) output_ready_ = true;
  if (!link_->TakeEvents(fds[0].revents, why)) return false;
  link_->OnTimer();
  return true;
}

bool NcRelay::ReadInput(bool* moved, std::string* why) {
  if (input_ended_ || !input_ready_ || !outgoing_.empty()) return true;
  const ssize_t got =
      read(input_fd_, outgoing_.bytes.data(), outgoing_.bytes.size());
  input_ready_ = false;
  if (got < 0) {
    if (WouldBlock() || errno == EINTR) return true;
    *why = StreamFailure("standard input", CHIMNEY_E_SYSTEM);
    return false;
  }
  *moved = true;
  input_ended_ = got == 0;
  outgoing_.begin = 0;
  outgoing_.end = static_cast<size_t>(got);
  return true;
}

bool NcRelay::MoveInput(bool* moved, std::string* why) {
  if (!ReadInput(moved, why)) return false;
  while (!outgoing_.empty() && link_->writable()) {
    const ssize_t sent = link_->Send(outgoing_.bytes.data() + outgoing_.begin,
                                     outgoing_.end - outgoing_.begin);
    if (sent == CHIMNEY_E_AGAIN) break;
    if (sent < 0) {
      *why = StreamFailure("sending", sent);
      return false;
    }
    outgoing_.begin += static_cast<size_t>(sent);
    stats_->bytes_out += static_cast<uint64_t>(sent);
    *moved = true;
  }
  if (input_ended_ && outgoing_.empty() && !shutdown_sent_) {
    const int result = link_->Shutdown();
    if (result != CHIMNEY_OK) {
      *why = StreamFailure("half-closing", result);
      return false;
    }
    shutdown_sent_ = true;
    *moved = true;
  }
  return true;
}

bool NcRelay::WriteOutput(bool* moved, std::string* why) {
  while (!incoming_.empty() && output_ready_) {
    const ssize_t written =
        write(output_fd_, incoming_.bytes.data() + incoming_.begin,
              incoming_.end - incoming_.begin);
    if (written < 0) {
      if (errno == EINTR) continue;
      output_ready_ = false;
      if (WouldBlock()) return true;
      *why = StreamFailure("standard output", CHIMNEY_E_SYSTEM);
      return false;
    }
    incoming_.begin += static_cast<size_t>(written);
    *moved = true;
  }
  return true;
}

bool NcRelay::MoveOutput(bool* moved, std::string* why) {
  if (!WriteOutput(moved, why)) return false;
  if (peer_ended_ || !incoming_.empty() || !link_->readable()) return true;
  const ssize_t got =
      link_->Receive(incoming_.bytes.data(), incoming_.bytes.size());
  if (got == CHIMNEY_E_AGAIN) return true;
  if (got < 0) {
    *why = StreamFailure("receiving", got);
    return false;
  }
  *moved = true;
  peer_ended_ = got == 0;
  incoming_.begin = 0;
  incoming_.end = static_cast<size_t>(got);
  stats_->bytes_in += static_cast<uint64_t>(got);
  return WriteOutput(moved, why);
}

}  // namespace chimney::tools
