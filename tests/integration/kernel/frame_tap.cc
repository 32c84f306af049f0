// SPDX-License-Identifier: BSD-3-Clause
#include "frame_tap.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "packet/frame_builder.h"
#include "packet/frame_view.h"

namespace chimney::kernel {

FrameTap::FrameTap(NamespacePair& lab) : lab_(lab) {
  lab.Enter(NamespacePair::Side::kPeer);
  fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
               htons(ETH_P_ALL));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = lab.peer_interface();
  const int large = 64 << 20;
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof(large));
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("bind a packet socket");
  }
  lab.Enter(NamespacePair::Side::kHost);
}

FrameTap::~FrameTap() { close(fd_); }

std::vector<SeenSegment> FrameTap::Take(uint16_t host_port) {
  std::vector<SeenSegment> seen;
  std::vector<uint8_t> frame(128 * 1024);
  for (;;) {
    const ssize_t got = recv(fd_, frame.data(), frame.size(), MSG_DONTWAIT);
    if (got < 0) return seen;
    packet::FrameView view;
    // On a veth checksums are left to nobody, and large segments stay whole.
    const packet::ParseOptions trusted{.ip_checksum_trusted = true,
                                       .l4_checksum_trusted = true};
    const packet::FrameVerdict verdict = packet::ParseFrame(
        ByteSpan(frame).first(static_cast<size_t>(got)), trusted, &view);
    if (verdict != packet::FrameVerdict::kTcp || view.src_port != host_port)
      continue;
    SeenSegment segment{view.segment,
                        static_cast<uint32_t>(view.segment.payload.size())};
    segment.segment.payload = ByteSpan();
    seen.push_back(segment);
  }
}

void FrameTap::Inject(const SocketImage& image, const PeerSegment& segment) {
  packet::HeaderTemplate headers;
  headers.src_mac = lab_.peer_mac();
  headers.dst_mac = lab_.host_mac();
  headers.tuple = image.snapshot.Tuple().Reversed();
  packet::SegmentHeader header;
  header.seq = segment.seq;
  header.ack = segment.ack;
  header.flags = packet::kTcpAck;
  if (segment.fin) header.flags |= packet::kTcpFin;
  if (segment.rst) header.flags |= packet::kTcpRst;
  header.window_raw = segment.window_raw;
  header.options.has_timestamps = segment.has_timestamps;
  header.options.tsval = segment.tsval;
  header.options.tsecr = segment.tsecr;
  std::array<uint8_t, packet::kMaxHeaderBytes> frame;
  const size_t bytes =
      packet::BuildFrame(headers, header, 0, ByteSpan(), frame);
  if (bytes == 0 ||
      send(fd_, frame.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
    throw std::runtime_error("inject a segment");
  }
}

}  // namespace chimney::kernel
