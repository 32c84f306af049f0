// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/restore_plan.h"

namespace chimney::kernel {

namespace {

using tcp::ConnectionState;

struct FinFlags {
  bool restorable = true;
  bool ours_sent = false;
  bool ours_acked = false;
  bool peers_received = false;
};

FinFlags FinsOf(ConnectionState state) {
  switch (state) {
    case ConnectionState::kEstablished:
      return {};
    case ConnectionState::kFinWait1:
      return {.ours_sent = true};
    case ConnectionState::kFinWait2:
      return {.ours_sent = true, .ours_acked = true};
    case ConnectionState::kCloseWait:
      return {.peers_received = true};
    case ConnectionState::kClosing:
    case ConnectionState::kLastAck:
      return {.ours_sent = true, .peers_received = true};
    case ConnectionState::kTimeWait:
    case ConnectionState::kClosed:
      return {.ours_sent = true, .ours_acked = true, .peers_received = true};
    case ConnectionState::kListen:
    case ConnectionState::kSynSent:
    case ConnectionState::kSynReceived:
      break;
  }
  return {.restorable = false};
}

KernelError Contradiction(const char* what) {
  return KernelError{KernelErrorCode::kBadImage, 0, what};
}

}  // namespace

KernelError PlanRestore(const SocketImage& image, RestorePlan* plan) {
  const tcp::TcpDelegatedState& state = image.snapshot.tcp.delegated;
  const FinFlags fins = FinsOf(state.state);
  if (!fins.restorable) return Contradiction("state");
  if (fins.ours_sent && state.fin_queued) return Contradiction("fin_queued");
  if (state.snd_max.Before(state.snd_una)) return Contradiction("snd_max");

  uint32_t in_flight = state.snd_max.BytesFrom(state.snd_una);
  if (fins.ours_acked) {
    if (in_flight != 0) return Contradiction("snd_una below an acked FIN");
  } else if (fins.ours_sent) {
    if (in_flight == 0) return Contradiction("snd_una above an unacked FIN");
    --in_flight;  // the FIN itself
  }
  if (in_flight > image.send_bytes.size()) return Contradiction("send_bytes");
  if (fins.ours_sent && in_flight != image.send_bytes.size()) {
    return Contradiction("unsent bytes behind a FIN");
  }
  plan->inject = PlanInjection(image);
  plan->snd_una = fins.ours_acked ? state.snd_max - 1 : state.snd_una;
  plan->rcv_nxt = fins.peers_received ? state.rcv_nxt - 1 : state.rcv_nxt;
  plan->sent_bytes = in_flight;
  return {};
}

}  // namespace chimney::kernel
