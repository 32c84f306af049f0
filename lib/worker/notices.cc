// SPDX-License-Identifier: BSD-3-Clause
// What a session is told, and in which order. Whatever finds no room in its
// ring stays in the flow; nobody else waits for it.
#include <algorithm>
#include <limits>

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

void Worker::Impl::Push(Session* session, const Notice& notice) {
  session->port->Push(notice);
  Count(Counter::kNotices);
  ListNode<RingTag>* hook = session;
  if (!hook->IsLinked()) ring_sessions_.PushBack(session);
}

// There is room: the caller has looked.
void Worker::Impl::Emit(Turn* turn, Notice notice) {
  Session* session = turn->flow->session();
  if (session->closing != nullptr) {
    Count(Counter::kNoticesDiscarded);
    return;
  }
  notice.flow = HandleOf(turn->flow);
  notice.cookie = turn->flow->cookie;
  Push(session, notice);
  --turn->room;
}

void Worker::Impl::TellOffloaded(Turn* turn) {
  Flow* flow = turn->flow;
  if (flow->offloaded != Telling::kDue) return;
  if (turn->room == 0) {
    turn->wants_room = true;
    return;
  }
  Notice notice;
  notice.kind = Notice::Kind::kOffloaded;
  notice.elapsed_ns = flow->work->elapsed_ns;
  notice.bytes = flow->work->imported_send_bytes;
  Emit(turn, notice);
  flow->offloaded = Telling::kTold;
}

void Worker::Impl::TellDone(Turn* turn) {
  Flow* flow = turn->flow;
  if (flow->work == nullptr) return;
  while (PostedReceive* receive = flow->work->done.front()) {
    if (turn->room == 0) {
      turn->wants_room = true;
      return;
    }
    Notice notice;
    notice.kind = Notice::Kind::kReceiveComplete;
    notice.status = receive->status;
    notice.id = receive->id;
    notice.bytes = receive->filled;
    posted_receives_.Free(receive);
    --flow->session()->posted_receives;
    Emit(turn, notice);
  }
}

// R175: after the data that came before the reset, before the requests that it
// ends.
void Worker::Impl::TellAbort(Turn* turn) {
  Flow* flow = turn->flow;
  if (flow->abort_event != Telling::kDue) return;
  if (turn->room == 0) {
    turn->wants_room = true;
    return;
  }
  Notice notice;
  notice.kind = Notice::Kind::kAbortEvent;
  notice.status = Status::kRequestAborted;
  Emit(turn, notice);
  flow->abort_event = Telling::kTold;
  ReturnRequests(flow, Status::kRequestAborted);
}

// The next send that is over, out of the engine or left by it; nullptr if none
// is, or if a driver still holds its memory.
tcp::SendRecord* Worker::Impl::NextFinished(Turn* turn) {
  Flow* flow = turn->flow;
  tcp::SendRecord* left =
      flow->work == nullptr ? nullptr : flow->work->finished.front();
  if (left != nullptr) {
    if (left->io_refs == 0) return flow->work->finished.PopFront();
    turn->wants_io = true;
    return nullptr;
  }
  if (flow->phase != FlowPhase::kRunning) return nullptr;
  tcp::SendRecord* record = tcp::NextCompletedSend(flow->tcb);
  if (record == nullptr && flow->tcb.HasCompletedSends()) {
    turn->wants_io = true;
  }
  return record;
}

