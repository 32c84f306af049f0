// SPDX-License-Identifier: BSD-3-Clause
// Brings a socket into the state a script begins with, by TCP_REPAIR. What
// that cannot set, the first sample of the round trip, comes from a byte in
// front of the script's first, which the peer acknowledges in that time.
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "tests/integration/differential/kernel_target.h"

namespace chimney::differential {
namespace {

using script::ConnectionStart;
using script::EcnMark;

constexpr uint16_t kPort = 40000;
constexpr uint16_t kPeerPort = 50000;
constexpr int kSendBufferBytes = 8 << 20;
constexpr int kReceiveQueue = 1;
constexpr int kSendQueue = 2;
constexpr int64_t kOutOfRepair = -1;  // and no window probe

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::vector<uint8_t> bytes;
};

Address MakeAddress(bool ipv6, uint8_t last, uint16_t port) {
  Address address;
  if (ipv6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    address.bytes = {0xfd, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
    std::memcpy(&in6->sin6_addr, address.bytes.data(), address.bytes.size());
    address.length = sizeof(*in6);
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    address.bytes = {10, 99, 0, last};
    std::memcpy(&in->sin_addr, address.bytes.data(), address.bytes.size());
    address.length = sizeof(*in);
  }
  return address;
}

std::string SystemFault(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

// The byte in front costs one sequence number.
bool HasSample(const ConnectionStart& start) { return start.rtt > Duration(); }
uint32_t FirstSeq(const ConnectionStart& start) {
  return start.snd_nxt - (HasSample(start) ? 1 : 0);
}

}  // namespace

std::string KernelTarget::SetOption(std::string_view name,
                                    std::string_view value) {
  if (name == "profile") return value == "linux" ? "" : "no kernel has that";
  if (name == "ip_version") {
    ipv6_ = value == "ipv6";
    return "";
  }
  if (name == "congestion_control") {
    congestion_control_ = value;
    return "";
  }
  const int64_t number = std::atoll(std::string(value).c_str());
  if (name == "mtu") {
    mtu_bytes_ = static_cast<uint32_t>(number);
  } else if (name == "quick_ack_segments") {
    quick_acks_ = number != 0;
  } else if (name == "max_retransmissions") {
    sysctls_["tcp_retries2"] = number;
  } else if (name == "tail_loss_probe") {
    sysctls_["tcp_early_retrans"] = number == 0 ? 0 : 3;
  } else if (name == "f_rto") {
    sysctls_["tcp_frto"] = number == 0 ? 0 : 2;
  } else {
    return "a kernel has no --" + std::string(name);
  }
  return "";
}

std::string KernelTarget::Prepare(const ConnectionStart& start) {
  first_seq_ = FirstSeq(start);
  std::string fault = lab_.Make(mtu_bytes_);
  // Nothing that another connection left behind, and no probe of the tail
  // while the sample is taken.
  sysctls_.try_emplace("tcp_early_retrans", 3);
  std::map<std::string, int64_t> before = sysctls_;
  before["tcp_no_metrics_save"] = 1;
  before["tcp_early_retrans"] = 0;
  // A restored socket reckons with the options that its kernel would offer.
  before["tcp_timestamps"] = start.timestamps ? 1 : 0;
  for (const auto& [name, value] : before) {
    if (fault.empty()) fault = lab_.SetSysctl(name, value);
  }
  std::string metrics;
  if (start.cwnd_segments != 0) {
    metrics += " initcwnd " + std::to_string(start.cwnd_segments);
  }
  if (start.ssthresh_segments != 0) {
    metrics += " ssthresh lock " + std::to_string(start.ssthresh_segments);
  }
  if (fault.empty() && !metrics.empty()) {
    fault = lab_.SetRouteMetrics(ipv6_, metrics);
  }
  if (fault.empty()) fault = OpenSocket(start);
  if (fault.empty()) fault = Connect(start);
  if (fault.empty()) fault = RestoreOptions(start);
  if (fault.empty()) fault = RestoreWindow(start);
  if (!fault.empty()) return fault;
  Set(IPPROTO_TCP, TCP_REPAIR, kOutOfRepair, "leave TCP_REPAIR");
  if (!quick_acks_) Set(IPPROTO_TCP, TCP_QUICKACK, 0, "TCP_QUICKACK");
  for (const auto& [choice, value] : choices_) {
    if (fault.empty()) fault = Choose(choice, value);
  }
  if (fault.empty()) fault = WarmUp(start);
  if (!fault.empty()) return fault;
  return lab_.SetSysctl("tcp_early_retrans", sysctls_["tcp_early_retrans"]);
}

std::string KernelTarget::OpenSocket(const ConnectionStart& start) {
  fd_ = socket(ipv6_ ? AF_INET6 : AF_INET,
               SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return SystemFault("socket");
  if (setsockopt(fd_, IPPROTO_TCP, TCP_CONGESTION, congestion_control_.data(),
                 static_cast<socklen_t>(congestion_control_.size())) != 0) {
    return SystemFault("TCP_CONGESTION");
  }
  Set(SOL_SOCKET, SO_SNDBUFFORCE, kSendBufferBytes, "SO_SNDBUFFORCE");
  // The kernel doubles it, and counts its own bookkeeping.
  Set(SOL_SOCKET, SO_RCVBUFFORCE, static_cast<int>(start.receive_buffer_bytes),
      "SO_RCVBUFFORCE");
  return violation_;
}

std::string KernelTarget::SetQueueSeq(int queue, uint32_t seq) {
  Set(IPPROTO_TCP, TCP_REPAIR_QUEUE, queue, "TCP_REPAIR_QUEUE");
  Set(IPPROTO_TCP, TCP_QUEUE_SEQ, static_cast<int>(seq), "TCP_QUEUE_SEQ");
  return violation_;
}

std::string KernelTarget::Connect(const ConnectionStart& start) {
  const Address own = MakeAddress(ipv6_, 1, kPort);
  const Address peer = MakeAddress(ipv6_, 2, kPeerPort);
  from_peer_ = {peer.bytes, own.bytes, kPeerPort, kPort};
  Set(IPPROTO_TCP, TCP_REPAIR, 1, "TCP_REPAIR");
  SetQueueSeq(kSendQueue, FirstSeq(start));
  SetQueueSeq(kReceiveQueue, start.rcv_nxt);
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&own.storage), own.length) !=
      0) {
    return SystemFault("bind");
  }
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&peer.storage),
              peer.length) != 0) {
    return SystemFault("connect");
  }
  return violation_;
}

