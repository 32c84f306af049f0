/* SPDX-License-Identifier: BSD-3-Clause */
/* The host API of chimneyd: hand an established TCP connection to the daemon's
 * DPDK workers, use it there, and take it back into the kernel, at any time and
 * as often as one likes, without the peer noticing and without a byte lost.
 * Needs no privilege.
 *
 * The model. The application connects or accepts with the kernel and keeps its
 * descriptor for the whole life of the connection. A `chimney_conn` wraps it:
 *
 *   IN_HOST --chimney_conn_offload--> OFFLOADING --OFFLOADED--> OFFLOADED
 *      ^                                  | OFFLOAD_FAILED          |
 *      |<---------------------------------'             chimney_conn_upload, or
 *      |                                                the daemon's own wish
 *      `------------------UPLOADED-------- UPLOADING <--------------'
 *
 * From chimney_conn_offload until UPLOADED or OFFLOAD_FAILED the descriptor is
 * a placeholder: nobody may read, write or poll it (it would report EPOLLERR
 * and EPOLLHUP); it may be closed only after chimney_conn_destroy.
 *
 * The stream calls work wherever the connection is, so that a program may use
 * nothing else and hand over at will:
 *
 *   struct chimney_session *s;
 *   struct chimney_conn *c;
 *   char why[200];
 *   if (chimney_session_open(NULL, &s, why, sizeof why) != CHIMNEY_OK)
 *     errx(1, "%s", why);
 *   chimney_conn_create(s, connected_fd, 0, 0, &c);
 *   chimney_conn_offload(c);
 *   for (;;) {
 *     struct chimney_event events[16];
 *     int n = chimney_session_poll(s, events, 16, -1);
 *     if (n < 0) errx(1, "%s", chimney_strerror(n));
 *     for (int i = 0; i < n; i++)
 *       if (events[i].type == CHIMNEY_EVENT_READABLE) {
 *         char bytes[65536];
 *         ssize_t got;
 *         while ((got = chimney_stream_recv(c, bytes, sizeof bytes)) > 0)
 *           use(bytes, got);
 *         if (got == 0) return;            // the peer has finished
 *         if (got != CHIMNEY_E_AGAIN) errx(1, "%s", chimney_strerror(got));
 *       }
 *   }
 *
 * Threads. Every call may be made from any thread, with three exceptions: the
 * waiting calls (chimney_session_poll and those with a timeout_ms) run in one
 * thread at a time, others get CHIMNEY_E_BUSY; chimney_session_close and
 * chimney_conn_destroy need that no other call on the same object is running.
 * The library serialises sends of one connection (R116). A session stays
 * with the process that opened it: after fork() the child must not use it, and
 * not close it. No call raises a signal.
 *
 * Results. Calls return CHIMNEY_OK or a count, or one of the negative
 * CHIMNEY_E_ codes. Rule numbers (Rn) are those of the project's rule book.
 * Strings returned by the library are English, static and never NULL.
 */
#ifndef CHIMNEY_CHIMNEY_H_
#define CHIMNEY_CHIMNEY_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "chimney/codes.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CHIMNEY_DEFAULT_SOCKET "/run/chimneyd/chimneyd.sock"

/* ------------------------------------------------------------- sessions -- */

struct chimney_session; /* one process's access to one daemon */

enum chimney_session_flag {
  /* Only the management calls: no memory for connections is set up. */
  CHIMNEY_SESSION_MANAGEMENT = 1u << 0
};

/* Zero means "the default" for every member but `size`. */
struct chimney_session_options {
  size_t size;              /* sizeof(struct chimney_session_options) */
  const char *socket_path;  /* NULL: CHIMNEY_DEFAULT_SOCKET */
  const char *name;         /* shown by chimneyctl; cut after 31 bytes */
  uint64_t arena_bytes;     /* send memory; a wish, the daemon may grant less */
  uint64_t receive_bytes;   /* receive memory; likewise */
  uint32_t ring_entries;    /* per ring, a power of two; likewise */
  uint32_t max_connections; /* offloaded at once; likewise */
  uint32_t send_buffer_bytes; /* chimney_stream_send holds at most so much per
                                 connection; default 1 MiB */
  uint32_t flags;             /* CHIMNEY_SESSION_* */
};

/* Opens a session. `options` may be NULL. On failure *session is NULL and
 * `text` (may be NULL if text_bytes is 0) says what is wrong and what to do:
 * CHIMNEY_E_NO_DAEMON, _REFUSED, _VERSION, _NO_MEMORY, _SYSTEM, _INVALID.
 * Blocks for at most some seconds. */
