// SPDX-License-Identifier: BSD-3-Clause
// One connection as a worker keeps it, from the hold to the last notice.
#ifndef CHIMNEY_WORKER_FLOW_H_
#define CHIMNEY_WORKER_FLOW_H_

#include <cstdint>

#include "base/intrusive_list.h"
#include "base/published_record.h"
#include "base/time.h"
#include "offload/state.h"
#include "packet/frame_builder.h"
#include "tcp/engine.h"
#include "worker/flow_table.h"
#include "worker/frame.h"
#include "worker/lent_ledger.h"
#include "worker/operation.h"
#include "worker/timing_wheel.h"

namespace chimney::worker {

struct Session;

enum class FlowPhase : uint8_t {
  kHeld,     // the kernel runs it; wire frames are parked (design D2)
  kRunning,  // the engine runs it
  kCut,      // being uploaded: nobody runs it, wire frames are parked (R97)
  kGone,     // the kernel has it; some notices are still owed
};

// A wire frame kept back. Its memory belongs to the I/O layer until the frame
// is forwarded or freed.
struct ParkedFrame : ListNode<> {
  Frame frame;
};
using ParkedList = IntrusiveList<ParkedFrame>;

// A receive buffer of the session, filled from its front (R125).
struct PostedReceive : ListNode<> {
  uint64_t id = 0;
  uint8_t* data = nullptr;
  uint32_t length = 0;
  uint32_t filled = 0;
  bool no_push = false;  // R131
  offload::Status status = offload::Status::kSuccess;
};
using PostedList = IntrusiveList<PostedReceive>;

// The fence that is out (design D2).
struct Fence {
  Operation* operation = nullptr;  // null = none
  bool sent = false;               // or the host port had no room for it
  SeqNum start;                    // of the old byte sent to the kernel
  SeqNum end;
  SeqNum ack;  // its ACK field: a reset that answers it has this SEQ
  Instant deadline = Instant::Never();
  // The kernel reports duplicates: only the ACK that names the fence's byte is
  // the answer, others are noted in case it does not after all.
  bool wants_duplicate_report = false;
  bool plain_ack_seen = false;
};

// A disconnect request of the session that is not completed (R170, R171).
struct PendingDisconnect {
  bool waiting = false;  // asked for, not decided
  bool decided = false;  // `status` is to be told
  bool abortive = false;
  uint64_t id = 0;
  offload::Status status = offload::Status::kSuccess;
};

// States whose end the socket that gets them tells the peer once more.
constexpr bool EndIsRepeated(tcp::ConnectionState state) {
  return state == tcp::ConnectionState::kLastAck ||
         state == tcp::ConnectionState::kTimeWait ||
         state == tcp::ConnectionState::kClosed;
}

// How far an event for the session has come.
enum class Telling : uint8_t { kNothing, kDue, kTold };

struct ScheduleTag {};
struct SessionFlowTag {};
struct RetrieveTag {};

struct Flow : FlowKey,
              TimerNode,
              ListNode<ScheduleTag>,     // ready, or waiting for some room
              ListNode<SessionFlowTag>,  // of its session
              ListNode<RetrieveTag> {    // the control core is to be told
  FlowPhase phase = FlowPhase::kHeld;
  bool is_ready = false;  // on the worker's ready list
  FlowHandle handle;

  // Host->wire: false = old payload only, inside [gate_una, gate_nxt).
  bool gate_open = true;
  SeqNum gate_una;
  SeqNum gate_nxt;

  // Wire->host: frames of the held or cut flow pass, none is parked.
  bool wire_open = false;
  // Wire frames are parked although the flow runs: it waits for its upload.
  bool diverted = false;
  // Nothing more is sent either; the engine did not stop by itself.
  bool stopped = false;
  uint32_t parked_count = 0;
  ParkedList parked;

  Instant hold_deadline = Instant::Never();
  Instant push_deadline = Instant::Never();
  Fence fence;
  LearnedPath learned;

  // From here on: once initiated.
  Session* session = nullptr;
  uint64_t cookie = 0;
  PublishedRecord* published = nullptr;
  bool publish_due = false;
  packet::HeaderTemplate headers;
  offload::NeighborState neighbor;
  offload::PathState path;
  Instant host_reached_at;  // R204
  Instant nic_reached_at;
  tcp::Tcb tcb;

  // Sends: pieces of an NBL whose last one has not come, and what has left the
  // engine by an upload and is to be completed first.
  tcp::RecordList staged;
  uint32_t staged_count = 0;
  tcp::RecordList finished;
  uint64_t nbl_bytes = 0;  // acknowledged, of the NBL being completed
  offload::Status nbl_status = offload::Status::kSuccess;
  uint32_t records_held = 0;  // given to the engine, not completed

  // A kSend or kDisconnect came back as kUploadInProgress: should the upload
  // fail, those behind it come back as well until one says `resumed`.
  bool bouncing = false;

  // Send data that came with the offload, for kOffloaded.
  uint32_t imported_send_bytes = 0;

  // Receives.
  PostedList posted;
  PostedList done;  // to be told, in order
  LentList lent;
  uint32_t lent_bytes = 0;
  // Of these, lent before an upload that failed: no longer in the engine's
  // account of unread bytes.
  uint32_t lent_unaccounted = 0;
  // No indication before the first receive is posted (R45).
  bool indications_wait = false;
  bool push_seen = false;  // R130

  // Events.
  uint32_t elapsed_ns = 0;  // of the hand-over last done
  Telling offloaded = Telling::kNothing;
  Telling abort_event = Telling::kNothing;
  Telling disconnect_event = Telling::kNothing;
  Telling retrieve_event = Telling::kNothing;
  Telling uploaded = Telling::kNothing;
  offload::UploadReason retrieve_reason = offload::UploadReason::kNone;
  PendingDisconnect graceful;
  PendingDisconnect abortive;
  bool fin_queued = false;  // our half is closed, by the session or before
  bool disconnect_asked = false;
  bool reset_sent = false;

  // From the cut to its end.
  Instant cut_at;
  uint32_t tsval_max = 0;
  offload::Status unmoved_status = offload::Status::kMovedToKernel;
  // kFinishUpload, while it waits for the socket's repetition of the end.
  Operation* finish = nullptr;
  Instant finish_deadline = Instant::Never();
  bool end_seen = false;
  tcp::Exported exported;

  // On its way to the kernel, or waiting to be: takes no more work (R92).
  bool IsLeaving() const {
    return phase != FlowPhase::kRunning ||
           retrieve_reason != offload::UploadReason::kNone;
  }
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_FLOW_H_
