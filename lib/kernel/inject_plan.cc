// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/inject_plan.h"

#include <algorithm>

namespace chimney::kernel {

namespace {

using tcp::ConnectionState;

// A pure ACK that tells nothing new. `seq` is what the kernel's RCV.NXT will be
// when the segment arrives: TS.Recent is taken only from a segment that does
// not lie beyond the last acknowledgement sent (RFC 7323 section 4.3).
PeerSegment BareAck(const SocketImage& image, SeqNum seq, SeqNum ack) {
  const tcp::TcpConstState& constant = image.snapshot.tcp.constant;
  const tcp::TcpDelegatedState& delegated = image.snapshot.tcp.delegated;
  PeerSegment segment;
  segment.seq = seq;
  segment.ack = ack;
  const uint32_t scaled =
      constant.window_scaling_enabled
          ? delegated.snd_wnd >> std::min<uint8_t>(constant.snd_wind_scale, 14)
          : delegated.snd_wnd;
  segment.window_raw = static_cast<uint16_t>(std::min<uint32_t>(scaled, 65535));
  segment.has_timestamps = constant.timestamps_enabled && image.ts_recent_known;
  if (segment.has_timestamps) segment.tsval = delegated.ts_recent;
  return segment;
}

void Add(InjectPlan* plan, const PeerSegment& segment) {
  plan->segments[plan->count++] = segment;
}

// Whether the socket has room for much more than the peer has been told of. Of
// a buffer about half holds payload.
bool OffersLess(const SocketImage& image) {
  const uint64_t room =
      static_cast<uint64_t>(std::max(image.options.receive_buffer_bytes, 0)) /
      2;
  const uint64_t unread = image.receive_bytes.size();
  const uint64_t free = room > unread ? room - unread : 0;
  return image.snapshot.tcp.delegated.rcv_wnd < free / 2;
}

void AskForWindow(InjectPlan* plan, const SocketImage& image, SeqNum ack) {
  if (!OffersLess(image)) return;
  const SeqNum below = image.snapshot.tcp.delegated.rcv_nxt - 1;
  Add(plan, BareAck(image, below, ack));
}

void AddPeerFin(InjectPlan* plan, const SocketImage& image, SeqNum ack) {
  const SeqNum fin_seq = image.snapshot.tcp.delegated.rcv_nxt - 1;
  PeerSegment segment = BareAck(image, fin_seq, ack);
  segment.fin = true;
  Add(plan, segment);
  plan->await_peer_fin = true;
}

}  // namespace

InjectPlan PlanInjection(const SocketImage& image) {
  const tcp::TcpDelegatedState& state = image.snapshot.tcp.delegated;
  InjectPlan plan;
  switch (state.state) {
    case ConnectionState::kEstablished:
    case ConnectionState::kFinWait1: {
      plan.fin_in_repair = state.state == ConnectionState::kFinWait1;
      plan.fin_after_segments = !plan.fin_in_repair && state.fin_queued;
      const PeerSegment ack = BareAck(image, state.rcv_nxt, state.snd_una);
      if (ack.has_timestamps) Add(&plan, ack);
      AskForWindow(&plan, image, state.snd_una);
      break;
    }
    case ConnectionState::kFinWait2:
      plan.fin_in_repair = true;
      Add(&plan, BareAck(image, state.rcv_nxt, state.snd_max));
      AskForWindow(&plan, image, state.snd_max);
      break;
    case ConnectionState::kCloseWait:
      plan.fin_after_segments = state.fin_queued;
      AddPeerFin(&plan, image, state.snd_una);
      break;
    case ConnectionState::kLastAck:
      // The FIN after the peer's FIN: the kernel then ends without TIME_WAIT.
      plan.fin_after_segments = true;
      AddPeerFin(&plan, image, state.snd_una);
      break;
    case ConnectionState::kClosing:
      plan.fin_in_repair = true;
      AddPeerFin(&plan, image, state.snd_una);
      break;
    case ConnectionState::kTimeWait:
    case ConnectionState::kClosed:
      plan.fin_in_repair = true;
      AddPeerFin(&plan, image, state.snd_max);
      break;
    case ConnectionState::kListen:
    case ConnectionState::kSynSent:
    case ConnectionState::kSynReceived:
      break;
  }
  return plan;
}

PeerSegment PlanReset(const SocketImage& image) {
  const tcp::TcpDelegatedState& state = image.snapshot.tcp.delegated;
  PeerSegment segment = BareAck(image, state.rcv_nxt, state.snd_una);
  segment.rst = true;
  return segment;
}

}  // namespace chimney::kernel
