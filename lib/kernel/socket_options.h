// SPDX-License-Identifier: BSD-3-Clause
// getsockopt and setsockopt with the room's errors, and the options of newer
// kernels that the distribution's headers do not name. Internal to the room.
#ifndef CHIMNEY_KERNEL_SOCKET_OPTIONS_H_
#define CHIMNEY_KERNEL_SOCKET_OPTIONS_H_

// The kernel's header, not the C library's: it has the whole of tcp_info. The
// two cannot be included together.
#include <linux/tcp.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

// Numbers of the kernel's ABI that are younger than the oldest headers we build
// with; an old kernel answers ENOPROTOOPT.
inline constexpr int kSoBufLock = 72;          // SO_BUF_LOCK, 5.15
inline constexpr int kBufLockReceive = 2;      // SOCK_RCVBUF_LOCK
inline constexpr int kTcpAoInfo = 40;          // TCP_AO_INFO, 6.7
inline constexpr int kTcpRtoMinUs = 45;        // TCP_RTO_MIN_US, 6.15
inline constexpr int kTcpDelackMaxUs = 46;     // TCP_DELACK_MAX_US, 6.15
inline constexpr uint8_t kTcpiOptUsecTs = 64;  // TCPI_OPT_USEC_TS, 6.7

// States as tcp_info reports them (the kernel's ABI).
inline constexpr uint8_t kKernelEstablished = 1;
inline constexpr uint8_t kKernelFinWait1 = 4;
inline constexpr uint8_t kKernelFinWait2 = 5;
inline constexpr uint8_t kKernelClose = 7;
inline constexpr uint8_t kKernelCloseWait = 8;
inline constexpr uint8_t kKernelLastAck = 9;
inline constexpr uint8_t kKernelClosing = 11;

// An error of `code` with the present errno.
KernelError SystemError(KernelErrorCode code, const char* step);

KernelError GetInt(int fd, int level, int name, const char* step, int* value);
KernelError SetInt(int fd, int level, int name, int value, const char* step);
// The value, or `fallback` where the kernel does not have the option.
int GetIntOr(int fd, int level, int name, int fallback);

// Fills as much of *info as the kernel knows, the rest is zero.
KernelError GetTcpInfo(int fd, tcp_info* info);

// The socket's two addresses as it knows them.
KernelError GetAddresses(int fd, SocketAddress* local, SocketAddress* peer);
// Bytes of the address that bind and connect want.
socklen_t AddressLength(const SocketAddress& address);
// The address as it stands in packets: v4-mapped is IPv4.
IpAddress ToIpAddress(const SocketAddress& address);
uint16_t PortOf(const SocketAddress& address);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_SOCKET_OPTIONS_H_
