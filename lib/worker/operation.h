// SPDX-License-Identifier: BSD-3-Clause
// What the control core asks of a worker. The control core allocates an
// Operation and fills the inputs; the worker fills the outputs and gives the
// same object back through ControlPort::Complete, exactly once (R29, R31). In
// between it belongs to the worker.
#ifndef CHIMNEY_WORKER_OPERATION_H_
#define CHIMNEY_WORKER_OPERATION_H_

#include <cstdint>
#include <vector>

#include "base/inet_address.h"
#include "base/published_record.h"
#include "base/time.h"
#include "offload/state.h"
#include "offload/status.h"
#include "packet/icmp.h"
#include "tcp/engine.h"
#include "worker/session_port.h"

namespace chimney::worker {

// What the kernel's own last frame of a flow tells about its path (design D16).
struct LearnedPath {
  bool valid = false;
  MacAddress source_mac;
  MacAddress destination_mac;
  uint16_t vlan_id = 0;
  uint8_t user_priority = 0;
  uint8_t ttl_or_hop_limit = 0;
  uint8_t tos_or_traffic_class = 0;
  uint32_t flow_label = 0;
  // Of the fence's answer: TSecr is the kernel's TS.Recent, which no socket
  // option reveals.
  bool has_timestamps = false;
  uint32_t tsval = 0;
  uint32_t tsecr = 0;
  // Its SACK blocks, but for the one that names the fence's byte: the kernel
  // holds data behind a hole, which no socket option reveals either.
  bool holds_out_of_order = false;
  // Behind the last byte that the kernel has sent. What the kernel itself says
  // may be more: while a send queue is read by TCP_REPAIR, a pacing or queueing
  // timer of the socket marks bytes as sent without sending them.
  SeqNum snd_nxt;
};

struct Operation {
  enum class Kind : uint8_t {
    kOpenSession,  // in: session_id, session_port
    // In: session_id. Completes when no flow of the session is left.
    kCloseSession,
    // In: tuple, timeout (of the hold), fence_frame, fence_timeout. Starts
    // parking wire->host segments of the flow (design D2). Out: flow. Fails
    // with kConnectionRejected if it is held. With a fence_frame it goes on as
    // kFence does and completes with it (status kFailure = no answer: the hold
    // stands, the fence may be repeated): one round trip less. With a
    // session_id also out: session_room_bytes. At its timeout the
    // hold is undone (kHoldExpired) unless a fence was answered before.
    kHold,
    // In: flow, fence_frame, fence_timeout, timeout (of the hold, which begins
    // anew if it has expired). Sends the frame to the host port after
    // everything forwarded so far, eats the ACK that answers it. Completes with
    // kSuccess when the answer was seen, kFailure at the timeout. Out: learned.
    // After kSuccess the hold has no deadline: kInitiate, kRelease or kOpenWire
    // ends it.
    kFence,
    // In: flow, snd_una, snd_nxt. From now on a host->wire frame of the flow
    // passes only if its payload lies in [snd_una, snd_nxt).
    kRestrictHost,
    // In: flow. Host->wire frames of the flow pass again.
    kOpenHost,
    // In: flow. Undoes kHold: parked frames go to the host, in order.
    kRelease,
    // In: flow, fence_frame. Sends the frame to the host port as it is, before
    // anything that is parked (a synthesized segment of the peer, design D3).
    kInjectHost,
    // In: flow (held), session_id, cookie, snapshot, send_data, receive_data,
    // published. Out: status. On success the flow runs and parked segments have
    // been fed to it; on failure it is still held.
    kInitiate,
    // In: flow. Cuts the connection (R90): owed ACK out, engine emptied, posted
    // requests returned, new segments parked. Out: snapshot, send_data,
    // receive_data (views into session memory, valid until kFinishUpload).
    kTerminate,
    // In: flow (held or cut). The kernel runs it already: what is parked and,
    // of a cut flow, out of order goes to the host in order, and what comes
    // from the wire passes. The flow stays known until kRelease or
    // kFinishUpload; kCancelUpload fails from here on.
    kOpenWire,
    // In: flow, moved, timeout. The kernel runs it again: out-of-order and
    // parked segments go to the host in order, pending sends complete with
    // kMovedToKernel, the session gets kUploaded, the flow is gone. In
    // LAST_ACK and behind it the socket repeats its ACK and its FIN to a peer
    // that has had both: waits at most `timeout` for them, and eats them.
    kFinishUpload,
    // In: flow. The upload failed: the connection runs on here. The session
    // gets kOffloaded once more and posts again what came back to it as
    // kUploadInProgress. Fails, and the flow stays cut, if the connection has
    // ended (kTimeWait, kClosed).
    kCancelUpload,
    kQuery,           // In: flow. Out: snapshot.
    kUpdatePath,      // In: flow, snapshot.path.path_mtu_bytes.
    kUpdateCached,    // In: flow, snapshot.tcp.cached.
    kUpdateNeighbor,  // In: flow, snapshot.neighbor.
    kDisconnect,      // In: flow, abortive (the session died, SO_LINGER 0).
  };
  Kind kind = Kind::kQuery;
  offload::Status status = offload::Status::kSuccess;
  FlowHandle flow;
  FlowTuple tuple;
  Duration timeout;
  Duration fence_timeout;
  // When the control core began the hand-over, on the workers' clock: the
  // notices kOffloaded and kUploaded carry the time since.
  Instant started_at;

