// SPDX-License-Identifier: BSD-3-Clause
// Growth and cuts of the congestion window.
#include "tcp/congestion.h"

#include <algorithm>

#include "packet/tcp_header.h"
#include "packet/tcp_options.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kMaxCwnd = 1u << 30;
constexpr uint32_t kIpv4HeaderBytes = 20;
constexpr uint32_t kIpv6HeaderBytes = 40;
// Room for 40 bytes of options and still some payload, whatever a peer or a
// forged ICMP message claimed.
constexpr uint32_t kMinBaseMss = 48;

}  // namespace

uint32_t InitialWindow(const Tcb& tcb) {
  return tcb.snd.mss *
         std::max<uint32_t>(tcb.params->initial_window_segments, 1);
}

void GrowWindow(Tcb& tcb, uint32_t acked) {
  SendState& snd = tcb.snd;
  if (tcb.params->cwnd_validation && !snd.cwnd_limited) return;
  snd.cwnd_limited = false;
  // RFC 3465 section 2.3: one segment an ACK in the slow start after a timeout.
  const uint32_t limit_segments = tcb.recovery.phase == RecoveryPhase::kLoss
                                      ? 1
                                      : tcb.params->byte_counting_limit;
  const uint32_t counted = std::min(acked, limit_segments * snd.mss);
  uint32_t growth = counted;
  if (snd.cwnd >= snd.ssthresh) {
    const uint64_t step = static_cast<uint64_t>(snd.mss) * counted / snd.cwnd;
    growth = static_cast<uint32_t>(std::max<uint64_t>(step, 1));
  }
  snd.cwnd = std::min(snd.cwnd + growth, kMaxCwnd);
}

void InflateWindow(Tcb& tcb) {
  tcb.snd.cwnd = std::min(tcb.snd.cwnd + tcb.snd.mss, kMaxCwnd);
}

uint32_t ThresholdAfterLoss(const Tcb& tcb) {
  return std::max(2 * tcb.snd.mss, std::min(tcb.snd.cwnd, tcb.snd.wnd) / 2);
}

void RestartAfterIdle(Tcb& tcb, Instant now) {
  SendState& snd = tcb.snd;
  if (snd.una != snd.max || now - snd.last_sent_at <= tcb.rtt.rto) return;
  snd.cwnd = std::min(snd.cwnd, InitialWindow(tcb));
}

void UpdateMss(Tcb& tcb) {
  const uint32_t headers = (tcb.ipv6 ? kIpv6HeaderBytes : kIpv4HeaderBytes) +
                           static_cast<uint32_t>(packet::kTcpHeaderBytes);
  const uint32_t path_mss = std::max(tcb.path_mtu_bytes, headers) - headers;
  const uint32_t peer_mss = tcb.constant.remote_mss;
  tcb.snd.base_mss = std::max(kMinBaseMss, std::min(path_mss, peer_mss));
  const uint32_t options =
      tcb.constant.timestamps_enabled
          ? static_cast<uint32_t>(packet::kTimestampOptionBytes)
          : 0;
  tcb.snd.mss = tcb.snd.base_mss - options;
  tcb.snd.cwnd = std::max(tcb.snd.cwnd, tcb.snd.mss);
}

}  // namespace chimney::tcp
