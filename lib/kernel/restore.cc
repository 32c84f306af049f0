// SPDX-License-Identifier: BSD-3-Clause
// Upload, first half: the connection goes back into the frozen socket.
#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "kernel/carried_state.h"
#include "kernel/handover.h"
#include "kernel/queue_writer.h"
#include "kernel/repair_mode.h"
#include "kernel/restore_plan.h"
#include "kernel/socket_options.h"
#include "kernel/timestamp_clock.h"

namespace chimney::kernel {

namespace {

KernelError RestoreTcpOptions(int fd, const tcp::TcpConstState& constant) {
  // Option kinds of the SYN (RFC 9293, 7323, 2018).
  constexpr uint32_t kMss = 2;
  constexpr uint32_t kWindowScale = 3;
  constexpr uint32_t kSackPermitted = 4;
  constexpr uint32_t kTimestamp = 8;
  std::array<tcp_repair_opt, 4> options{};
  size_t count = 0;
  options[count++] = {kMss, constant.remote_mss};
  // Without window scaling both shifts are zero, which is the same on the wire;
  // left out, the kernel would keep the shift it would have offered itself.
  const uint32_t snd_scale =
      constant.window_scaling_enabled ? constant.snd_wind_scale : 0;
  const uint32_t rcv_scale =
      constant.window_scaling_enabled ? constant.rcv_wind_scale : 0;
  options[count++] = {kWindowScale, snd_scale | (rcv_scale << 16)};
  if (constant.sack_enabled) options[count++] = {kSackPermitted, 0};
  if (constant.timestamps_enabled) options[count++] = {kTimestamp, 0};
  if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options.data(),
                 static_cast<socklen_t>(count * sizeof(options[0]))) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "TCP_REPAIR_OPTIONS");
  }
  // The segment size follows the options only when something makes the kernel
  // compute it anew; taking away IP options that are not there does (and on
  // IPv6 sockets too).
  if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, nullptr, 0) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "IP_OPTIONS");
  }
  return {};
}

KernelError RestoreWindows(int fd, const RestorePlan& plan,
                           const tcp::TcpDelegatedState& state) {
  tcp_repair_window window{};
  const SeqNum edge = state.rcv_nxt + state.rcv_wnd;
  window.rcv_wup = plan.rcv_nxt.value();
  window.rcv_wnd = edge.BytesFrom(plan.rcv_nxt);
  // The kernel insists on snd_wl1 <= its RCV.NXT and snd_wnd <= max_window.
  window.snd_wl1 = Earlier(state.snd_wl1, plan.rcv_nxt).value();
  window.snd_wnd = state.snd_wnd;
  window.max_window = std::max(state.max_snd_wnd, state.snd_wnd);
  if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof(window)) !=
      0) {
    return SystemError(KernelErrorCode::kSystemCall, "TCP_REPAIR_WINDOW");
  }
  return {};
}

// Memory that the receive queue takes, its bookkeeping included.
uint32_t ReceiveMemory(int fd) {
  uint32_t memory[16] = {};  // SK_MEMINFO_RMEM_ALLOC is the first
  socklen_t length = sizeof(memory);
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return 0;
  return memory[0];
}

// Makes room for what the peer may still send, and for no more: the kernel
// offers what is free as window, so a buffer with room to spare would grow with
// each hand-over. Only one that the kernel may size itself is grown, as far as
// auto-tuning would have.
KernelError SizeReceiveBuffer(int fd, const SocketImage& image,
                              int* clamp_bytes) {
  const SavedSocketOptions& options = image.options;
  *clamp_bytes = options.window_clamp_bytes;
  const bool may_grow = options.buffer_lock_bits >= 0 &&
                        (options.buffer_lock_bits & kBufLockReceive) == 0;
  if (!may_grow) return {};
  const uint64_t rcv_wnd = image.snapshot.tcp.delegated.rcv_wnd;
  const auto present =
      static_cast<uint64_t>(std::max(options.receive_buffer_bytes, 0));
  const uint64_t needed = ReceiveMemory(fd) + rcv_wnd * 2;
  const uint64_t most =
      std::max<uint64_t>(present, image.max_receive_buffer_bytes);
  const uint64_t size = std::max(present, std::min(needed, most));
  if (size > present) {
    const uint64_t promised = rcv_wnd + image.receive_bytes.size();
    *clamp_bytes = std::max(
        *clamp_bytes, static_cast<int>(std::min<uint64_t>(promised, most)));
  }
  return SetBufferBytes(fd, SO_RCVBUFFORCE, size);
}

