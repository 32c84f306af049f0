// SPDX-License-Identifier: BSD-3-Clause
// What the library knows about one connection, for its whole life and over any
// number of hand-overs. Plain data: the session's parts work on it, under the
// session's lock.
#ifndef CHIMNEY_CLIENT_CONNECTION_H_
#define CHIMNEY_CLIENT_CONNECTION_H_

#include <cstdint>
#include <deque>

#include "chimney/chimney.h"

namespace chimney::client {

class Session;

// A send that is in the daemon's hands: given and completed in order (R107).
struct PendingSend {
  uint64_t user_id = 0;      // of chimney_send
  uint8_t* block = nullptr;  // arena memory of stream bytes; else nullptr
  uint32_t offset = 0;       // first byte in the block
  uint32_t bytes = 0;
  bool of_stream = false;
  bool done = false;
  // Stream bytes that came back; they keep their place until the upload is
  // over, so that everything untaken is sent again in one order.
  bool untaken = false;
};

// Stream bytes that came back untaken: they go out before anything newer.
struct BouncedSend {
  uint8_t* block = nullptr;
  uint32_t offset = 0;
  uint32_t bytes = 0;
};

// Received bytes, lent by the daemon until they are consumed.
struct ReceivedPiece {
  const uint8_t* data = nullptr;
  uint32_t bytes = 0;
  uint32_t consumed = 0;
  uint32_t lane = 0;
  uint32_t chunk = 0;
  uint64_t flow = 0;
};

struct PostedReceive {
  uint64_t user_id = 0;
  void* buffer = nullptr;
  // The library's own, of zero bytes: data that came along with an offload is
  // not indicated before a receive is posted (R45, R128).
  bool internal = false;
};

struct Connection {
  Session* session = nullptr;
  uint64_t wire_id = 0;  // the cookie the daemon knows it by
  int fd = -1;           // the application's
  uint64_t cookie = 0;   // the application's
  uint32_t flags = 0;    // CHIMNEY_CONN_*
  uint32_t state = CHIMNEY_STATE_IN_HOST;
  // chimney_conn_destroy was called; only the hand-over in flight keeps it.
  bool forgotten = false;
  bool watched = false;  // fd is in the session's epoll set

  // While it is away.
  uint64_t flow = 0;
  uint32_t lane = 0;
  uint64_t control_request = 0;  // of the terminate in flight, if it is ours
  bool attach_waiting = false;   // the daemon has not been asked yet
  // The daemon has cut it: requests come back untaken until kUploaded, or
  // kOffloaded once more if the upload fails.
  bool cut = false;
  // The next send or disconnect says that kOffloaded was seen.
  bool must_say_resumed = false;
  uint32_t retrieve_reason = CHIMNEY_REASON_NONE;

  // Sending. The next send gets number first_send + pending_sends.size().
  uint64_t first_send = 1;
  std::deque<PendingSend> pending_sends;
  std::deque<BouncedSend> bounced_sends;
  uint64_t unsent_bytes = 0;  // stream bytes in both queues
  // Came with the last offload and is not acknowledged: counts against the send
  // buffer as well, or each hand-over would let another buffer in.
  uint64_t imported_bytes = 0;

  // Ending.
  bool shutdown_wanted = false;
  bool shutdown_posted = false;  // a graceful disconnect is with the daemon
  bool shutdown_done = false;    // FIN acknowledged, or the kernel's to send
  bool abort_wanted = false;
  bool abort_posted = false;
  bool aborted = false;  // by us
  bool reset = false;    // by the peer, or by us

  // Receiving.
  std::deque<ReceivedPiece> received;
  std::deque<PostedReceive> posted_receives;
  bool peer_finished = false;
  bool peer_finish_told = false;

  // One READABLE or WRITABLE event is owed when it becomes true.
  bool read_wanted = true;
  bool write_wanted = false;
  bool stalled = false;  // on the session's list of those to try again

  bool UsesDescriptors() const {
    return (flags & CHIMNEY_CONN_DESCRIPTORS) != 0;
  }
  bool WantsWatch() const {
    return (flags & (CHIMNEY_CONN_DESCRIPTORS | CHIMNEY_CONN_NO_WATCH)) == 0;
  }
  bool InHost() const { return state == CHIMNEY_STATE_IN_HOST; }
  bool Offloaded() const { return state == CHIMNEY_STATE_OFFLOADED; }
  bool Lost() const { return state == CHIMNEY_STATE_LOST; }
  bool Away() const {
    return state == CHIMNEY_STATE_OFFLOADING ||
           state == CHIMNEY_STATE_OFFLOADED || state == CHIMNEY_STATE_UPLOADING;
  }
};

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_CONNECTION_H_
