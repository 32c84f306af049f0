// SPDX-License-Identifier: BSD-3-Clause
#include "namespace_pair.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace chimney::kernel {

namespace {

[[noreturn]] void Die(const std::string& what) {
  std::perror(what.c_str());
  std::abort();
}

int OpenOwnNamespace() {
  const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd < 0) Die("open namespace");
  return fd;
}

int MakeNamespace() {
  if (unshare(CLONE_NEWNET) != 0) Die("unshare");
  return OpenOwnNamespace();
}

bool Shell(const std::string& command) {
  return std::system(("{ " + command + "; } >/dev/null 2>&1").c_str()) == 0;
}

void Must(const std::string& command) {
  if (!Shell(command)) Die(command);
}

// Reno, which every kernel has: an end that models its path (BBR, a default of
// some machines) takes what a hand-over without a hold drops for a path of a
// few kilobytes a second, and keeps to it for minutes.
void ChooseCongestionControl() {
  Must("echo reno > /proc/sys/net/ipv4/tcp_congestion_control");
}

MacAddress MacOf(const char* interface_name) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
                interface_name);
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) Die("SIOCGIFHWADDR");
  close(fd);
  MacAddress mac;
  std::copy_n(reinterpret_cast<const uint8_t*>(request.ifr_hwaddr.sa_data),
              mac.bytes.size(), mac.bytes.begin());
  return mac;
}

}  // namespace

bool CanMakeNamespaces(std::string* why_not) {
  if (geteuid() != 0) {
    *why_not = "needs root: run it with sudo";
    return false;
  }
  if (!Shell("ip -V") || !Shell("nft -v")) {
    *why_not = "needs iproute2 and nftables";
    return false;
  }
  return true;
}

NamespacePair::NamespacePair() : original_fd_(OpenOwnNamespace()) {
  peer_fd_ = MakeNamespace();
  host_fd_ = MakeNamespace();
  const std::string peer_path =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(peer_fd_);
  Must("ip link set lo up");
  ChooseCongestionControl();
  Must("ip link add host0 type veth peer name peer0");
  Must("ip link set peer0 netns " + peer_path);
  Must("ip addr add 10.99.0.1/24 dev host0");
  Must("ip addr add fd99::1/64 dev host0 nodad");
  Must("ip link set host0 up");
  host_interface_ = static_cast<int>(if_nametoindex("host0"));
  host_mac_ = MacOf("host0");
  Enter(Side::kPeer);
  Must("ip link set lo up");
  ChooseCongestionControl();
  Must("ip addr add 10.99.0.2/24 dev peer0");
  Must("ip addr add fd99::2/64 dev peer0 nodad");
  Must("ip link set peer0 up");
  peer_interface_ = static_cast<int>(if_nametoindex("peer0"));
  peer_mac_ = MacOf("peer0");
  Enter(Side::kHost);
  // The carrier and the first resolutions take a moment.
  Must(
      "for i in 1 2 3 4 5 6 7 8 9 10; do ping -c1 -W1 10.99.0.2 && "
      "ping -c1 -W1 fd99::2 && exit 0; sleep 0.1; done; exit 1");
}

NamespacePair::~NamespacePair() {
  if (setns(original_fd_, CLONE_NEWNET) != 0) Die("setns");
  close(host_fd_);
  close(peer_fd_);
  close(original_fd_);
}

int NamespacePair::NamespaceFd(Side side) const {
  return side == Side::kHost ? host_fd_ : peer_fd_;
}

void NamespacePair::Enter(Side side) {
  if (setns(NamespaceFd(side), CLONE_NEWNET) != 0) Die("setns");
}

bool NamespacePair::Run(Side side, const std::string& command) {
  const int before = OpenOwnNamespace();
  Enter(side);
  const bool done = Shell(command);
  if (setns(before, CLONE_NEWNET) != 0) Die("setns");
  close(before);
  return done;
}

void NamespacePair::DropTowardsPeer(bool on) { DropTcpInPeer("input", on); }
void NamespacePair::DropFromPeer(bool on) { DropTcpInPeer("output", on); }

void NamespacePair::DropTcpInPeer(const std::string& hook, bool on) {
  const std::string table = "inet chimneytest_" + hook;
  const std::string chain = table + " drops";
  const std::string command =
      on ? "nft add table " + table + " && nft add chain " + chain +
               " '{ type filter hook " + hook + " priority 0; }' && " +
               "nft add rule " + chain + " meta l4proto tcp drop"
         : "nft delete table " + table;
  if (!Run(Side::kPeer, command)) Die(command);
}

}  // namespace chimney::kernel
