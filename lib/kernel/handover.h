// SPDX-License-Identifier: BSD-3-Clause
// The steps that move a connection between its kernel socket and whoever runs
// it, through TCP_REPAIR (design D1-D3). Each is a handful of system calls on
// the caller's duplicate of the socket; none blocks. Needs CAP_NET_ADMIN in the
// user namespace that owns the socket's network namespace. Thread rule: one
// thread per socket at a time.
//
// Offload: PeekReceiveNext -> (hold, fence) -> Freeze -> MakePlaceholder
//          -> (initiate) -> (replay the parked segments).
// Upload:  (cut, park, terminate) -> Restore -> (open host->wire) -> Thaw
//          -> (put PlanInjection's segments on the host port)
//          -> CompleteUpload until it is not kNotYet or kQueueTooLarge
//          -> (release wire->host, tell the application).
//
// A step that fails leaves the socket so that the named way back works: before
// the placeholder Unfreeze, after it MakePlaceholder or Restore again. The
// image of Freeze stays with the connection: Restore, Thaw and CompleteUpload
// want it with snapshot.tcp.delegated, send_bytes and receive_bytes brought up
// to date and all else as Freeze left it.
//
// What a round trip changes that a program can see (the rest of getsockopt is
// as before):
//  * TCP_INFO: all counters start at zero; srtt, cwnd (10 segments), ssthresh
//    (infinite), RTO and reordering start anew, but for what the kernel's
//    tcp_metrics remember. WSCALE is reported with shift 0 for a connection
//    that had none.
//  * TCP_CC_INFO, SO_TXREHASH's hash and an automatic IPv6 flow label start
//    anew. TCP_SAVED_SYN and a TCP_MAXSEG set before connect are forgotten (the
//    effect of the latter remains).
//  * SO_RCVBUF/SO_SNDBUF that the program never set (auto-tuned) may be larger;
//    odd values become even.
//  * The port counts as bound by the program: after connect(AF_UNSPEC) it stays
//    bound. An IPv6 socket with an IPv6 address says IPV6_V6ONLY.
#ifndef CHIMNEY_KERNEL_HANDOVER_H_
#define CHIMNEY_KERNEL_HANDOVER_H_

#include <cstddef>
#include <cstdint>

#include "kernel/inject_plan.h"
#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

// Of MakePlaceholder's and Restore's failures those that leave the socket
// unconnected, and that end when somebody else lets them. Where one of the two
// steps fails so the other would, too: the connection runs without a
// placeholder until one can be made (design D2).
constexpr bool LeavesUnconnected(KernelErrorCode code) {
  return code == KernelErrorCode::kTupleTaken ||
         code == KernelErrorCode::kPortPermission ||
         code == KernelErrorCode::kNoRoute;
}

// What of the host's settings bounds a connection; read once, at start.
struct HostLimits {
  // The size up to which the kernel would auto-tune a receive buffer
  // (net.ipv4.tcp_rmem, third value). Bounds initial_rcv_wnd of sockets whose
  // buffer the program did not fix; 0 = present size of the buffer.
  uint32_t max_receive_buffer_bytes = 0;
};

// Reads the limits of the calling thread's network namespace.
KernelError ReadHostLimits(HostLimits* limits);

// RCV.NXT of a running socket, for the fence's sequence number. Costs a visit
// to repair mode that sends nothing.
KernelError PeekReceiveNext(int fd, SeqNum* rcv_nxt);

// Attaches the drop-all filter, enters repair mode, reads everything, reads the
// sequence numbers again. Fails with kChanged if they moved in between; on any
// failure the socket runs on as before. Overwrites *image, but for
// timestamp_offset and carried: passing the image of the connection's last
// hand-over keeps its timestamp clock exact and its retransmission timer
// running.
KernelError Freeze(int fd, const HostLimits& limits, SocketImage* image);

// Undoes Freeze (not the placeholder): the socket runs on as if nothing had
// happened.
KernelError Unfreeze(int fd, const SocketImage& image);

// Turns a frozen socket into a silent placeholder that reserves its 4-tuple.
// Fails with kTupleTaken when another socket slipped in, with kNoRoute when
// address or route are gone and with kPortPermission when somebody forbids the
// bind (a security module, a program of the socket's control group); the socket
// is then unconnected and MakePlaceholder may be repeated. Fails with
// kNotDisconnected
// before anything has changed: Unfreeze is the way back. Wakes every waiter of
// the socket with EPOLLERR|EPOLLHUP.
KernelError MakePlaceholder(int fd, const SocketImage& image);

// Puts `image` (final state, send_bytes, receive_bytes) into a placeholder;
// still frozen and filtered afterwards. Bytes of send_bytes beyond snd_max stay
// in the image until CompleteUpload. kTupleTaken, kNoRoute and kPortPermission
// as above; kBadImage if the
// numbers contradict each other; kQueueTooLarge if the kernel has no memory for
// the queues. After a failure Restore or MakePlaceholder may be repeated. Sets
// image->timestamp_offset and image->carried.
KernelError Restore(int fd, SocketImage* image);

// Removes the filter, leaves repair mode without a probe, puts every option
// back: from here on the kernel runs the connection and Restore may no longer
// be repeated. On failure the socket is frozen as before. An option that could
// not be put back is no failure: the first such is in *leftover.
KernelError Thaw(int fd, const SocketImage& image, KernelError* leftover);

// How far CompleteUpload got; start with a fresh one.
struct UploadProgress {
  size_t unsent_bytes_written = 0;
  bool fin_done = false;
};

// Gives the kernel what had not been sent: the bytes beyond snd_max, then the
// FIN where PlanInjection says so, then the buffer sizes as they were. Call
// after the plan's segments are on the host port. Fails with kNotYet while the
// peer's FIN has not arrived and with kQueueTooLarge while the kernel is short
// of memory: repeat with the same `progress`. Calling it although the injected
// segments are lost is harmless after a while: the peer repeats its own FIN;
// set `await_peer_fin` to false to go on without.
KernelError CompleteUpload(int fd, const SocketImage& image,
                           bool await_peer_fin, UploadProgress* progress);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_HANDOVER_H_
