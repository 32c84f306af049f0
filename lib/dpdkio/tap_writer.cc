// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/tap_writer.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <rte_mbuf.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace chimney::dpdkio {

namespace {

// Whether each frame on that interface's descriptors is preceded by a tun_pi,
// as net_tap has it. TUNGETIFF does not tell: there IFF_NO_PI's bit means
// something else as well.
bool HasPacketHeader(const std::string& interface_name) {
  std::ifstream file("/sys/class/net/" + interface_name + "/tun_flags");
  unsigned int flags = 0;
  if (!(file >> std::hex >> flags)) return true;
  return (flags & IFF_NO_PI) == 0;
}

}  // namespace

std::unique_ptr<TapWriter> TapWriter::Open(const std::string& interface_name) {
  std::error_code failed;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd < 0) continue;
    // Other files' drivers may know that request number by another meaning.
    if (std::filesystem::read_symlink(entry.path(), failed) != "/dev/net/tun") {
      continue;
    }
    ifreq interface {};
    if (ioctl(fd, TUNGETIFF, &interface) != 0 ||
        interface_name != interface.ifr_name ||
        (interface.ifr_flags & (IFF_TAP | IFF_VNET_HDR)) != IFF_TAP) {
      continue;
    }
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return nullptr;
    return std::unique_ptr<TapWriter>(
        new TapWriter(own, HasPacketHeader(interface_name)));
  }
  return nullptr;
}

TapWriter::~TapWriter() { close(fd_); }

bool TapWriter::Write(const rte_mbuf* frame) const {
  // As many pieces as a made frame has, and a tun_pi before them.
  std::array<iovec, 16> pieces;
  tun_pi packet_header{};
  size_t count = 0;
  if (has_packet_header_) {
    pieces[count++] = iovec{&packet_header, sizeof(packet_header)};
  }
  for (const rte_mbuf* piece = frame; piece != nullptr; piece = piece->next) {
    if (count == pieces.size()) return false;
    pieces[count++] =
        iovec{rte_pktmbuf_mtod(piece, void*), rte_pktmbuf_data_len(piece)};
  }
  return writev(fd_, pieces.data(), static_cast<int>(count)) >= 0;
}

}  // namespace chimney::dpdkio
