// SPDX-License-Identifier: BSD-3-Clause
#include "frame_socket.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace chimney::wire {
namespace {

constexpr int kBufferBytes = 64 << 20;

// Room for the one control message that is asked for.
struct ArrivalBuffer {
  alignas(cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(timespec))];
};

int64_t Nanos(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// 0 if the kernel did not say when the frame arrived.
int64_t AgeNs(msghdr* message, int64_t now_ns) {
  for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr;
       header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET ||
        header->cmsg_type != SCM_TIMESTAMPNS) {
      continue;
    }
    timespec arrival{};
    std::memcpy(&arrival, CMSG_DATA(header), sizeof(arrival));
    return std::max<int64_t>(now_ns - Nanos(arrival), 0);
  }
  return 0;
}

[[noreturn]] void Fail(const std::string& name, const char* what) {
  fprintf(stderr, "integration_wire: %s: %s: %s\n", name.c_str(), what,
          strerror(errno));
  exit(1);
}

}  // namespace

FrameSocket::FrameSocket(const std::string& interface_name) {
  // No protocol yet, so that nothing arrives before the buffer is large.
  fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) Fail(interface_name, "cannot open a packet socket");
  const int size = kBufferBytes;
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0 ||
      setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
    Fail(interface_name, "cannot enlarge the buffers");
  }
  const int on = 1;
  if (setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0) {
    Fail(interface_name, "cannot ask for times of arrival");
  }
  if (setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) !=
          0 ||
      setsockopt(fd_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0) {
    Fail(interface_name, "cannot set packet options");
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex =
      static_cast<int>(if_nametoindex(interface_name.c_str()));
  if (address.sll_ifindex == 0) Fail(interface_name, "no such interface");
  packet_mreq everything{};
  everything.mr_ifindex = address.sll_ifindex;
  everything.mr_type = PACKET_MR_PROMISC;
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      setsockopt(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &everything,
                 sizeof(everything)) != 0) {
    Fail(interface_name, "cannot bind");
  }
}

FrameSocket::~FrameSocket() { close(fd_); }

size_t FrameSocket::Receive(std::span<Slot> slots) {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> pieces;
  std::array<ArrivalBuffer, kBatch> arrivals;
  const size_t wanted = std::min(slots.size(), kBatch);
  for (size_t i = 0; i < wanted; ++i) {
    pieces[i] = {slots[i].bytes.data(), slots[i].bytes.size()};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = arrivals[i].bytes;
    messages[i].msg_hdr.msg_controllen = sizeof(arrivals[i].bytes);
  }
  const int got = recvmmsg(fd_, messages.data(),
                           static_cast<unsigned int>(wanted), 0, nullptr);
  if (got <= 0) return 0;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);  // the clock of SO_TIMESTAMPNS
  for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
    slots[i].bytes = slots[i].bytes.first(messages[i].msg_len);
    slots[i].age_ns = AgeNs(&messages[i].msg_hdr, Nanos(now));
  }
  return static_cast<size_t>(got);
}

size_t FrameSocket::Send(std::span<const ByteSpan> frames) {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> pieces;
  const size_t wanted = std::min(frames.size(), kBatch);
  for (size_t i = 0; i < wanted; ++i) {
    pieces[i] = {const_cast<uint8_t*>(frames[i].data()), frames[i].size()};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  size_t sent = 0;
  while (sent < wanted) {
    const int count = sendmmsg(fd_, messages.data() + sent,
                               static_cast<unsigned int>(wanted - sent), 0);
    if (count > 0) {
      sent += static_cast<size_t>(count);
    } else if (errno == EAGAIN || errno == EINTR) {
      break;
    } else {
      // The interface took the frame and dropped it, or it is too long.
      ++refused_;
      ++sent;
    }
  }
  return sent;
}

uint64_t FrameSocket::Drops() {
  tpacket_stats stats{};
  socklen_t length = sizeof(stats);
  if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0) {
    drops_ += stats.tp_drops;
  }
  return drops_;
}

}  // namespace chimney::wire
