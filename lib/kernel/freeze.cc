// SPDX-License-Identifier: BSD-3-Clause
// Offload, first half: stop the socket and read the connection out of it.
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "kernel/handover.h"
#include "kernel/read_options.h"
#include "kernel/read_state.h"
#include "kernel/repair_mode.h"
#include "kernel/socket_options.h"

namespace chimney::kernel {

KernelError ReadHostLimits(HostLimits* limits) {
  std::FILE* file = std::fopen("/proc/sys/net/ipv4/tcp_rmem", "re");
  if (file == nullptr) {
    return SystemError(KernelErrorCode::kSystemCall, "tcp_rmem");
  }
  unsigned long long largest = 0;
  const int fields = std::fscanf(file, "%*u %*u %llu", &largest);
  std::fclose(file);
  if (fields != 1) {
    return KernelError{KernelErrorCode::kSystemCall, EINVAL, "tcp_rmem"};
  }
  // The kernel keeps buffer sizes in an int.
  limits->max_receive_buffer_bytes =
      static_cast<uint32_t>(std::min<unsigned long long>(largest, 0x7fffffff));
  return {};
}

KernelError PeekReceiveNext(int fd, SeqNum* rcv_nxt) {
  int reuse_address = 0;
  KernelError error =
      GetInt(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", &reuse_address);
  if (!error.ok()) return error;
  error = EnterRepair(fd);
  if (!error.ok()) return error;
  error = GetQueueSeq(fd, RepairQueue::kReceive, rcv_nxt);
  const KernelError left = LeaveRepair(fd);
  if (error.ok()) error = left;
  const KernelError reused =
      SetInt(fd, SOL_SOCKET, SO_REUSEADDR, reuse_address, "SO_REUSEADDR");
  return error.ok() ? reused : error;
}

KernelError Freeze(int fd, const HostLimits& limits, SocketImage* image) {
  const TimestampOffset timestamp_offset = image->timestamp_offset;
  const CarriedState carried = image->carried;
  *image = SocketImage{};
  image->timestamp_offset = timestamp_offset;
  image->carried = carried;

  KernelError error = ReadOptions(fd, image);
  if (!error.ok()) return error;
  error = AttachDropFilter(fd);
  if (error.ok()) {
    error = EnterRepair(fd);
    if (!error.ok()) (void)DetachFilter(fd);
  }
  if (!error.ok()) {
    (void)PutPeekOffsetBack(fd, image->options);
    return error;
  }
  // Nothing arrives any more, but a timer of the socket may still have been at
  // work. It is read again frozen as it is: a thaw in between would lose what
  // such a timer marks as sent without sending it.
  constexpr int kMaxReadings = 4;
  for (int reading = 0; reading < kMaxReadings; ++reading) {
    error = ReadState(fd, limits, image);
    if (error.code != KernelErrorCode::kChanged) break;
  }
  if (error.ok()) return error;
  const KernelError undone = Unfreeze(fd, *image);
  return undone.ok() ? error : undone;
}

KernelError Unfreeze(int fd, const SocketImage& image) {
  KernelError error = LeaveRepair(fd);
  if (!error.ok()) return error;
  error = DetachFilter(fd);
  const KernelError reused =
      SetInt(fd, SOL_SOCKET, SO_REUSEADDR, image.options.reuse_address,
             "SO_REUSEADDR");
  if (error.ok()) error = reused;
  const KernelError peeked = PutPeekOffsetBack(fd, image.options);
  return error.ok() ? peeked : error;
}

}  // namespace chimney::kernel
