// SPDX-License-Identifier: BSD-3-Clause
// Growth and cuts of the congestion window.
#include "tcp/congestion.h"

#include <algorithm>

#include "packet/tcp_header.h"
#include "packet/tcp_options.h"
#include "tcp/congestion_control.h"
#include "tcp/rtt.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kIpv4HeaderBytes = 20;
constexpr uint32_t kIpv6HeaderBytes = 40;
// Room for 40 bytes of options and still some payload, whatever a peer or a
// forged ICMP message claimed.
constexpr uint32_t kMinBaseMss = 48;

uint32_t UsualOptionBytes(const Tcb& tcb) {
  return tcb.constant.timestamps_enabled
             ? static_cast<uint32_t>(packet::kTimestampOptionBytes)
             : 0;
}

}  // namespace

uint32_t InitialWindow(const Tcb& tcb) {
  return tcb.snd.mss *
         std::max<uint32_t>(tcb.params().initial_window_segments, 1);
}

namespace {

// RFC 3465 section 2.3: one segment an ACK in the slow start after a timeout.
void SlowStart(Tcb& tcb, Instant now, const AckNews& news, bool after_timeout) {
  SendState& snd = tcb.snd;
  const uint32_t limit = after_timeout ? 1 : tcb.params().byte_counting_limit;
  uint32_t growth = std::min(news.acked, limit * snd.mss);
  // RFC 9406 section 4.3: only while no loss has told of the path.
  const bool initial = snd.ssthresh >= kMaxCwnd;
  if (tcb.params().hystart && initial && !after_timeout) {
    growth = GrowthHystart(tcb, now, news, growth);
  }
  snd.cwnd += growth;
}

}  // namespace

void GrowWindow(Tcb& tcb, Instant now, const AckNews& news,
                bool after_timeout) {
  SendState& snd = tcb.snd;
  if (tcb.params().cwnd_validation && !tcb.outgoing->cwnd_limited) {
    if (tcb.history == nullptr) return;
    // Its mark must not be left so far behind that it seems to be ahead.
    SeqNum& mark = tcb.history->congestion.hystart.window_end;
    mark = Later(mark, snd.una);
    return;
  }
  if (snd.cwnd < snd.ssthresh) {
    SlowStart(tcb, now, news, after_timeout);
  } else if (tcb.params().congestion_control == CongestionControl::kCubic) {
    GrowCubic(tcb, now, news.acked);
  } else {
    GrowNewReno(tcb, news.acked);
  }
  snd.cwnd = std::min(snd.cwnd, kMaxCwnd);
}

void EndCwndLimited(Tcb& tcb) {
  Outgoing& out = *tcb.outgoing;
  if (tcb.snd.una.AtOrAfter(out.cwnd_limited_end)) out.cwnd_limited = false;
}

void InflateWindow(Tcb& tcb) {
  tcb.snd.cwnd = std::min(tcb.snd.cwnd + tcb.snd.mss, kMaxCwnd);
}

void CutWindow(Tcb& tcb) {
  const uint32_t threshold =
      tcb.params().congestion_control == CongestionControl::kCubic
          ? CutCubic(tcb)
          : CutNewReno(tcb);
  tcb.snd.ssthresh = std::max(2 * tcb.snd.mss, threshold);
}

void CutWindowOnTimeout(Tcb& tcb) {
  CutWindow(tcb);
  if (tcb.params().congestion_control == CongestionControl::kCubic) {
    TimeoutCubic(tcb);
  }
}

void UndoCut(Tcb& tcb) {
  if (tcb.params().congestion_control == CongestionControl::kCubic) {
    UndoCutCubic(tcb);
  }
}

void RestartAfterIdle(Tcb& tcb, Instant now) {
  SendState& snd = tcb.snd;
  if (snd.una != snd.max) return;
  const Duration idle = now - snd.last_sent_at;
  if (tcb.params().congestion_control == CongestionControl::kCubic) {
    PauseCubic(tcb, now, idle);
  }
  const Duration rto = RetransmitTimeout(tcb);
  if (idle <= rto) return;
  // RFC 2861: half for each timeout, and ssthresh remembers.
  const uint32_t restart_window = std::min(snd.cwnd, InitialWindow(tcb));
  snd.ssthresh = std::max(snd.ssthresh, snd.cwnd / 4 * 3);
  for (Duration left = idle; left > rto && snd.cwnd > restart_window;
       left = left - rto) {
    snd.cwnd /= 2;
  }
  snd.cwnd = std::max(snd.cwnd, restart_window);
}

void UpdateMss(Tcb& tcb) {
  const uint32_t headers = (tcb.ipv6 ? kIpv6HeaderBytes : kIpv4HeaderBytes) +
                           static_cast<uint32_t>(packet::kTcpHeaderBytes);
  const uint32_t path_mss = std::max(tcb.path_mtu_bytes, headers) - headers;
  const uint32_t peer_mss = tcb.constant.remote_mss;
  const uint32_t base = std::max(kMinBaseMss, std::min(path_mss, peer_mss));
  tcb.snd.mss = base - UsualOptionBytes(tcb);
  tcb.snd.cwnd = std::max(tcb.snd.cwnd, tcb.snd.mss);
}

uint32_t BaseMss(const Tcb& tcb) { return tcb.snd.mss + UsualOptionBytes(tcb); }

}  // namespace chimney::tcp
