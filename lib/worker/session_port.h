// SPDX-License-Identifier: BSD-3-Clause
// What passes between a worker and one host process (a session): requests in,
// notices out. The daemon translates them from and to ring entries after every
// length and offset has been proved.
#ifndef CHIMNEY_WORKER_SESSION_PORT_H_
#define CHIMNEY_WORKER_SESSION_PORT_H_

#include <cstddef>
#include <cstdint>

#include "base/chunk_pool.h"
#include "base/slab.h"
#include "offload/status.h"

namespace chimney::worker {

// Names one flow of one worker; stale handles are recognised (R26).
using FlowHandle = Handle;

// From the session, on its data ring. The pointers lie inside the session's
// arena (proved by the caller) and stay valid until the notice that gives the
// memory back.
struct Request {
  enum class Kind : uint8_t {
    kSend,           // one piece of an NBL (R107)
    kReceive,        // posted receive buffer (R125). The first one after
                     // kOffloaded also starts indications when received data
                     // came with the offload (R45); one of zero bytes
                     // completes at once and does no more than that (R141)
    kReceiveReturn,  // gives `length` consumed bytes of a lent chunk back
                     // (R145)
    kDisconnect,     // R169, R170
  };
  Kind kind = Kind::kSend;
  FlowHandle flow;
  uint64_t id = 0;          // the session's name for the request
  uint8_t* data = nullptr;  // kSend, kReceive
  uint32_t length = 0;
  ChunkIndex chunk = kNoChunk;  // kReceiveReturn
  bool ends_nbl = true;         // kSend
  bool no_push = false;         // kReceive: R131
  bool abortive = false;        // kDisconnect
  // kSend, kDisconnect: the session has seen that an upload failed. What it
  // posts without that may be older than what came back to it.
  bool resumed = false;
};

enum class RequestVerdict : uint8_t {
  kAccepted,
  kUnknownFlow,  // stale or foreign handle: a notice with kFailure was queued
  kBadRequest,   // e.g. return of a chunk that is not lent: breaks the rules
  kNoResources,  // try the same request again later: leave it in the ring
};

// Id of the kSendComplete of the send data that came with an offload: one
// notice for all of it (R48).
inline constexpr uint64_t kImportedSendId = ~uint64_t{0};

// To the session.
struct Notice {
  enum class Kind : uint8_t {
    kSendComplete,        // id, status, bytes = acknowledged bytes of the NBL
    kReceiveComplete,     // id, status, bytes = bytes placed
    kReceiveIndication,   // chunk, offset_in_chunk, bytes: lent until returned
    kDisconnectComplete,  // id, status
    kDisconnectEvent,     // TcpIndicateDisconnect: peer's FIN, all data taken
    kAbortEvent,          // TcpIndicateAbort
    kRetrieveEvent,       // TcpIndicateRetrieve: reason
    kOffloaded,           // the connection is live; first notice of a flow;
                          // bytes of send data came with it.
                          // Comes again if an upload failed: what came back
                          // as kUploadInProgress is to be posted again
    kUploaded,            // the connection is in the kernel; last notice of it
  };
  Kind kind = Kind::kSendComplete;
  offload::Status status = offload::Status::kSuccess;
  offload::UploadReason reason = offload::UploadReason::kNone;
  FlowHandle flow;
  uint64_t cookie = 0;  // the host's handle given at initiate (R27)
  uint64_t id = 0;
  uint32_t bytes = 0;
  ChunkIndex chunk = kNoChunk;
  uint32_t offset_in_chunk = 0;
  // kOffloaded, kUploaded: how long the hand-over took.
  uint32_t elapsed_ns = 0;
};

// One session as one worker sees it. Implemented by the daemon over rings and
// by tests over vectors. Called on the worker's core only.
class SessionPort {
 public:
  virtual ~SessionPort() = default;
  // Notices that Push() would surely take now.
  virtual size_t Room() const = 0;
  virtual void Push(const Notice& notice) = 0;
  // Called once after a batch of Push(): wake the host if it sleeps.
  virtual void Ring() = 0;
  // Received bytes live here: memory of this session, this worker's share.
  virtual ChunkPool* chunks() = 0;
  // Flows of this session that are gone but for notices which found no room.
  // They keep their places until they are told, so somebody has to count them.
  virtual void SetUntold(uint32_t flows) = 0;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_SESSION_PORT_H_
