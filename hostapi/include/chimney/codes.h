/* SPDX-License-Identifier: BSD-3-Clause */
/* Results, statuses, refusals and reasons of the host API, with their texts.
 * Included by chimney.h. Values are part of the ABI and never reused. Functions
 * may be called from any thread with any value; the strings are English, static
 * and never NULL. */
#ifndef CHIMNEY_CODES_H_
#define CHIMNEY_CODES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What calls return when they fail. */
enum chimney_result {
  CHIMNEY_OK = 0,
  CHIMNEY_E_INVALID = -1,     /* an argument makes no sense */
  CHIMNEY_E_AGAIN = -2,       /* not now; an event says when */
  CHIMNEY_E_STATE = -3,       /* the connection's state does not allow it */
  CHIMNEY_E_NO_DAEMON = -4,   /* nobody listens at the socket path */
  CHIMNEY_E_REFUSED = -5,     /* the daemon refused; a text says why */
  CHIMNEY_E_VERSION = -6,     /* library and daemon do not fit together */
  CHIMNEY_E_NO_MEMORY = -7,   /* out of memory, or of room in the arena */
  CHIMNEY_E_DAEMON_GONE = -8, /* the daemon died or ended the session */
  CHIMNEY_E_RESET = -9,       /* the connection was reset or aborted */
  CHIMNEY_E_SHUTDOWN = -10,   /* send after chimney_stream_shutdown */
  CHIMNEY_E_TIMEOUT = -11,    /* no answer within timeout_ms */
  CHIMNEY_E_BUSY = -12,       /* another thread is in a waiting call */
  CHIMNEY_E_SYSTEM = -13,     /* a system call failed: see errno */
  CHIMNEY_E_NOT_FOUND = -14,  /* no connection of that id */
  CHIMNEY_E_FAILED = -15      /* the daemon could not do it; see the event */
};

/* What the code means. Any value is safe to pass. */
const char *chimney_strerror(int result);

/* How a request ended. Values of chimney_event.status. */
enum chimney_status {
  CHIMNEY_STATUS_SUCCESS = 0,
  CHIMNEY_STATUS_FAILURE = 1,
  CHIMNEY_STATUS_PARTIAL_SUCCESS = 2,
  CHIMNEY_STATUS_RESOURCES = 3,
  CHIMNEY_STATUS_TCP_ENTRIES = 4,
  CHIMNEY_STATUS_PATH_ENTRIES = 5,
  CHIMNEY_STATUS_NEIGHBOR_ENTRIES = 6,
  CHIMNEY_STATUS_HW_ADDRESS_ENTRIES = 7,
  CHIMNEY_STATUS_IP_ADDRESS_ENTRIES = 8,
  CHIMNEY_STATUS_TCP_XMIT_BUFFER = 9,
  CHIMNEY_STATUS_TCP_RCV_BUFFER = 10,
  CHIMNEY_STATUS_TCP_RCV_WINDOW = 11,
  CHIMNEY_STATUS_VLAN_ENTRIES = 12,
  CHIMNEY_STATUS_VLAN_MISMATCH = 13,
  CHIMNEY_STATUS_PATH_MTU = 14,
  CHIMNEY_STATUS_CONNECTION_REJECTED = 15, /* see chimney_event.refusal */
  CHIMNEY_STATUS_UPLOAD_IN_PROGRESS = 16,  /* not taken: the bytes are yours */
  CHIMNEY_STATUS_REQUEST_ABORTED = 17,     /* reset: nobody sends them */
  CHIMNEY_STATUS_INVALID_STATE = 18,       /* after the peer's FIN (R147) */
  CHIMNEY_STATUS_PAUSED = 19,              /* offloading is paused */
  CHIMNEY_STATUS_MOVED_TO_KERNEL = 20      /* in the kernel's send queue */
};
const char *chimney_status_text(uint32_t status);

