// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/queue_writer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "kernel/socket_options.h"

namespace chimney::kernel {

uint64_t QueueBufferBytes(uint64_t queue_bytes) {
  constexpr uint64_t kSlackBytes = 128 * 1024;
  return queue_bytes * 2 + kSlackBytes;
}

KernelError SetBufferBytes(int fd, int option, uint64_t reported_bytes) {
  // The kernel doubles the value, in an int.
  const uint64_t halved =
      std::min<uint64_t>((reported_bytes + 1) / 2, INT32_MAX / 2);
  return SetInt(fd, SOL_SOCKET, option, static_cast<int>(halved),
                option == SO_SNDBUFFORCE ? "SO_SNDBUFFORCE" : "SO_RCVBUFFORCE");
}

KernelError WriteQueue(int fd, std::span<const uint8_t> bytes,
                       size_t* written) {
  while (*written < bytes.size()) {
    const ssize_t taken =
        send(fd, bytes.data() + *written, bytes.size() - *written,
             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken > 0) {
      *written += static_cast<size_t>(taken);
      continue;
    }
    if (taken < 0 && errno == EINTR) continue;
    const bool full = taken == 0 || errno == EAGAIN || errno == EWOULDBLOCK ||
                      errno == ENOMEM || errno == ENOBUFS;
    return SystemError(
        full ? KernelErrorCode::kQueueTooLarge : KernelErrorCode::kSystemCall,
        "write into a queue");
  }
  return {};
}

}  // namespace chimney::kernel