// The kernel learns its advertised window's target slowly; a change of the
// clamp, downwards and up again, takes over the window that is advertised now.
KernelError RestoreWindowClamp(int fd, int clamp_bytes) {
  if (clamp_bytes <= 1) return {};
  const KernelError error = SetInt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP,
                                   clamp_bytes - 1, "TCP_WINDOW_CLAMP");
  if (!error.ok()) return error;
  return SetInt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, clamp_bytes,
                "TCP_WINDOW_CLAMP");
}

KernelError RestoreReceiveQueue(int fd, const SocketImage& image) {
  const std::span<const uint8_t> bytes(image.receive_bytes);
  if (bytes.empty()) return {};
  const uint64_t present =
      static_cast<uint64_t>(std::max(image.options.receive_buffer_bytes, 0));
  const uint64_t needed = QueueBufferBytes(bytes.size());
  KernelError error;
  if (needed > present) error = SetBufferBytes(fd, SO_RCVBUFFORCE, needed);
  if (!error.ok()) return error;
  error = SelectQueue(fd, RepairQueue::kReceive);
  if (!error.ok()) return error;
  size_t written = 0;
  return WriteQueue(fd, bytes, &written);
}

KernelError RestoreSendQueue(int fd, const SocketImage& image,
                             const RestorePlan& plan) {
  KernelError error = SelectQueue(fd, RepairQueue::kSend);
  if (!error.ok()) return error;
  const std::span<const uint8_t> sent =
      std::span<const uint8_t>(image.send_bytes).first(plan.sent_bytes);
  if (!sent.empty()) {
    const uint64_t needed = QueueBufferBytes(sent.size());
    if (needed > static_cast<uint64_t>(image.options.send_buffer_bytes)) {
      error = SetBufferBytes(fd, SO_SNDBUFFORCE, needed);
      if (!error.ok()) return error;
    }
    size_t written = 0;
    error = WriteQueue(fd, sent, &written);
    if (!error.ok()) return error;
  }
  if (plan.inject.fin_in_repair && shutdown(fd, SHUT_WR) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "shutdown");
  }
  return {};
}

// Buffer sizes that the restore raised go back, but for what stays in use.
KernelError SettleReceiveBuffer(int fd, const SocketImage& image) {
  const SavedSocketOptions& options = image.options;
  const bool fixed = options.buffer_lock_bits < 0 ||
                     (options.buffer_lock_bits & kBufLockReceive) != 0;
  if (!fixed) {
    return SetInt(fd, SOL_SOCKET, kSoBufLock, options.buffer_lock_bits,
                  "SO_BUF_LOCK");
  }
  return SetBufferBytes(fd, SO_RCVBUFFORCE,
                        static_cast<uint64_t>(options.receive_buffer_bytes));
}

}  // namespace

KernelError Restore(int fd, SocketImage* image) {
  RestorePlan plan;
  KernelError error = PlanRestore(*image, &plan);
  if (!error.ok()) return error;
  const tcp::TcpState& state = image->snapshot.tcp;
  const uint32_t unread_bytes =
      static_cast<uint32_t>(image->receive_bytes.size());
  error =
      ReconnectInRepair(fd, *image, plan.snd_una, plan.rcv_nxt - unread_bytes);
  if (!error.ok()) return error;
  error = RestoreTcpOptions(fd, state.constant);
  if (!error.ok()) return error;
  if (state.constant.timestamps_enabled) {
    error =
        SetTimestampClock(fd, state.constant.timestamp_unit,
                          state.delegated.ts_time, &image->timestamp_offset);
    if (!error.ok()) return error;
  }
  error = RestoreReceiveQueue(fd, *image);
  if (!error.ok()) return error;
  int clamp_bytes = 0;
  error = SizeReceiveBuffer(fd, *image, &clamp_bytes);
  if (!error.ok()) return error;
  error = RestoreSendQueue(fd, *image, plan);
  if (!error.ok()) return error;
  error = RestoreWindows(fd, plan, state.delegated);
  if (!error.ok()) return error;
  error = RestoreWindowClamp(fd, clamp_bytes);
  if (!error.ok()) return error;
  error = SettleReceiveBuffer(fd, *image);
  if (!error.ok()) return error;
  image->carried = Carry(state.delegated, MonotonicNow());
  return SelectQueue(fd, RepairQueue::kNone);
}

}  // namespace chimney::kernel