int chimney_session_open(const struct chimney_session_options *options,
                         struct chimney_session **session, char *text,
                         size_t text_bytes);

/* Ends the session and frees it, its connections and its memory. The daemon
 * uploads what is still offloaded; descriptors stay the application's. NULL is
 * allowed. */
void chimney_session_close(struct chimney_session *session);

/* A descriptor that polls readable (level-triggered) when chimney_session_poll
 * would return events. It belongs to the session: do not read or close it. It
 * is reliable after chimney_session_poll has returned 0; so poll until then. */
int chimney_session_fd(const struct chimney_session *session);

/* ---------------------------------------------------------------- events -- */

enum chimney_event_type {
  /* Of a connection. */
  CHIMNEY_EVENT_OFFLOADED = 1,      /* elapsed_ns */
  CHIMNEY_EVENT_OFFLOAD_FAILED = 2, /* status, refusal, system_errno, text; the
                                       connection goes on in the kernel */
  CHIMNEY_EVENT_UPLOADED = 3,      /* elapsed_ns, reason: if the daemon asked */
  CHIMNEY_EVENT_UPLOAD_FAILED = 4, /* as OFFLOAD_FAILED; goes on offloaded */
  CHIMNEY_EVENT_READABLE = 5,      /* chimney_stream_recv has something */
  CHIMNEY_EVENT_WRITABLE = 6,      /* chimney_stream_send takes bytes again */
  CHIMNEY_EVENT_SEND_COMPLETE = 7, /* id, status, bytes (R110) */
  CHIMNEY_EVENT_RECEIVE = 8,       /* data, bytes, token: lent (R139) */
  CHIMNEY_EVENT_RECEIVE_COMPLETE = 9, /* id, status, bytes, data (R137) */
  CHIMNEY_EVENT_PEER_DISCONNECT = 10, /* FIN, and all data before it (R174) */
  CHIMNEY_EVENT_DISCONNECT_COMPLETE =
      11,                      /* of chimney_stream_shutdown or
                                  chimney_conn_abort: status (R171) */
  CHIMNEY_EVENT_ABORT = 12,    /* the peer reset the connection (R175) */
  CHIMNEY_EVENT_RETRIEVE = 13, /* the daemon wants it uploaded: reason (R178).
                                  Mandatory reasons need no action: the upload
                                  is on its way */
  /* Of the session; conn is NULL. */
  CHIMNEY_EVENT_PAUSE = 32,           /* no new offloads (R183) */
  CHIMNEY_EVENT_RESUME = 33,          /* offloading is possible again (R184) */
  CHIMNEY_EVENT_UPLOAD_ALL = 34,      /* everything is being uploaded (R182) */
  CHIMNEY_EVENT_LINK = 35,            /* bytes: 1 up, 0 down (R185) */
  CHIMNEY_EVENT_DAEMON_STOPPING = 36, /* uploads everything, then ends */
  CHIMNEY_EVENT_DAEMON_GONE = 37 /* connections that were away are LOST, those
                                    in the kernel go on; reported once */
};

struct chimney_conn; /* one TCP connection, wherever it is */

/* The size is part of the ABI; what an event does not use is 0. */
struct chimney_event {
  uint32_t type;             /* enum chimney_event_type */
  uint32_t status;           /* enum chimney_status */
  struct chimney_conn *conn; /* NULL for events of the session */
  uint64_t cookie;           /* as given to chimney_conn_create */
  uint64_t id;               /* as given with the request */
  const void *data;
  uint64_t bytes;
  uint64_t token;       /* of lent data, for chimney_receive_return */
  const char *text;     /* status, refusal and reason in words */
  uint32_t reason;      /* enum chimney_reason */
  uint32_t refusal;     /* enum chimney_refusal */
  int32_t system_errno; /* errno of the call that failed in the daemon */
  uint32_t elapsed_ns;  /* the daemon's own time for the hand-over, from before
                           the hold to after the release */
  uint64_t reserved[4];
};

/* Waits until there are events and stores up to max_events of them. timeout_ms:
 * 0 does not wait, -1 waits for ever. Returns how many, 0 at the timeout or
 * when a signal handler ran; CHIMNEY_E_BUSY; CHIMNEY_E_DAEMON_GONE only when no
 * connection of the session can have events any more. This call moves
 * everything forward: a program that has work in flight has to make it. */
