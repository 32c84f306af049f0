// SPDX-License-Identifier: BSD-3-Clause
// One connection as a worker keeps it, from the hold to the last notice.
#ifndef CHIMNEY_WORKER_FLOW_H_
#define CHIMNEY_WORKER_FLOW_H_

#include <cstddef>
#include <cstdint>

#include "base/inet_address.h"
#include "base/intrusive_list.h"
#include "base/published_record.h"
#include "base/slab.h"
#include "base/time.h"
#include "offload/state.h"
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

  bool IsOver() const { return !waiting && !decided; }
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
struct RetrieveTag {};

struct Flow;

// What only a hand-over needs, in either direction: a flow that is held, cut or
// gone has it, one that runs only while frames of it are parked or the control
// core has not heard that it is to be uploaded.
struct HandOver : ListNode<RetrieveTag> {  // the control core is to be told
  explicit HandOver(Flow* its_flow) : flow(its_flow) {}

  Flow* const flow;
  uint32_t parked_count = 0;
  ParkedList parked;
  Instant hold_deadline = Instant::Never();
  Fence fence;
  LearnedPath learned;

  // From the cut to its end.
  Instant cut_at;
  uint32_t tsval_max = 0;
  offload::Status unmoved_status = offload::Status::kMovedToKernel;
  // kFinishUpload, while it waits for the socket's repetition of the end.
  Operation* finish = nullptr;
  Instant finish_deadline = Instant::Never();
  bool end_seen = false;
  tcp::Exported exported;
};

// What its session has in hand with a flow, and what is to be told of it. A
// flow of which nothing is outstanding has none; what is done serves another.
struct SessionWork {
  // Sends: pieces of an NBL whose last one has not come, and what has left the
  // engine by an upload and is to be completed first.
  tcp::RecordList staged;
  uint32_t staged_count = 0;
  tcp::RecordList finished;
  uint32_t records_held = 0;  // given to the engine, not completed
  uint64_t nbl_bytes = 0;     // acknowledged, of the NBL being completed
  offload::Status nbl_status = offload::Status::kSuccess;

  // Send data that came with the offload, for kOffloaded.
  uint32_t imported_send_bytes = 0;
  uint32_t elapsed_ns = 0;  // of the hand-over last done

  // Receives.
  PostedList posted;
  PostedList done;  // to be told, in order
  Instant push_deadline = Instant::Never();
  LentList lent;
  uint32_t lent_bytes = 0;
  // Of these, lent before an upload that failed: no longer in the engine's
  // account of unread bytes.
  uint32_t lent_unaccounted = 0;

  PendingDisconnect graceful;
  PendingDisconnect abortive;

  bool HasReceives() const { return !posted.empty() || !done.empty(); }
  bool IsDone() const {
    return staged.empty() && finished.empty() && records_held == 0 &&
           nbl_bytes == 0 && nbl_status == offload::Status::kSuccess &&
           !HasReceives() && push_deadline.IsNever() && lent.empty() &&
           lent_bytes == 0 && graceful.IsOver() && abortive.IsOver();
  }
};

// Where a neighbor and its path are reached (R51, R71), as frames need it; the
// rest of a frame's headers is the flow's tuple and the engine's cached state.
struct NextHop {
  MacAddress source_mac;
  MacAddress destination_mac;
  uint16_t vlan_id = 0;
};

// There may be a million of them, most at rest: what only some need lies in
// parts.
struct Flow : TimerNode,
              FlowKey,
              ListNode<ScheduleTag> {  // ready, or waits for room
  HandOver* hand_over = nullptr;

  // From here on: once initiated.
  SessionWork* work = nullptr;
  PublishedRecord* published = nullptr;
  uint64_t cookie = 0;
  tcp::Tcb tcb;
  Instant host_reached_at;  // R204
  Instant nic_reached_at;
  // Host->wire: with the gate closed old payload only, inside
  // [gate_una, gate_nxt).
  SeqNum gate_una;
  SeqNum gate_nxt;
  uint32_t generation = 0;  // of its handle
  NextHop next_hop;

  FlowPhase phase : 2 = FlowPhase::kHeld;
  bool is_ready : 1 = false;  // on the worker's ready list
  bool gate_open : 1 = true;
  // Wire->host: frames of the held or cut flow pass, none is parked.
  bool wire_open : 1 = false;
  // Wire frames are parked although the flow runs: it waits for its upload.
  bool diverted : 1 = false;
  // Nothing more is sent either; the engine did not stop by itself.
  bool stopped : 1 = false;
  bool publish_due : 1 = false;
  // A kSend or kDisconnect came back as kUploadInProgress: should the upload
  // fail, those behind it come back as well until one says `resumed`.
  bool bouncing : 1 = false;
  // No indication before the first receive is posted (R45).
  bool indications_wait : 1 = false;
  bool push_seen : 1 = false;   // R130
  bool fin_queued : 1 = false;  // our half is closed, by the session or before
  bool disconnect_asked : 1 = false;
  bool reset_sent : 1 = false;

  // Events.
  Telling offloaded : 2 = Telling::kNothing;
  Telling abort_event : 2 = Telling::kNothing;
  offload::UploadReason retrieve_reason : 6 = offload::UploadReason::kNone;
  Telling disconnect_event = Telling::kNothing;
  Telling retrieve_event = Telling::kNothing;
  Telling uploaded = Telling::kNothing;

  // On its way to the kernel, or waiting to be: takes no more work (R92).
  bool IsLeaving() const {
    return phase != FlowPhase::kRunning ||
           retrieve_reason != offload::UploadReason::kNone;
  }
  // nullptr before it is initiated.
  Session* session() const;  // in session.h
  bool HasReceives() const { return work != nullptr && work->HasReceives(); }
  uint32_t lent_bytes() const { return work == nullptr ? 0 : work->lent_bytes; }
};

// What a connection at rest takes, its timer and its control block included,
// and what finds it by its tuple and by its handle. For a minute it also keeps
// what it learned of its path (tcp::History), if it learned anything.
inline constexpr size_t kBytesPerIdleFlow =
    sizeof(Flow) + FlowTable::kBytesPerFlow + HandleSlab<Flow>::kBytesBeside;
static_assert(kBytesPerIdleFlow <= 512);

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_FLOW_H_
