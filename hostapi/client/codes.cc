// SPDX-License-Identifier: BSD-3-Clause
// Texts of the public codes. The library keeps its own words for the values
// that cross from the daemon: it may be newer or older than the daemon.
#include "chimney/codes.h"

#include <cstddef>
#include <iterator>

#include "chimney/chimney.h"

namespace {

constexpr const char* kStatusTexts[] = {
    "success",
    "failure",
    "some dependents were not offloaded",
    "the daemon is out of memory",
    "the daemon has no room for another connection",
    "the daemon has no room for another path",
    "the daemon has no room for another neighbor",
    "source MAC address not supported",
    "no room for another local IP address",
    "the daemon is out of transmit buffers",
    "the daemon is out of receive buffers",
    "receive window too large",
    "out of VLAN entries",
    "VLAN does not belong to the interface",
    "path MTU too large",
    "the connection cannot be offloaded",
    "the connection is being uploaded",
    "the connection was reset or aborted",
    "posted after the peer's disconnect",
    "offloading is paused",
    "bytes moved into the kernel's send queue",
};
static_assert(std::size(kStatusTexts) == CHIMNEY_STATUS_MOVED_TO_KERNEL + 1);

constexpr const char* kRefusalTexts[] = {
    "none",
    "the descriptor is not a socket",
    "the socket is not a TCP socket",
    "the socket is not connected",
    "the connection is in a state that cannot be offloaded",
    "the connection is offloaded already",
    "chimneyd lacks CAP_NET_ADMIN for this socket",
    "MPTCP connections cannot be offloaded",
    "a TCP ULP (such as kTLS) is attached to the socket",
    "the connection uses TCP-MD5 or TCP-AO",
    "the socket is in a BPF sockmap",
    "the socket has a filter of its own",
    "urgent data is pending on the socket",
    "zero-copy sends are in flight",
    "ECN was negotiated and could not be given back",
    "the socket uses IP options or extension headers",
    "an IPsec policy covers the connection",
    "the connection is translated by NAT on this host",
    "the socket belongs to another network namespace than chimneyd",
    "the route does not leave by chimneyd's host interface",
    "the peer is on this host",
    "the connection kept changing while it was read; try again",
    "another socket holds the addresses and ports",
    "the queues do not fit into the socket's buffers",
    "a system call failed in chimneyd",
    "TCP Fast Open is still in progress",
    ("the kernel did not answer on the host interface: is it up, and does the "
     "route use it?"),
    "the daemon's workers have no room for the connection",
    "offloading is paused: chimneyctl resume ends that",
    "this user has as many offloaded connections as the daemon allows",
    "there is no such connection",
    "the request names a socket that was not attached",
    "the session is ending",
    "injected segments have not reached the socket yet",
    "the kernel has no route or no source address for the connection",
    "the state to restore contradicts itself",
    "the connection tracking entry could not be prepared",
    "the kernel's answer over netlink was missing or malformed",
    ("the port is a privileged one: chimneyd lacks CAP_NET_BIND_SERVICE to "
     "give it back"),
    "the socket could not be made a placeholder and runs on",
};
static_assert(std::size(kRefusalTexts) == CHIMNEY_REFUSAL_NOT_DISCONNECTED + 1);

constexpr const char* kReasonTexts[] = {
    "none",
    "the connection's state is corrupt",
    "it depends on invalidated state",
    "urgent data was received",
    "a timeout expired",
    "the daemon wants the upload",
    "too many segments are lost",
    "too many fragments",
    "too much reordering",
    "too little traffic",
    "no receives are posted",
    "posted receives are too small",
};
static_assert(std::size(kReasonTexts) == CHIMNEY_REASON_SMALL_IO + 1);

constexpr const char* kResultTexts[] = {
    "success",
    "invalid argument",
    "not possible right now, try again after the next event",
    "the connection's state does not allow this",
    "no chimneyd is listening there",
    "chimneyd refused",
    "the library and chimneyd are of different versions",
    "out of memory or of room in the session's arena",
    "chimneyd died or ended the session",
    "the connection was reset or aborted",
    "sending was shut down",
    "no answer in time",
    "another thread is waiting in this session",
    "a system call failed",
    "no connection of that id",
    "chimneyd could not do it",
};
static_assert(std::size(kResultTexts) == -CHIMNEY_E_FAILED + 1);

template <size_t kCount>
const char* Lookup(const char* const (&texts)[kCount], uint64_t index) {
  return index < kCount ? texts[index] : "unknown";
}

}  // namespace

const char* chimney_strerror(int result) {
  if (result > 0) return "success";
  return Lookup(kResultTexts, static_cast<uint64_t>(-int64_t{result}));
}

const char* chimney_status_text(uint32_t status) {
  return Lookup(kStatusTexts, status);
}

const char* chimney_refusal_text(uint32_t refusal) {
  return Lookup(kRefusalTexts, refusal);
}

const char* chimney_reason_text(uint32_t reason) {
  return Lookup(kReasonTexts, reason);
}

const char* chimney_conn_state_text(uint32_t state) {
  switch (state) {
    case CHIMNEY_STATE_IN_HOST:
      return "in host";
    case CHIMNEY_STATE_OFFLOADING:
      return "offloading";
    case CHIMNEY_STATE_OFFLOADED:
      return "offloaded";
    case CHIMNEY_STATE_UPLOADING:
      return "uploading";
    case CHIMNEY_STATE_LOST:
      return "lost";
    default:
      return "unknown";
  }
}