/* Why a connection cannot be handed over. Values of chimney_event.refusal. */
enum chimney_refusal {
  CHIMNEY_REFUSAL_NONE = 0,
  CHIMNEY_REFUSAL_NOT_SOCKET = 1,
  CHIMNEY_REFUSAL_NOT_TCP = 2,
  CHIMNEY_REFUSAL_NOT_CONNECTED = 3,
  CHIMNEY_REFUSAL_WRONG_STATE = 4,
  CHIMNEY_REFUSAL_ALREADY_OFFLOADED = 5,
  CHIMNEY_REFUSAL_NO_PERMISSION = 6,
  CHIMNEY_REFUSAL_MPTCP = 7,
  CHIMNEY_REFUSAL_UPPER_LAYER_PROTOCOL = 8,
  CHIMNEY_REFUSAL_MD5_OR_AO = 9,
  CHIMNEY_REFUSAL_SOCKMAP = 10,
  CHIMNEY_REFUSAL_SOCKET_FILTER = 11,
  CHIMNEY_REFUSAL_URGENT_DATA = 12,
  CHIMNEY_REFUSAL_ZERO_COPY_SEND = 13,
  CHIMNEY_REFUSAL_ECN = 14,
  CHIMNEY_REFUSAL_IP_OPTIONS = 15,
  CHIMNEY_REFUSAL_IPSEC = 16,
  CHIMNEY_REFUSAL_NAT = 17,
  CHIMNEY_REFUSAL_OTHER_NAMESPACE = 18,
  CHIMNEY_REFUSAL_OTHER_ROUTE = 19,
  CHIMNEY_REFUSAL_LOCAL_PEER = 20,
  CHIMNEY_REFUSAL_CHANGED = 21,
  CHIMNEY_REFUSAL_TUPLE_TAKEN = 22,
  CHIMNEY_REFUSAL_QUEUE_TOO_LARGE = 23,
  CHIMNEY_REFUSAL_SYSTEM_CALL = 24,
  CHIMNEY_REFUSAL_FAST_OPEN = 25,
  CHIMNEY_REFUSAL_FENCE_UNANSWERED = 26,
  CHIMNEY_REFUSAL_REFUSED_BY_TARGET = 27,
  CHIMNEY_REFUSAL_PAUSED = 28,
  CHIMNEY_REFUSAL_QUOTA = 29,
  CHIMNEY_REFUSAL_NO_SUCH_CONNECTION = 30,
  CHIMNEY_REFUSAL_NO_SOCKET_ATTACHED = 31,
  CHIMNEY_REFUSAL_SESSION_ENDING = 32,
  CHIMNEY_REFUSAL_NOT_YET = 33,
  CHIMNEY_REFUSAL_NO_ROUTE = 34,
  CHIMNEY_REFUSAL_BAD_IMAGE = 35,
  CHIMNEY_REFUSAL_CONNTRACK = 36,
  CHIMNEY_REFUSAL_NETLINK = 37,
  CHIMNEY_REFUSAL_PORT_PERMISSION = 38,
  CHIMNEY_REFUSAL_NOT_DISCONNECTED = 39
};
const char *chimney_refusal_text(uint32_t refusal);

/* Why the daemon wants or wanted an upload (R178). chimney_event.reason. */
enum chimney_reason {
  CHIMNEY_REASON_NONE = 0,
  CHIMNEY_REASON_HARDWARE_FAILURE = 1, /* mandatory, as the next four */
  CHIMNEY_REASON_INVALID_STATE = 2,
  CHIMNEY_REASON_RECEIVED_URGENT_DATA = 3,
  CHIMNEY_REASON_TIMEOUT_EXPIRATION = 4,
  CHIMNEY_REASON_UPLOAD_REQUESTED = 5,
  CHIMNEY_REASON_HIGH_DROP_RATE = 6,
  CHIMNEY_REASON_HIGH_FRAGMENTATION = 7,
  CHIMNEY_REASON_HIGH_OUT_OF_ORDER_PACKETS = 8,
  CHIMNEY_REASON_LOW_ACTIVITY = 9,
  CHIMNEY_REASON_NO_BUFFER_PREPOSTING = 10,
  CHIMNEY_REASON_SMALL_IO = 11
};
const char *chimney_reason_text(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif /* CHIMNEY_CODES_H_ */