// R110-R113. One notice an NBL, with its last piece.
void Worker::Impl::TellSends(Turn* turn) {
  Flow* flow = turn->flow;
  if (flow->abort_event == Telling::kDue) return;
  for (;;) {
    if (turn->room == 0) {
      turn->wants_room |=
          flow->tcb.HasCompletedSends() ||
          (flow->work != nullptr && !flow->work->finished.empty());
      return;
    }
    tcp::SendRecord* record = NextFinished(turn);
    if (record == nullptr) return;
    SessionWork* work = TakeWork(flow);
    work->nbl_bytes += record->acked_bytes;
    if (record->aborted &&
        (record->acked_bytes < record->length || record->length == 0)) {
      work->nbl_status = Status::kRequestAborted;
    } else if (record->acked_bytes < record->length) {
      work->nbl_status = flow->hand_over->unmoved_status;
    }
    if (record->ends_nbl) {
      Notice notice;
      notice.kind = Notice::Kind::kSendComplete;
      notice.status = work->nbl_status;
      notice.id = record->nbl_id;
      notice.bytes = static_cast<uint32_t>(std::min<uint64_t>(
          work->nbl_bytes, std::numeric_limits<uint32_t>::max()));
      work->nbl_bytes = 0;
      work->nbl_status = Status::kSuccess;
      if (record->imported) notice.id = kImportedSendId;
      Emit(turn, notice);
    }
    --work->records_held;
    FreeRecord(flow->session(), record);
  }
}

bool Worker::Impl::TellOne(Turn* turn, PendingDisconnect* pending) {
  if (!pending->decided) return true;
  if (turn->room == 0) {
    turn->wants_room = true;
    return false;
  }
  Notice notice;
  notice.kind = Notice::Kind::kDisconnectComplete;
  notice.status = pending->status;
  notice.id = pending->id;
  Emit(turn, notice);
  *pending = PendingDisconnect{};
  return true;
}

// R171, R172: with the last acknowledgement, after all sends. An abortive one:
// the RST is out (R169).
void Worker::Impl::TellDisconnects(Turn* turn) {
  Flow* flow = turn->flow;
  SessionWork* work = flow->work;
  if (work == nullptr) return;
  const bool running = flow->phase == FlowPhase::kRunning;
  if (running && work->records_held == 0) {
    if (work->graceful.waiting && flow->tcb.fin_acked()) {
      work->graceful.waiting = false;
      work->graceful.decided = true;
    }
    if (work->abortive.waiting && !flow->tcb.snd.rst_pending) {
      work->abortive.waiting = false;
      work->abortive.decided = true;
    }
  }
  // Sends first; those of a flow that was cut stay until the upload ends.
  const bool sends_left =
      running ? work->records_held > 0 : !work->finished.empty();
  if (sends_left || !work->done.empty()) return;
  if (TellOne(turn, &work->graceful)) TellOne(turn, &work->abortive);
}

void Worker::Impl::TellEvents(Turn* turn) {
  Flow* flow = turn->flow;
  const bool running = flow->phase == FlowPhase::kRunning;
  // R174: everything before the FIN was taken.
  if (running && flow->disconnect_event == Telling::kNothing &&
      flow->abort_event == Telling::kNothing && !flow->reset_sent &&
      flow->tcb.FinDue() && flow->lent_bytes() == 0 && !flow->HasReceives()) {
    flow->disconnect_event = Telling::kDue;
  }
  // An event that was not told before the cut is the kernel's to raise again.
  const SessionWork* work = flow->work;
  const bool all_told =
      work == nullptr || (work->done.empty() && work->finished.empty());
  struct Event {
    Telling* telling;
    Notice::Kind kind;
    bool allowed;
  };
  const Event events[] = {
      {&flow->disconnect_event, Notice::Kind::kDisconnectEvent, running},
      {&flow->retrieve_event, Notice::Kind::kRetrieveEvent, running},
      {&flow->uploaded, Notice::Kind::kUploaded, all_told},
  };
  for (const Event& event : events) {
    if (*event.telling != Telling::kDue || !event.allowed) continue;
    if (turn->room == 0) {
      turn->wants_room = true;
      return;
    }
    Notice notice;
    notice.kind = event.kind;
    if (event.kind == Notice::Kind::kRetrieveEvent) {
      notice.reason = flow->retrieve_reason;
    } else if (event.kind == Notice::Kind::kUploaded) {
      notice.elapsed_ns = work->elapsed_ns;
    }
    Emit(turn, notice);
    *event.telling = Telling::kTold;
  }
}

}  // namespace chimney::worker
