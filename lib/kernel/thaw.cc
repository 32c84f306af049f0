// SPDX-License-Identifier: BSD-3-Clause
// Upload, second half: the kernel runs the connection again.
#include <span>

#include "kernel/handover.h"
#include "kernel/queue_writer.h"
#include "kernel/read_options.h"
#include "kernel/repair_mode.h"
#include "kernel/restore_plan.h"
#include "kernel/socket_options.h"

namespace chimney::kernel {

namespace {

// Keeps the first error of steps that are all to be done.
void Note(const KernelError& step, KernelError* first) {
  if (first->ok()) *first = step;
}

// The disconnect gave these their defaults.
void PutTimersBack(int fd, const SavedSocketOptions& options,
                   KernelError* error) {
  constexpr int kDefaultRtoMinUs = 200000;
  constexpr int kDefaultDelackMaxUs = 40000;
  if (options.rto_min_us >= 0 && options.rto_min_us != kDefaultRtoMinUs) {
    Note(SetInt(fd, IPPROTO_TCP, kTcpRtoMinUs, options.rto_min_us,
                "TCP_RTO_MIN_US"),
         error);
  }
  if (options.delack_max_us >= 0 &&
      options.delack_max_us != kDefaultDelackMaxUs) {
    Note(SetInt(fd, IPPROTO_TCP, kTcpDelackMaxUs, options.delack_max_us,
                "TCP_DELACK_MAX_US"),
         error);
  }
  if (options.quick_ack == 0) {
    Note(SetInt(fd, IPPROTO_TCP, TCP_QUICKACK, 0, "TCP_QUICKACK"), error);
  }
}

// Writes the bytes that were never sent; a program's TCP_NOTSENT_LOWAT must not
// keep them out.
KernelError WriteUnsent(int fd, std::span<const uint8_t> unsent,
                        const SocketImage& image, size_t* written) {
  constexpr int kNoLowWaterMark = -1;  // the largest unsigned value
  // What was sent is in the same buffer, and is not acknowledged before this
  // is done: the peer's segments are parked.
  const uint64_t needed = QueueBufferBytes(image.send_bytes.size());
  if (needed > static_cast<uint64_t>(image.options.send_buffer_bytes)) {
    const KernelError grown = SetBufferBytes(fd, SO_SNDBUFFORCE, needed);
    if (!grown.ok()) return grown;
  }
  const int low_water = GetIntOr(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0);
  KernelError error = SetInt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT,
                             kNoLowWaterMark, "TCP_NOTSENT_LOWAT");
  if (!error.ok()) return error;
  error = WriteQueue(fd, unsent, written);
  Note(SetInt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, low_water,
              "TCP_NOTSENT_LOWAT"),
       &error);
  return error;
}

// The size and the lock as they were, also where the queue is longer: the
// kernel then takes no more until it has drained. A size that stayed grown
// would let the program write that much more, and the next hand-over would
// carry and grow it again.
KernelError SettleSendBuffer(int fd, const SavedSocketOptions& options) {
  KernelError error = SetBufferBytes(
      fd, SO_SNDBUFFORCE, static_cast<uint64_t>(options.send_buffer_bytes));
  if (options.buffer_lock_bits >= 0) {
    Note(SetInt(fd, SOL_SOCKET, kSoBufLock, options.buffer_lock_bits,
                "SO_BUF_LOCK"),
         &error);
  }
  return error;
}

KernelError AwaitPeerFin(int fd) {
  tcp_info info;
  const KernelError error = GetTcpInfo(fd, &info);
  if (!error.ok()) return error;
  const bool waiting = info.tcpi_state == kKernelEstablished ||
                       info.tcpi_state == kKernelFinWait1 ||
                       info.tcpi_state == kKernelFinWait2;
  if (!waiting) return {};
  return KernelError{KernelErrorCode::kNotYet, 0, "tcpi_state"};
}

}  // namespace

KernelError Thaw(int fd, const SocketImage& image, KernelError* leftover) {
  *leftover = {};
  const SavedSocketOptions& options = image.options;
  // Before there is no way back: with the filter the socket would hear nothing.
  KernelError error = DetachFilter(fd);
  if (!error.ok()) return error;
  error = LeaveRepair(fd);
  if (!error.ok()) return error;
  Note(SetInt(fd, SOL_SOCKET, SO_REUSEADDR, options.reuse_address,
              "SO_REUSEADDR"),
       leftover);
  if (options.keepalive != 0) {
    Note(SetInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"), leftover);
  }
  Note(PutPeekOffsetBack(fd, options), leftover);
  PutTimersBack(fd, options, leftover);
  if (options.receive_shut_down && shutdown(fd, SHUT_RD) != 0) {
    Note(SystemError(KernelErrorCode::kSystemCall, "shutdown"), leftover);
  }
  return {};
}

KernelError CompleteUpload(int fd, const SocketImage& image,
                           bool await_peer_fin, UploadProgress* progress) {
  RestorePlan plan;
  KernelError error = PlanRestore(image, &plan);
  if (!error.ok()) return error;
  if (await_peer_fin && plan.inject.await_peer_fin) {
    error = AwaitPeerFin(fd);
    if (!error.ok()) return error;
  }
  const std::span<const uint8_t> unsent =
      std::span<const uint8_t>(image.send_bytes).subspan(plan.sent_bytes);
  if (progress->unsent_bytes_written < unsent.size()) {
    error = WriteUnsent(fd, unsent, image, &progress->unsent_bytes_written);
    if (!error.ok()) return error;
  }
  if (plan.inject.fin_after_segments && !progress->fin_done) {
    if (shutdown(fd, SHUT_WR) != 0) {
      return SystemError(KernelErrorCode::kSystemCall, "shutdown");
    }
    progress->fin_done = true;
  }
  const bool grown = QueueBufferBytes(image.send_bytes.size()) >
                     static_cast<uint64_t>(image.options.send_buffer_bytes);
  if (image.send_bytes.empty() || !grown) return {};
  return SettleSendBuffer(fd, image.options);
}

}  // namespace chimney::kernel
