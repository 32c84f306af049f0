// SPDX-License-Identifier: BSD-3-Clause
#include "tests/integration/differential/tun_namespace.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace chimney::differential {
namespace {

constexpr size_t kMostPacketBytes = 65536;

std::string SystemFault(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

// In the namespace of the calling thread.
bool Shell(const std::string& command) {
  return std::system(("{ " + command + "; } >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

bool CanMakeNamespaces(std::string* why_not) {
  if (geteuid() != 0) {
    *why_not = "needs root: run it with sudo";
    return false;
  }
  if (access("/dev/net/tun", R_OK | W_OK) != 0 || !Shell("ip -V")) {
    *why_not = "needs /dev/net/tun and iproute2";
    return false;
  }
  return true;
}

TunNamespace::~TunNamespace() {
  if (tun_ >= 0) close(tun_);
}

std::string TunNamespace::Make(uint32_t mtu_bytes) {
  if (unshare(CLONE_NEWNET) != 0) return SystemFault("unshare");
  tun_ = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (tun_ < 0) return SystemFault("open /dev/net/tun");
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof(request.ifr_name), "tun0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun_, TUNSETIFF, &request) != 0) return SystemFault("TUNSETIFF");
  // A packet that the kernel sends by itself when the device comes up must not
  // be taken for one of the connection: Decode() looks at the protocol.
  const std::string setup = "ip link set lo up && ip link set tun0 mtu " +
                            std::to_string(mtu_bytes) +
                            " up && ip addr add 10.99.0.1/24 dev tun0";
  if (!Shell(setup)) return "cannot set up tun0: " + setup;
  // IPv6 needs links that take 1280 bytes (RFC 8200 section 5).
  if (mtu_bytes >= 1280 && !Shell("ip addr add fd99::1/64 dev tun0 nodad")) {
    return "cannot give tun0 an IPv6 address";
  }
  return "";
}

std::string TunNamespace::SetSysctl(std::string_view name, int64_t value) {
  const std::string path = "/proc/sys/net/ipv4/" + std::string(name);
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return SystemFault("open " + path);
  const std::string text = std::to_string(value);
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const std::string fault = written ? "" : SystemFault("write " + path);
  close(fd);
  return fault;
}

std::string TunNamespace::SetRouteMetrics(bool ipv6,
                                          const std::string& metrics) {
  const std::string command =
      ipv6 ? "ip -6 route replace fd99::/64 dev tun0 proto kernel metric 256 " +
                 metrics
           : "ip route replace 10.99.0.0/24 dev tun0 proto kernel scope link "
             "src 10.99.0.1 " +
                 metrics;
  return Shell(command) ? "" : "cannot do: " + command;
}

std::vector<uint8_t> TunNamespace::Read() {
  std::vector<uint8_t> packet(kMostPacketBytes);
  const ssize_t got = read(tun_, packet.data(), packet.size());
  packet.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return packet;
}

bool TunNamespace::Wait(int64_t nanos) {
  pollfd ready{tun_, POLLIN, 0};
  nanos = std::max<int64_t>(nanos, 0);
  const timespec limit{nanos / 1'000'000'000, nanos % 1'000'000'000};
  return ppoll(&ready, 1, &limit, nullptr) == 1;
}

std::string TunNamespace::Write(const std::vector<uint8_t>& packet) {
  const ssize_t put = write(tun_, packet.data(), packet.size());
  return put == static_cast<ssize_t>(packet.size()) ? ""
                                                    : SystemFault("write tun");
}

}  // namespace chimney::differential
