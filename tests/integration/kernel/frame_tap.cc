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

namespace {

using Side = NamespacePair::Side;

// A packet socket of the present namespace.
int OpenTap(int interface_index, uint16_t protocol) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int large = 64 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof(large));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = interface_index;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("bind a packet socket");
  }
  return fd;
}

void SendFrame(int fd, const packet::HeaderTemplate& headers,
               const packet::SegmentHeader& header, ByteSpan payload) {
  std::array<uint8_t, 2048> frame;
  const size_t bytes = packet::BuildFrame(headers, header, 0, payload, frame);
  if (bytes == 0 ||
      send(fd, frame.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
    throw std::runtime_error("send a frame");
  }
}

}  // namespace

FrameTap::FrameTap(NamespacePair& lab) : lab_(lab) {
  lab.Enter(Side::kPeer);
  fd_ = OpenTap(lab.peer_interface(), ETH_P_ALL);
  lab.Enter(Side::kHost);
  host_fd_ = OpenTap(lab.host_interface(), 0);
}

FrameTap::~FrameTap() {
  close(fd_);
  close(host_fd_);
}

std::vector<SeenSegment> FrameTap::Take() {
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
    if (verdict != packet::FrameVerdict::kTcp ||
        view.ethernet.src != lab_.host_mac())
      continue;
    SeenSegment segment{view.segment,
                        static_cast<uint32_t>(view.segment.payload.size())};
    segment.segment.payload = ByteSpan();
    seen.push_back(segment);
  }
}

void FrameTap::Inject(const SocketImage& image, const PeerSegment& segment,
                      ByteSpan payload) {
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
  SendFrame(fd_, headers, header, payload);
}

void FrameTap::SendFromHost(const SocketImage& image, SeqNum seq,
                            packet::TcpFlags flags, ByteSpan payload) {
  packet::HeaderTemplate headers;
  headers.src_mac = lab_.host_mac();
  headers.dst_mac = lab_.peer_mac();
  headers.tuple = image.snapshot.Tuple();
  packet::SegmentHeader header;
  header.seq = seq;
  header.ack = image.snapshot.tcp.delegated.rcv_nxt;
  header.flags = flags | packet::kTcpAck;
  header.window_raw = 500;
  header.options.has_timestamps =
      image.snapshot.tcp.constant.timestamps_enabled;
  header.options.tsval = image.snapshot.tcp.delegated.ts_time;
  SendFrame(host_fd_, headers, header, payload);
}

}  // namespace chimney::kernel