int chimney_session_poll(struct chimney_session *session,
                         struct chimney_event *events, size_t max_events,
                         int timeout_ms);

/* ----------------------------------------------------------- connections -- */

enum chimney_conn_flag {
  /* While offloaded, received data comes as RECEIVE events (lent buffers) and
   * into posted receives, not through chimney_stream_recv. While in the kernel
   * the application reads the descriptor itself. */
  CHIMNEY_CONN_DESCRIPTORS = 1u << 0,
  /* The library does not watch the descriptor while the connection is in the
   * kernel: no READABLE and WRITABLE then, the application polls it itself. */
  CHIMNEY_CONN_NO_WATCH = 1u << 1
};

enum chimney_state {
  CHIMNEY_STATE_IN_HOST = 1,
  CHIMNEY_STATE_OFFLOADING = 2,
  CHIMNEY_STATE_OFFLOADED = 3,
  CHIMNEY_STATE_UPLOADING = 4,
  CHIMNEY_STATE_LOST = 5 /* the daemon died while it had the connection */
};
const char *chimney_conn_state_text(uint32_t state);

/* Wraps a connected TCP socket, which stays the application's; the connection
 * stays in the kernel. `cookie` comes back in every event. CHIMNEY_E_INVALID if
 * fd is no stream socket, CHIMNEY_E_NO_MEMORY. */
int chimney_conn_create(struct chimney_session *session, int fd,
                        uint64_t cookie, uint32_t flags,
                        struct chimney_conn **conn);

/* Forgets the connection; no event of it is delivered any more and lent data of
 * it is gone. If it is away it is uploaded in the background; if the descriptor
 * is closed meanwhile, the kernel then ends the connection as close() does.
 * Bytes of chimney_stream_send that were not taken yet are lost: wait for
 * chimney_stream_unsent() == 0 where that matters. NULL is allowed. */
void chimney_conn_destroy(struct chimney_conn *conn);

/* Starts an offload; OFFLOADED or OFFLOAD_FAILED follows. Any number may be
 * asked for at once: the library passes them on as fast as the daemon takes
 * them. CHIMNEY_E_STATE unless IN_HOST (R39); _RESET after an abort;
 * _DAEMON_GONE. */
int chimney_conn_offload(struct chimney_conn *conn);

/* Starts an upload (terminate, R84); UPLOADED or UPLOAD_FAILED follows.
 * CHIMNEY_E_STATE unless OFFLOADED; CHIMNEY_E_DAEMON_GONE. */
int chimney_conn_upload(struct chimney_conn *conn);

/* Ends the connection at once with a reset (R169), wherever it is; during a
 * hand-over, when that is over. DISCONNECT_COMPLETE follows. */
int chimney_conn_abort(struct chimney_conn *conn);

uint32_t chimney_conn_state(const struct chimney_conn *conn);
uint64_t chimney_conn_cookie(const struct chimney_conn *conn);
int chimney_conn_fd(const struct chimney_conn *conn);
struct chimney_session *chimney_conn_session(const struct chimney_conn *conn);

struct chimney_conn_info {
  size_t size;        /* sizeof, set by the caller */
  uint32_t state;     /* enum chimney_state */
  uint32_t tcp_state; /* as the kernel numbers them: 1 ESTABLISHED, ... */
  uint32_t rcv_nxt;   /* sequence numbers: only while offloaded */
  uint32_t snd_una;
  uint32_t snd_nxt;
  uint32_t snd_max;
  uint32_t snd_wnd_bytes;
  uint32_t rcv_wnd_bytes;
  uint32_t cwnd_bytes;
  uint32_t ssthresh_bytes; /* UINT32_MAX: none yet */
  uint32_t srtt_us;
  uint32_t rttvar_us;
  uint32_t path_mtu_bytes;
};

/* Asks whoever has the connection. Waits; CHIMNEY_E_STATE during a hand-over,
 * _TIMEOUT, _BUSY, _DAEMON_GONE, _NOT_FOUND. */
int chimney_conn_query(struct chimney_conn *conn,
                       struct chimney_conn_info *info, int timeout_ms);

/* ---------------------------------------------------------------- stream -- */

/* Takes up to `bytes` bytes, copying them, and returns how many.
 * CHIMNEY_E_AGAIN (also throughout a hand-over) and short counts are followed
 * by one WRITABLE event. _SHUTDOWN, _RESET, _DAEMON_GONE, _SYSTEM. Bytes taken
 * are delivered in order, on whichever side the connection is then. */