std::string KernelTarget::RestoreOptions(const ConnectionStart& start) {
  // Kinds of a SYN's options (RFC 9293, 7323, 2018).
  std::array<tcp_repair_opt, 4> options{};
  size_t count = 0;
  options[count++] = {2, start.peer_mss};
  const uint32_t shifts = start.window_scaling
                              ? start.peer_wscale | uint32_t{start.own_wscale}
                                                        << 16
                              : 0;
  options[count++] = {3, shifts};
  if (start.sack) options[count++] = {4, 0};
  if (start.timestamps) options[count++] = {8, 0};
  if (setsockopt(fd_, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options.data(),
                 static_cast<socklen_t>(count * sizeof(options[0]))) != 0) {
    return SystemFault("TCP_REPAIR_OPTIONS");
  }
  // Makes the segment size follow.
  if (setsockopt(fd_, IPPROTO_IP, IP_OPTIONS, nullptr, 0) != 0) {
    return SystemFault("IP_OPTIONS");
  }
  if (start.timestamps) {
    // The script's clock begins when the sample has been taken. The lowest bit
    // would choose a clock of microseconds.
    const auto wait = static_cast<uint32_t>(start.rtt.millis());
    Set(IPPROTO_TCP, TCP_TIMESTAMP,
        static_cast<int>((start.ts_now - wait) & ~1U), "TCP_TIMESTAMP");
  }
  return violation_;
}

std::string KernelTarget::RestoreWindow(const ConnectionStart& start) {
  const uint32_t shift = start.window_scaling ? start.own_wscale : 0;
  tcp_repair_window window{};
  window.snd_wl1 = start.rcv_nxt;
  // The byte in front needs room.
  const uint32_t room = HasSample(start) ? 1 : 0;
  window.snd_wnd = std::max(start.snd_wnd_bytes, room);
  window.max_window = window.snd_wnd;
  window.rcv_wnd =
      std::min<uint32_t>(start.receive_buffer_bytes >> shift, 0xffff) << shift;
  window.rcv_wup = start.rcv_nxt;
  if (setsockopt(fd_, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window,
                 sizeof(window)) != 0) {
    return SystemFault("TCP_REPAIR_WINDOW");
  }
  return "";
}

std::string KernelTarget::WarmUp(const ConnectionStart& start) {
  testing::WireSegment ack;
  ack.flags = testing::kAck;
  ack.seq = start.rcv_nxt;
  ack.ack = start.snd_nxt;
  const uint32_t shift = start.window_scaling ? start.peer_wscale : 0;
  ack.raw_window = static_cast<uint16_t>(
      std::min<uint32_t>(start.snd_wnd_bytes >> shift, 0xffff));
  uint32_t echo = start.ts_now;
  if (HasSample(start)) {
    if (Write({0}, false).value != 1) return SystemFault("the first byte");
    AdvanceUntilSent(now() + Duration::Seconds(2));
    const auto first = NextSent();
    if (!first) return "the first byte was not sent";
    if (first->segment.timestamps) echo = first->segment.timestamps->value;
    AdvanceTo(first->at + start.rtt);
  }
  if (start.timestamps) {
    ack.timestamps = testing::WireSegment::Timestamps{start.ts_recent, echo};
  }
  Inject(ack, EcnMark::kNotEct);
  // A restored socket expects a closed window, and does not see that it is one
  // (its header prediction was set up before its window was).
  if (start.snd_wnd_bytes == 0) Inject(ack, EcnMark::kNotEct);
  int unacknowledged = 0;
  ioctl(fd_, SIOCOUTQ, &unacknowledged);
  if (unacknowledged != 0) return "the first byte is not acknowledged";
  return NextSent() ? "sends something before the script begins" : "";
}

}  // namespace chimney::differential
