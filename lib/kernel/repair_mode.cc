// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/repair_mode.h"

#include <bpf/bpf.h>
#include <linux/filter.h>

#include <cerrno>
#include <cstring>

#include "kernel/socket_options.h"

namespace chimney::kernel {

KernelError EnterRepair(int fd) {
  const int on = TCP_REPAIR_ON;
  if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == 0) return {};
  return SystemError(errno == EPERM ? KernelErrorCode::kNoPermission
                                    : KernelErrorCode::kSystemCall,
                     "TCP_REPAIR");
}

KernelError LeaveRepair(int fd) {
  return SetInt(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP,
                "TCP_REPAIR off");
}

KernelError SelectQueue(int fd, RepairQueue queue) {
  return SetInt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, static_cast<int>(queue),
                "TCP_REPAIR_QUEUE");
}

KernelError GetQueueSeq(int fd, RepairQueue queue, SeqNum* seq) {
  KernelError error = SelectQueue(fd, queue);
  if (!error.ok()) return error;
  int value = 0;
  error = GetInt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, "TCP_QUEUE_SEQ", &value);
  *seq = SeqNum(static_cast<uint32_t>(value));
  return error;
}

namespace {

int LoadDropProgram() {
  bpf_insn instructions[2] = {};
  instructions[0].code = BPF_ALU64 | BPF_MOV | BPF_K;  // r0 = 0: drop
  instructions[1].code = BPF_JMP | BPF_EXIT;
  return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "chimney_drop", "BSD",
                       instructions, 2, nullptr);
}

KernelError AttachClassicFilter(int fd) {
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program = {1, &drop_all};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) !=
      0) {
    return SystemError(errno == EPERM ? KernelErrorCode::kSocketFilter
                                      : KernelErrorCode::kSystemCall,
                       "SO_ATTACH_FILTER");
  }
  return {};
}

}  // namespace

KernelError AttachDropFilter(int fd) {
  // The kernel compiles a classic filter anew for every socket, which would be
  // a third of the freeze; one loaded program serves all sockets.
  static const int program = LoadDropProgram();
  if (program >= 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program,
                                 sizeof(program)) == 0) {
    return {};
  }
  return AttachClassicFilter(fd);
}

KernelError DetachFilter(int fd) {
  const int unused = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) !=
          0 &&
      errno != ENOENT) {
    return SystemError(KernelErrorCode::kSystemCall, "SO_DETACH_FILTER");
  }
  return {};
}

namespace {

KernelError SetQueueSeq(int fd, RepairQueue queue, SeqNum seq) {
  KernelError error = SelectQueue(fd, queue);
  if (!error.ok()) return error;
  return SetInt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, static_cast<int>(seq.value()),
                "TCP_QUEUE_SEQ");
}

// In repair mode the disconnect is silent; it leaves ECONNABORTED for the next
// call of the application, which must not see it.
KernelError DisconnectSilently(int fd) {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  if (connect(fd, &unspecified, sizeof(unspecified)) != 0) {
    return SystemError(KernelErrorCode::kNotDisconnected, "disconnect");
  }
  int pending_error = 0;
  return GetInt(fd, SOL_SOCKET, SO_ERROR, "SO_ERROR", &pending_error);
}

// Gives the socket its port. A port that the program, or an earlier hand-over,
// has bound survived the disconnect and cannot be bound again (EINVAL); whether
// it is the right one shows after the connect.
KernelError BindIfNeeded(int fd, const SocketAddress& local) {
  if (bind(fd, &local.generic, AddressLength(local)) == 0 || errno == EINVAL) {
    return {};
  }
  switch (errno) {
    case EADDRNOTAVAIL:
      return SystemError(KernelErrorCode::kNoRoute, "bind");
    case EACCES:
    case EPERM:
      return SystemError(KernelErrorCode::kPortPermission, "bind");
    default:
      return SystemError(KernelErrorCode::kTupleTaken, "bind");
  }
}

KernelError ConnectInRepair(int fd, const SocketImage& image) {
  if (connect(fd, &image.peer_address.generic,
              AddressLength(image.peer_address)) != 0) {
    const bool taken = errno == EADDRNOTAVAIL || errno == EADDRINUSE;
    return SystemError(
        taken ? KernelErrorCode::kTupleTaken : KernelErrorCode::kNoRoute,
        "connect in repair mode");
  }
  // A socket bound to a port alone gets its address from the route, which may
  // have changed since the connection was made.
  SocketAddress present{};
  socklen_t length = sizeof(present);
  if (getsockname(fd, &present.generic, &length) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "getsockname");
  }
  if (ToIpAddress(present) != ToIpAddress(image.local_address) ||
      PortOf(present) != PortOf(image.local_address)) {
    return KernelError{KernelErrorCode::kNoRoute, 0, "source address changed"};
  }
  return {};
}

}  // namespace

KernelError ReconnectInRepair(int fd, const SocketImage& image, SeqNum snd_seq,
                              SeqNum rcv_seq) {
  KernelError error = DisconnectSilently(fd);
  if (!error.ok()) return error;
  error = SetQueueSeq(fd, RepairQueue::kSend, snd_seq);
  if (!error.ok()) return error;
  error = SetQueueSeq(fd, RepairQueue::kReceive, rcv_seq);
  if (!error.ok()) return error;
  error = BindIfNeeded(fd, image.local_address);
  if (!error.ok()) return error;
  error = ConnectInRepair(fd, image);
  if (error.ok()) return error;
  if (error.code == KernelErrorCode::kNoRoute) {
    const KernelError ignored = DisconnectSilently(fd);
    (void)ignored;
  }
  return error;
}

}  // namespace chimney::kernel
