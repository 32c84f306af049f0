// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/read_state.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "kernel/carried_state.h"
#include "kernel/repair_mode.h"
#include "kernel/socket_options.h"
#include "kernel/timestamp_clock.h"

namespace chimney::kernel {

namespace {

using tcp::ConnectionState;

KernelError GetQueuedBytes(int fd, unsigned long request, const char* step,
                           uint32_t* bytes) {
  int value = 0;
  if (ioctl(fd, request, &value) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, step);
  }
  *bytes = static_cast<uint32_t>(value);
  return {};
}

KernelError ReadSendNumbers(int fd, KernelSendQueue* queue) {
  KernelError error = GetQueueSeq(fd, RepairQueue::kSend, &queue->write_seq);
  if (!error.ok()) return error;
  error = GetQueuedBytes(fd, SIOCOUTQ, "SIOCOUTQ", &queue->unacked_bytes);
  if (!error.ok()) return error;
  return GetQueuedBytes(fd, SIOCOUTQNSD, "SIOCOUTQNSD", &queue->unsent_bytes);
}

// Copies the whole send queue. The kernel only gives it as a whole, and its
// first segment may still begin below SND.UNA, by less than a segment.
KernelError PeekSendQueue(int fd, uint32_t bytes, std::vector<uint8_t>* out) {
  out->clear();
  if (bytes == 0) return {};
  constexpr size_t kMaxSegmentBytes = 65536;
  out->resize(bytes + kMaxSegmentBytes);
  const ssize_t copied =
      recv(fd, out->data(), out->size(), MSG_PEEK | MSG_DONTWAIT);
  if (copied < 0) {
    return SystemError(errno == EFAULT ? KernelErrorCode::kChanged
                                       : KernelErrorCode::kSystemCall,
                       "peek at the send queue");
  }
  if (static_cast<size_t>(copied) < bytes) {
    return KernelError{KernelErrorCode::kChanged, 0,
                       "length of the send queue"};
  }
  out->resize(static_cast<size_t>(copied));
  out->erase(out->begin(), out->end() - bytes);
  return {};
}

KernelError PeekReceiveQueue(int fd, uint32_t bytes,
                             std::vector<uint8_t>* out) {
  out->clear();
  if (bytes == 0) return {};
  out->resize(bytes);
  const ssize_t copied = recv(fd, out->data(), bytes, MSG_PEEK | MSG_DONTWAIT);
  if (copied < 0) {
    return SystemError(KernelErrorCode::kSystemCall,
                       "peek at the receive queue");
  }
  if (static_cast<size_t>(copied) != bytes) {
    return KernelError{KernelErrorCode::kChanged, 0,
                       "length of the receive queue"};
  }
  return {};
}

void InterpretConstants(const tcp_info& info, int mss_clamp,
                        tcp::TcpConstState* constant) {
  constant->timestamps_enabled = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
  constant->sack_enabled = (info.tcpi_options & TCPI_OPT_SACK) != 0;
  constant->window_scaling_enabled = (info.tcpi_options & TCPI_OPT_WSCALE) != 0;
  constant->snd_wind_scale = info.tcpi_snd_wscale;
  constant->rcv_wind_scale = info.tcpi_rcv_wscale;
  constant->timestamp_unit = (info.tcpi_options & kTcpiOptUsecTs) != 0
                                 ? tcp::TimestampUnit::kMicrosecond
                                 : tcp::TimestampUnit::kMillisecond;
  constant->remote_mss = static_cast<uint16_t>(std::clamp(mss_clamp, 1, 65535));
}

void InterpretCongestion(const tcp_info& info,
                         tcp::TcpDelegatedState* delegated) {
  constexpr uint32_t kInfinite = 0x7fffffff;  // the kernel's "no threshold yet"
  const auto to_bytes = [&info](uint32_t segments) {
    const uint64_t bytes = uint64_t{segments} * info.tcpi_snd_mss;
    return static_cast<uint32_t>(std::min<uint64_t>(bytes, 0xFFFFFFFF));
  };
  delegated->cwnd = to_bytes(info.tcpi_snd_cwnd);
  delegated->ssthresh = info.tcpi_snd_ssthresh >= kInfinite
                            ? 0xFFFFFFFF
                            : to_bytes(info.tcpi_snd_ssthresh);
  delegated->srtt = Duration::Micros(info.tcpi_rtt);
  delegated->rttvar =
      info.tcpi_rtt == 0 ? Duration() : Duration::Micros(info.tcpi_rttvar);
}

void InterpretTimers(const tcp_info& info, uint32_t unacked_bytes,
                     const tcp::TcpCachedState& cached,
                     tcp::TcpDelegatedState* delegated) {
  // The kernel tells the interval, not what is left of it; the timer was last
  // started when data was sent or acknowledged.
  delegated->retransmit.running = unacked_bytes > 0;
  if (delegated->retransmit.running) {
    const Duration ran = Duration::Millis(
        std::min(info.tcpi_last_data_sent, info.tcpi_last_ack_recv));
    const Duration left = Duration::Micros(info.tcpi_rto) - ran;
    delegated->retransmit.delta = left > Duration() ? left : Duration();
    delegated->retransmit.count = info.tcpi_retransmits;
  }
  const Duration idle = Duration::Millis(
      std::min(info.tcpi_last_data_recv, info.tcpi_last_ack_recv));
  // Nothing says when TS.Recent came; it is no younger than the last segment.
  delegated->ts_recent_age = idle;
  delegated->keepalive.running = cached.keepalive_enabled;
  if (cached.keepalive_enabled) {
    const Duration left = cached.ka_timeout - idle;
    delegated->keepalive.delta = left > Duration() ? left : Duration();
    delegated->keepalive.count = info.tcpi_probes;
  }
}

KernelError ReadWindows(int fd, tcp::TcpDelegatedState* delegated) {
  tcp_repair_window window{};
  socklen_t length = sizeof(window);
  if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, &length) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "TCP_REPAIR_WINDOW");
  }
  delegated->snd_wl1 = SeqNum(window.snd_wl1);
  delegated->snd_wnd = window.snd_wnd;
  delegated->max_snd_wnd = window.max_window;
  // The kernel counts the window from the last acknowledgement it sent.
  const SeqNum edge = SeqNum(window.rcv_wup) + window.rcv_wnd;
  delegated->rcv_wnd =
      edge.After(delegated->rcv_nxt) ? edge.BytesFrom(delegated->rcv_nxt) : 0;
  return {};
}