  uint32_t session_id = 0;
  SessionPort* session_port = nullptr;
  uint64_t cookie = 0;
  PublishedRecord* published = nullptr;  // slot in the session's published file
  bool abortive = false;
  // kFinishUpload: the send data is in the kernel's queue; false = it is lost
  // with the connection, pending sends complete with kRequestAborted.
  bool moved = true;

  // kHold, kFence: only tcp.constant.sack_enabled is read. If it is set, the
  // fence's answer is the segment whose first SACK block is the fence's byte
  // (RFC 2883); if not, the first pure ACK of everything up to the fence.
  offload::ConnectionSnapshot snapshot;
  SeqNum snd_una;
  SeqNum snd_nxt;
  LearnedPath learned;
  // What the session's memory could take over when the hold completed, send and
  // receive data together; initiates under way may need some of it.
  uint64_t session_room_bytes = 0;
  std::vector<uint8_t> fence_frame;
  // kInitiate: bytes from snd_una on / bytes ending at rcv_nxt.
  std::vector<uint8_t> send_bytes;
  std::vector<uint8_t> receive_bytes;
  // kTerminate: the same as views; `unreturned_receive_bytes` of them were lent
  // to the session and not returned: they come first in receive_data only when
  // `include_lent` was set (the host process is dead).
  bool include_lent = false;
  // The worker appends; reserve both, or it has to allocate.
  std::vector<ByteSpan> send_data;
  std::vector<ByteSpan> receive_data;
  uint32_t unreturned_receive_bytes = 0;
  // kTerminate: the connection is CLOSED since both FINs were acknowledged, not
  // since it was reset.
  bool closed_by_fins = false;

  uint64_t control_tag = 0;  // the control core's own; the worker leaves it
};

// Something a worker tells the control core on its own account.
struct ControlNotice {
  enum class Kind : uint8_t {
    kRetrieve,     // flow must or should be uploaded: reason
    kIcmpError,    // an ICMP error quotes an offloaded flow (design D3)
    kHoldExpired,  // a hold passed its deadline and was undone
  };
  Kind kind = Kind::kRetrieve;
  FlowHandle flow;
  uint32_t session_id = 0;
  uint64_t cookie = 0;
  offload::UploadReason reason = offload::UploadReason::kNone;
  packet::IcmpError icmp;
  // For kIcmpError: the flight when it arrived.
  SeqNum snd_una;
  SeqNum snd_max;
};

// The way back to the control core. Called on the worker's core only.
class ControlPort {
 public:
  virtual ~ControlPort() = default;
  // Never fails: the ring holds as many as operations can be outstanding.
  virtual void Complete(Operation* operation) = 0;
  // False if the control core is behind: the worker raises it again later
  // (kRetrieve) or counts it as lost (the others).
  virtual bool Notify(const ControlNotice& notice) = 0;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_OPERATION_H_
