// SPDX-License-Identifier: BSD-3-Clause
// One kernel TCP connection taken out of its socket: all that is needed to run
// it elsewhere and to put it back (design D1-D3).
#ifndef CHIMNEY_KERNEL_SOCKET_IMAGE_H_
#define CHIMNEY_KERNEL_SOCKET_IMAGE_H_

#include <netinet/in.h>

#include <cstdint>
#include <vector>

#include "base/inet_address.h"
#include "base/seq.h"
#include "base/time.h"
#include "offload/state.h"

namespace chimney::kernel {

// An AF_INET or AF_INET6 address as the socket itself knows it: IPv4 on an
// IPv6 socket is v4-mapped here, and a link-local scope is kept.
union SocketAddress {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// Socket settings that repair mode, a disconnect or a placeholder would lose,
// as they were before the first step.
struct SavedSocketOptions {
  int reuse_address = 0;         // SO_REUSEADDR
  int keepalive = 0;             // SO_KEEPALIVE: off in a placeholder
  int send_buffer_bytes = 0;     // as getsockopt reports it (doubled)
  int receive_buffer_bytes = 0;  // the same
  int buffer_lock_bits = 0;      // SO_BUF_LOCK; -1 = kernel too old
  int peek_offset = -1;          // SO_PEEK_OFF
  int window_clamp_bytes = 0;    // TCP_WINDOW_CLAMP
  int quick_ack = 1;             // TCP_QUICKACK
  int rto_min_us = -1;           // TCP_RTO_MIN_US; -1 = kernel too old
  int delack_max_us = -1;        // TCP_DELACK_MAX_US; -1 = kernel too old
  // The application called shutdown(SHUT_RD) although the peer's FIN is not
  // here yet.
  bool receive_shut_down = false;
};

// The connection's millisecond timestamp clock minus CLOCK_MONOTONIC, kept over
// all hand-overs. The kernel's own clock can only be set to even values (bit 0
// tells the unit), so it may run one tick ahead; what it shows has bit 0
// cleared, too. Without this memory each hand-over would round the clock up.
struct TimestampOffset {
  bool known = false;
  uint32_t value = 0;
  uint32_t ahead = 0;  // of the kernel's clock, since the last Restore: 0 or 1
};

// What the kernel forgets when it takes a connection back, kept for the next
// time it is taken away: a connection that goes back and forth faster than its
// retransmission timer runs would otherwise never retransmit.
struct CarriedState {
  Duration srtt;  // zero = not known
  Duration rttvar;
  uint32_t ssthresh_bytes = 0xFFFFFFFF;
  // The retransmission (or persist) timer as it stood at the upload; it goes on
  // running as long as SND.UNA stays where it was.
  tcp::TimerState retransmit;  // delta counts from `uploaded_at`
  SeqNum snd_una;
  Instant uploaded_at;  // of CLOCK_MONOTONIC
};

struct SocketImage {
  // Left to the caller: neighbor, hash_value, TTL, DSCP and flow label as seen
  // on the wire (the values here are the socket's settings), and, while
  // ts_recent_known is false, delegated.ts_recent. The kernel does not reveal
  // TS.Recent; it is the TSecr of any segment that the kernel sends, so the
  // fence's answer tells it (design D2).
  offload::ConnectionSnapshot snapshot;
  bool ts_recent_known = false;  // set by the caller with ts_recent

  // Queue contents. send_bytes starts at snd_una; the first
  // (snd_max - snd_una), a FIN aside, have been sent.
  std::vector<uint8_t> send_bytes;
  std::vector<uint8_t> receive_bytes;  // end at rcv_nxt, a FIN aside

  // The socket holds received bytes that are not in receive_bytes: probably
  // out of order, they are lost by a placeholder and the peer must send them
  // again (a peer that had them SACKed finds out by a timeout). Best left to
  // the kernel until the hole is filled. Certain only when receive_bytes is
  // empty; the SACK blocks of the fence's answer tell for sure.
  bool holds_out_of_order = false;

  SavedSocketOptions options;
  // How far the kernel would let this socket's receive buffer grow.
  uint32_t max_receive_buffer_bytes = 0;
  // These two are set by Restore and kept by the next Freeze.
  TimestampOffset timestamp_offset;
  CarriedState carried;
  SocketAddress local_address{};
  SocketAddress peer_address{};
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_SOCKET_IMAGE_H_