ssize_t chimney_stream_send(struct chimney_conn *conn, const void *data,
                            size_t bytes);

/* Copies up to `bytes` received bytes out. 0: the peer has finished. After
 * CHIMNEY_E_AGAIN (and once at the start) one READABLE event follows as soon as
 * there is something, also a FIN or an error. _RESET, _DAEMON_GONE (after what
 * had been received), _SYSTEM. */
ssize_t chimney_stream_recv(struct chimney_conn *conn, void *data,
                            size_t bytes);

/* Sends FIN after everything taken so far (R170); receiving goes on.
 * Idempotent. DISCONNECT_COMPLETE follows: status SUCCESS (acknowledged),
 * MOVED_TO_KERNEL (the kernel sends it) or REQUEST_ABORTED. */
int chimney_stream_shutdown(struct chimney_conn *conn);

/* Bytes taken by chimney_stream_send that are neither acknowledged nor in the
 * kernel's send queue. */
uint64_t chimney_stream_unsent(const struct chimney_conn *conn);

/* ----------------------------------------------------- zero-copy requests --
 */

/* Memory in the session's arena, aligned to 64 bytes; NULL when there is no
 * room (errno = ENOMEM). Belongs to the application until it is freed; it must
 * not be written while a send or posted receive that uses it is pending. */
void *chimney_buffer_alloc(struct chimney_session *session, size_t bytes);
/* Aborts on a pointer that chimney_buffer_alloc did not return, as free() does.
 * NULL is allowed. */
void chimney_buffer_free(struct chimney_session *session, void *buffer);

/* Posts one NBL: `count` (1..64) pieces, each inside one arena buffer, sent in
 * order without a copy. All or nothing. SEND_COMPLETE with `id` gives the
 * memory back (R107, R110); after UPLOAD_IN_PROGRESS the application sends the
 * bytes itself. Only while OFFLOADED, else CHIMNEY_E_STATE; CHIMNEY_E_AGAIN
 * when the ring is full or stream bytes wait in front; _INVALID, _SHUTDOWN,
 * _RESET. */
int chimney_send(struct chimney_conn *conn, const struct iovec *pieces,
                 int count, uint64_t id);

enum chimney_receive_flag {
  CHIMNEY_RECEIVE_NO_PUSH = 1u << 0 /* complete only when full (R131) */
};

/* Posts arena memory to receive into (CHIMNEY_CONN_DESCRIPTORS only).
 * RECEIVE_COMPLETE gives it back. Zero bytes are allowed (R128). Errors as
 * chimney_send. */
int chimney_post_receive(struct chimney_conn *conn, void *buffer, size_t bytes,
                         uint32_t flags, uint64_t id);

/* Gives the next `bytes` bytes of a RECEIVE event back (R145); all have to be,
 * in one call or several, for the peer's window to stay open.
 * CHIMNEY_E_INVALID for a token or count that is not lent. */
int chimney_receive_return(struct chimney_session *session, uint64_t token,
                           size_t bytes);

/* ------------------------------------------------------------ management -- */

enum chimney_topic {
  CHIMNEY_TOPIC_STATUS = 1,
  CHIMNEY_TOPIC_CONNECTIONS = 2,
  CHIMNEY_TOPIC_STATS = 3
};

/* The daemon's answer as JSON text in *text, NUL-terminated; release it with
 * chimney_text_free. Waits; _TIMEOUT, _BUSY, _DAEMON_GONE, _NO_MEMORY. */
int chimney_status_json(struct chimney_session *session, uint32_t topic,
                        char **text, int timeout_ms);
void chimney_text_free(char *text);

/* Uploads every connection the caller may manage and pauses offloading until
 * resume; pause only stops new offloads (R182-R184). `connections` (may be
 * NULL) gets how many were concerned, or with _FAILED how many could not go
 * back for --drain_timeout and are still being tried. Wait for
 * the daemon's answer; _REFUSED, _FAILED, _TIMEOUT, _BUSY, _DAEMON_GONE. */
int chimney_upload_all(struct chimney_session *session, uint64_t *connections,
                       int timeout_ms);
int chimney_resume(struct chimney_session *session, int timeout_ms);
int chimney_pause(struct chimney_session *session, int timeout_ms);
/* Uploads one connection by its id in the CONNECTIONS topic. _NOT_FOUND. */
int chimney_terminate_id(struct chimney_session *session, uint64_t id,
                         int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* CHIMNEY_CHIMNEY_H_ */
