// SPDX-License-Identifier: BSD-3-Clause
// What a kernel tells of a connection, by the names that scripts use.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/integration/differential/kernel_target.h"
#include "tests/script/kernel_names.h"

namespace chimney::differential {
namespace {

struct Entry {
  std::string_view name;
  int64_t (*value)(const tcp_info&);
};

// Not the round trip and what is computed from it: it is never the same twice.
constexpr Entry kEntries[] = {
    {"tcpi_ca_state",
     [](const tcp_info& i) { return int64_t{i.tcpi_ca_state}; }},
    {"tcpi_retransmits",
     [](const tcp_info& i) { return int64_t{i.tcpi_retransmits}; }},
    {"tcpi_backoff", [](const tcp_info& i) { return int64_t{i.tcpi_backoff}; }},
    {"tcpi_snd_mss", [](const tcp_info& i) { return int64_t{i.tcpi_snd_mss}; }},
    {"tcpi_pmtu", [](const tcp_info& i) { return int64_t{i.tcpi_pmtu}; }},
    {"tcpi_unacked", [](const tcp_info& i) { return int64_t{i.tcpi_unacked}; }},
    {"tcpi_sacked", [](const tcp_info& i) { return int64_t{i.tcpi_sacked}; }},
    {"tcpi_lost", [](const tcp_info& i) { return int64_t{i.tcpi_lost}; }},
    {"tcpi_retrans", [](const tcp_info& i) { return int64_t{i.tcpi_retrans}; }},
    {"tcpi_total_retrans",
     [](const tcp_info& i) { return int64_t{i.tcpi_total_retrans}; }},
    {"tcpi_snd_ssthresh",
     [](const tcp_info& i) { return int64_t{i.tcpi_snd_ssthresh}; }},
    {"tcpi_snd_cwnd",
     [](const tcp_info& i) { return int64_t{i.tcpi_snd_cwnd}; }},
    {"tcpi_notsent_bytes",
     [](const tcp_info& i) { return int64_t{i.tcpi_notsent_bytes}; }},
    {"tcpi_snd_wnd", [](const tcp_info& i) { return int64_t{i.tcpi_snd_wnd}; }},
    {"tcpi_probes", [](const tcp_info& i) { return int64_t{i.tcpi_probes}; }},
    // In bytes.
    {"cwnd",
     [](const tcp_info& i) {
       return int64_t{i.tcpi_snd_cwnd} * i.tcpi_snd_mss;
     }},
    {"ssthresh",
     [](const tcp_info& i) {
       return int64_t{i.tcpi_snd_ssthresh} * i.tcpi_snd_mss;
     }},
};

// A count of bytes that the socket tells by ioctl().
int64_t BytesIn(int fd, unsigned long request) {
  int bytes = 0;
  return ioctl(fd, request, &bytes) == 0 ? bytes : -1;
}

constexpr int64_t kClosed = 7;

}  // namespace

bool KernelTarget::HasInfo(std::string_view name) {
  if (name == "tcpi_state" || name == "unread" || name == "queued" ||
      name == "aborted" || script::KernelConstant(name)) {
    return true;
  }
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return true;
  }
  return false;
}

std::optional<int64_t> KernelTarget::Info(std::string_view name) const {
  if (const auto constant = script::KernelConstant(name)) return constant;
  if (fd_ < 0) {
    if (name == "tcpi_state") return StateOfOrphan();
    // Nobody is told or can read any more.
    if (name == "aborted" || name == "unread") return 0;
    return std::nullopt;
  }
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return std::nullopt;
  }
  // In FIN_WAIT2 and TIME_WAIT the socket may be closed already.
  if (name == "tcpi_state") {
    return info.tcpi_state == kClosed ? StateOfOrphan() : info.tcpi_state;
  }
  if (name == "aborted") return info.tcpi_state == kClosed ? 1 : 0;
  if (name == "unread") return BytesIn(fd_, SIOCINQ);
  if (name == "queued") return BytesIn(fd_, SIOCOUTQ);
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.value(info);
  }
  return std::nullopt;
}

// A connection lives on without its socket; only the namespace's list has it.
int64_t KernelTarget::StateOfOrphan() const {
  std::ifstream list(ipv6_ ? "/proc/thread-self/net/tcp6"
                           : "/proc/thread-self/net/tcp");
  std::string line;
  std::getline(list, line);
  if (!std::getline(list, line)) return kClosed;
  std::istringstream words(line);
  std::string number;
  std::string own;
  std::string peer;
  std::string state;
  words >> number >> own >> peer >> state;
  return std::stoll(state, nullptr, 16);
}

}  // namespace chimney::differential
