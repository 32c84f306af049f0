// SPDX-License-Identifier: BSD-3-Clause
// Time, segments in and out, and the calls of an application.
#include "tests/integration/differential/kernel_target.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace chimney::differential {
namespace {

using script::CallResult;
using script::SocketChoice;

// A kernel that sent something less than a millisecond ago may hold the next
// segment back, to send it together with one that another ACK will allow. Peers
// whose segments do not come all at once never see that.
constexpr Duration kApart = Duration::Millis(2);

int64_t MachineNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

CallResult ResultOf(int64_t value) {
  if (value >= 0) return {value, ""};
  const char* name = strerrorname_np(errno);
  return {-1, name == nullptr ? "?" : name};
}

}  // namespace

KernelTarget::KernelTarget() : epoch_nanos_(MachineNanos()) {}

KernelTarget::~KernelTarget() {
  if (fd_ >= 0) close(fd_);
}

std::string KernelTarget::Start(Duration now,
                                const script::ConnectionStart& start) {
  const std::string fault = Prepare(start);
  epoch_nanos_ = MachineNanos() - now.nanos();
  injected_at_ = now - kApart;
  return fault.empty() ? violation_ : fault;
}

Duration KernelTarget::now() const {
  return Duration::Nanos(MachineNanos() - epoch_nanos_);
}

void KernelTarget::Drain() {
  for (;;) {
    const std::vector<uint8_t> packet = lab_.Read();
    if (packet.empty()) return;
    if (auto received = Decode(packet)) {
      received->segment.flags &= static_cast<uint8_t>(~testing::kPsh);
      FillProbe(&received->segment);
      sent_.push_back({now(), received->ecn, received->segment});
    }
  }
}

// It is sent with the number before SND.UNA.
void KernelTarget::FillProbe(testing::WireSegment* segment) const {
  const bool probe = peer_window_closed_ && segment->payload.empty() &&
                     segment->flags == testing::kAck &&
                     segment->seq + 1 == peer_ack_;
  const uint32_t offset = peer_ack_ - first_seq_;
  if (!probe || offset >= written_.size()) return;
  segment->seq = peer_ack_;
  segment->payload = {written_[offset]};
}

void KernelTarget::AdvanceTo(Duration to) {
  Drain();
  for (Duration left = to - now(); left > Duration(); left = to - now()) {
    if (lab_.Wait(left.nanos())) Drain();
  }
}

void KernelTarget::AdvanceUntilSent(Duration limit) {
  Drain();
  while (sent_.empty() && now() < limit) {
    if (lab_.Wait((limit - now()).nanos())) Drain();
  }
}

std::optional<script::SentSegment> KernelTarget::NextSent() {
  Drain();
  if (sent_.empty()) return std::nullopt;
  script::SentSegment segment = std::move(sent_.front());
  sent_.pop_front();
  return segment;
}

void KernelTarget::Inject(const testing::WireSegment& segment,
                          script::EcnMark ecn) {
  AdvanceTo(injected_at_ + kApart);
  injected_at_ = now();
  peer_ack_ = segment.ack;
  peer_window_closed_ = segment.raw_window == 0;
  const std::string fault = lab_.Write(Encode(from_peer_, segment, ecn));
  if (violation_.empty()) violation_ = fault;
  Drain();
}

CallResult KernelTarget::Write(const std::vector<uint8_t>& bytes, bool more) {
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  const CallResult result =
      ResultOf(send(fd_, bytes.data(), bytes.size(), flags));
  if (result.value > 0) {
    written_.insert(written_.end(), bytes.begin(),
                    bytes.begin() + static_cast<ptrdiff_t>(result.value));
  }
  return result;
}

CallResult KernelTarget::Read(size_t max, std::vector<uint8_t>* bytes) {
  bytes->resize(max);
  const CallResult result =
      ResultOf(recv(fd_, bytes->data(), max, MSG_DONTWAIT));
  bytes->resize(static_cast<size_t>(std::max<int64_t>(result.value, 0)));
  return result;
}

CallResult KernelTarget::ShutdownWrite() {
  return ResultOf(shutdown(fd_, SHUT_WR));
}

CallResult KernelTarget::Close() {
  return ResultOf(close(std::exchange(fd_, -1)));
}

void KernelTarget::Set(int level, int option, int value, const char* what) {
  if (setsockopt(fd_, level, option, &value, sizeof(value)) == 0) return;
  if (violation_.empty()) {
    violation_ = std::string(what) + ": " + std::strerror(errno);
  }
}

std::string KernelTarget::Choose(SocketChoice choice, int64_t value) {
  if (fd_ < 0) {
    choices_.emplace_back(choice, value);
    return "";
  }
  const int number = static_cast<int>(value);
  switch (choice) {
    case SocketChoice::kNoDelay:
      Set(IPPROTO_TCP, TCP_NODELAY, number, "TCP_NODELAY");
      break;
    case SocketChoice::kKeepalive:
      Set(SOL_SOCKET, SO_KEEPALIVE, number, "SO_KEEPALIVE");
      break;
    case SocketChoice::kKeepaliveIdle:
      Set(IPPROTO_TCP, TCP_KEEPIDLE, number, "TCP_KEEPIDLE");
      break;
    case SocketChoice::kKeepaliveInterval:
      Set(IPPROTO_TCP, TCP_KEEPINTVL, number, "TCP_KEEPINTVL");
      break;
    case SocketChoice::kKeepaliveProbes:
      Set(IPPROTO_TCP, TCP_KEEPCNT, number, "TCP_KEEPCNT");
      break;
    case SocketChoice::kUserTimeout:
      Set(IPPROTO_TCP, TCP_USER_TIMEOUT, number, "TCP_USER_TIMEOUT");
      break;
    case SocketChoice::kResetOnClose: {
      const linger at_once{number, 0};
      setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      break;
    }
    case SocketChoice::kReceiveBuffer:
    case SocketChoice::kPathMtu:
      return "a kernel learns that by itself";
  }
  return "";
}

std::string KernelTarget::Terminate() { return "a kernel has nowhere to go"; }
std::string KernelTarget::Offload() { return "a kernel has nowhere to go"; }

}  // namespace chimney::differential