KernelError ReadReceiveSide(int fd, SocketImage* image) {
  tcp::TcpDelegatedState& delegated = image->snapshot.tcp.delegated;
  KernelError error =
      GetQueueSeq(fd, RepairQueue::kReceive, &delegated.rcv_nxt);
  if (!error.ok()) return error;
  uint32_t unread_bytes = 0;
  error = GetQueuedBytes(fd, SIOCINQ, "SIOCINQ", &unread_bytes);
  if (!error.ok()) return error;
  error = PeekReceiveQueue(fd, unread_bytes, &image->receive_bytes);
  if (!error.ok()) return error;
  // Peeking may have sent an acknowledgement that opened the window.
  error = ReadWindows(fd, &delegated);
  if (!error.ok()) return error;
  if (unread_bytes == 0) {
    uint32_t memory[16] = {};  // SK_MEMINFO_RMEM_ALLOC is the first
    socklen_t length = sizeof(memory);
    image->holds_out_of_order =
        getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) == 0 &&
        memory[0] > 0;
  }
  return {};
}

// Reads everything again that must not have moved.
KernelError CheckUnchanged(int fd, const KernelSendQueue& before,
                           SeqNum rcv_nxt) {
  KernelSendQueue after;
  KernelError error = ReadSendNumbers(fd, &after);
  if (!error.ok()) return error;
  SeqNum rcv_nxt_after;
  error = GetQueueSeq(fd, RepairQueue::kReceive, &rcv_nxt_after);
  if (!error.ok()) return error;
  const bool same = after.write_seq == before.write_seq &&
                    after.unacked_bytes == before.unacked_bytes &&
                    after.unsent_bytes == before.unsent_bytes &&
                    rcv_nxt_after == rcv_nxt;
  if (same) return {};
  return KernelError{KernelErrorCode::kChanged, 0, "sequence numbers"};
}

}  // namespace

bool InterpretSendQueue(uint8_t kernel_state, const KernelSendQueue& queue,
                        tcp::TcpDelegatedState* delegated,
                        uint32_t* queued_data_bytes) {
  const bool fin_unsent = queue.unsent_bytes > 0;
  bool fin_in_queue = true;
  switch (kernel_state) {
    case kKernelEstablished:
      delegated->state = ConnectionState::kEstablished;
      fin_in_queue = false;
      break;
    case kKernelCloseWait:
      delegated->state = ConnectionState::kCloseWait;
      fin_in_queue = false;
      break;
    case kKernelFinWait2:
      delegated->state = ConnectionState::kFinWait2;
      fin_in_queue = false;
      break;
    case kKernelFinWait1:
      delegated->state = fin_unsent ? ConnectionState::kEstablished
                                    : ConnectionState::kFinWait1;
      break;
    case kKernelClosing:
      delegated->state =
          fin_unsent ? ConnectionState::kCloseWait : ConnectionState::kClosing;
      break;
    case kKernelLastAck:
      delegated->state =
          fin_unsent ? ConnectionState::kCloseWait : ConnectionState::kLastAck;
      break;
    default:
      return false;
  }
  if (queue.unsent_bytes > queue.unacked_bytes) return false;
  if (fin_in_queue && queue.unacked_bytes == 0) return false;
  delegated->fin_queued = fin_in_queue && fin_unsent;
  delegated->snd_una = queue.write_seq - queue.unacked_bytes;
  delegated->snd_nxt = queue.write_seq - queue.unsent_bytes;
  delegated->snd_max = delegated->snd_nxt;
  *queued_data_bytes = queue.unacked_bytes - (fin_in_queue ? 1 : 0);
  return true;
}

