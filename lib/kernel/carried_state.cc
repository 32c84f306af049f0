// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/carried_state.h"

namespace chimney::kernel {

CarriedState Carry(const tcp::TcpDelegatedState& uploaded, Instant now) {
  CarriedState carried;
  carried.srtt = uploaded.srtt;
  carried.rttvar = uploaded.rttvar;
  carried.ssthresh_bytes = uploaded.ssthresh;
  carried.retransmit = uploaded.retransmit;
  carried.snd_una = uploaded.snd_una;
  carried.uploaded_at = now;
  return carried;
}

void ApplyCarried(const CarriedState& carried, Instant now,
                  tcp::TcpDelegatedState* delegated) {
  constexpr uint32_t kInfinite = 0xFFFFFFFF;
  if (delegated->srtt == Duration()) {
    delegated->srtt = carried.srtt;
    delegated->rttvar = carried.rttvar;
  }
  if (delegated->ssthresh == kInfinite) {
    delegated->ssthresh = carried.ssthresh_bytes;
  }
  const bool goes_on = carried.retransmit.running &&
                       delegated->retransmit.running &&
                       delegated->snd_una == carried.snd_una;
  if (!goes_on) return;
  const Duration left = carried.retransmit.delta - (now - carried.uploaded_at);
  // The kernel's own timer may be nearer; its retransmissions add up.
  if (left < delegated->retransmit.delta) {
    delegated->retransmit.delta = left > Duration() ? left : Duration();
  }
  const int count = delegated->retransmit.count + carried.retransmit.count;
  delegated->retransmit.count = static_cast<uint8_t>(count < 255 ? count : 255);
}

}  // namespace chimney::kernel