uint32_t ReceiveWindowBound(const SavedSocketOptions& options,
                            const HostLimits& limits, uint8_t rcv_wind_scale) {
  const bool fixed = options.buffer_lock_bits >= 0 &&
                     (options.buffer_lock_bits & kBufLockReceive) != 0;
  uint32_t buffer_bytes =
      static_cast<uint32_t>(std::max(options.receive_buffer_bytes, 0));
  if (!fixed) {
    buffer_bytes = std::max(buffer_bytes, limits.max_receive_buffer_bytes);
  }
  // The kernel charges a buffer with the memory of the packets, not with their
  // payload, and assumes that half of it is payload.
  uint32_t bound = buffer_bytes / 2;
  // A clamp far below what the buffer allows was put there on purpose.
  const uint32_t clamp =
      static_cast<uint32_t>(std::max(options.window_clamp_bytes, 0));
  const uint32_t present = static_cast<uint32_t>(options.receive_buffer_bytes);
  if (clamp > 0 && clamp < present / 4) bound = std::min(bound, clamp);
  const uint32_t expressible = uint32_t{65535}
                               << std::min<uint8_t>(rcv_wind_scale, 14);
  return std::min(bound, expressible);
}

KernelError ReadState(int fd, const HostLimits& limits, SocketImage* image) {
  tcp::TcpState& state = image->snapshot.tcp;
  KernelError error = ReadReceiveSide(fd, image);
  if (!error.ok()) return error;
  KernelSendQueue queue;
  error = ReadSendNumbers(fd, &queue);
  if (!error.ok()) return error;
  tcp_info info;
  error = GetTcpInfo(fd, &info);
  if (!error.ok()) return error;
  uint32_t queued_data_bytes = 0;
  if (!InterpretSendQueue(info.tcpi_state, queue, &state.delegated,
                          &queued_data_bytes)) {
    return KernelError{KernelErrorCode::kWrongState, 0, "tcpi_state"};
  }
  error = PeekSendQueue(fd, queued_data_bytes, &image->send_bytes);
  if (!error.ok()) return error;
  int mss_clamp = 0;
  error = GetInt(fd, IPPROTO_TCP, TCP_MAXSEG, "TCP_MAXSEG", &mss_clamp);
  if (!error.ok()) return error;
  InterpretConstants(info, mss_clamp, &state.constant);
  // More than this was never on the wire, whatever the kernel has in mind.
  state.delegated.rcv_wnd = std::min(
      state.delegated.rcv_wnd,
      uint32_t{65535} << std::min<uint8_t>(state.constant.rcv_wind_scale, 14));
  image->max_receive_buffer_bytes = limits.max_receive_buffer_bytes;
  InterpretCongestion(info, &state.delegated);
  constexpr uint8_t kAfterTimeout = 4;  // TCP_CA_Loss
  if (info.tcpi_ca_state == kAfterTimeout) {
    state.delegated.snd_nxt = state.delegated.snd_una;
  }
  InterpretTimers(info, queue.unacked_bytes, state.cached, &state.delegated);
  ApplyCarried(image->carried, MonotonicNow(), &state.delegated);
  state.cached.initial_rcv_wnd =
      ReceiveWindowBound(image->options, limits, state.constant.rcv_wind_scale);
  image->snapshot.path.path_mtu_bytes = info.tcpi_pmtu;
  if (info.tcpi_state != kKernelEstablished &&
      info.tcpi_state != kKernelFinWait1 &&
      info.tcpi_state != kKernelFinWait2) {
    image->options.receive_shut_down = false;  // it was the peer's FIN
    image->holds_out_of_order = false;         // what takes memory is that FIN
  }
  TimestampReading clock;
  error = ReadTimestampClock(fd, state.constant.timestamp_unit,
                             image->timestamp_offset, &clock);
  state.delegated.ts_time = clock.now;
  state.delegated.ts_floor = clock.floor;
  state.delegated.ts_time_at = clock.at;
  if (!error.ok()) return error;
  error = CheckUnchanged(fd, queue, state.delegated.rcv_nxt);
  if (!error.ok()) return error;
  return SelectQueue(fd, RepairQueue::kNone);
}

}  // namespace chimney::kernel
