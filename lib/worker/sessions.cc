// SPDX-License-Identifier: BSD-3-Clause
// Sessions come and go. One that is closed is told nothing more; it ends with
// its last flow, and only then is its memory let go of. A session has no list
// of its flows: those of closing ones are looked for among all, a few places in
// each turn of the poll loop. One that is served or cut before it is found
// drops its requests then, and none can join.
#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

namespace {

// In one turn of the poll loop: places looked at, and flows found there. Fewer
// than are served in a turn, so that those of others do not wait behind them.
constexpr uint32_t kPlacesPerPoll = 256;
constexpr uint32_t kFoundPerPoll = 64;

}  // namespace

void Worker::Impl::ExecuteOpenSession(Operation* operation) {
  if (operation->session_port == nullptr ||
      sessions_.Find(operation->session_id) != nullptr) {
    return Complete(operation, Status::kFailure);
  }
  Session* session =
      sessions_.Add(operation->session_id, operation->session_port);
  if (session != nullptr) {
    *static_cast<tcp::ConnectionStore*>(session) = {
        session->port->chunks(), &fragments_, &flight_ranges_,    &outgoing_,
        &reassemblies_,          &histories_, &config_.parameters};
  }
  Complete(operation,
           session == nullptr ? Status::kResources : Status::kSuccess);
}

void Worker::Impl::ExecuteCloseSession(Operation* operation) {
  Session* session = sessions_.Find(operation->session_id);
  if (session == nullptr || session->closing != nullptr) {
    return Complete(operation, Status::kFailure);
  }
  session->closing = operation;
  if (session->flow_count == 0) return EndSessionIfDone(session);
  // A sweep that is under way for others has passed some of its flows.
  session->sweeps_left = sweep_next_ == 0 ? 1 : 2;
  swept_sessions_.PushBack(session);
}

// One sweep serves all sessions that are closing. Returns how many places were
// looked at.
size_t Worker::Impl::SweepClosing() {
  if (swept_sessions_.empty()) {
    sweep_next_ = 0;  // the last session ended before the sweep did
    return 0;
  }
  uint32_t found = 0;
  size_t looked_at = 0;
  while (looked_at < kPlacesPerPoll && found < kFoundPerPoll &&
         sweep_next_ < flows_.used_end()) {
    ++looked_at;
    Flow* flow = flows_.At(sweep_next_++);
    if (flow == nullptr || flow->session() == nullptr ||
        flow->session()->closing == nullptr) {
      continue;
    }
    ++found;
    DropRequests(flow);
    Schedule(flow);
  }
  if (sweep_next_ == flows_.used_end()) EndSweep();
  return looked_at;
}

void Worker::Impl::EndSweep() {
  sweep_next_ = 0;
  Session* session = swept_sessions_.front();
  while (session != nullptr) {
    Session* next = swept_sessions_.Next(session);
    if (--session->sweeps_left == 0) {
      IntrusiveList<Session, SweepTag>::Remove(session);
    }
    session = next;
  }
}

// Requests whose completion nobody waits for. What the engine holds stays: the
// peer is owed every byte that was accepted.
void Worker::Impl::DropRequests(Flow* flow) {
  Session* session = flow->session();
  SessionWork* work = flow->work;
  if (work == nullptr) return;
  work->done.SpliceBack(&work->posted);
  while (PostedReceive* receive = work->done.PopFront()) {
    posted_receives_.Free(receive);
    --session->posted_receives;
  }
  FreeRecords(session, &work->staged);
  work->staged_count = 0;
  work->graceful = PendingDisconnect{};
  work->abortive = PendingDisconnect{};
  work->push_deadline = Instant::Never();
}

void Worker::Impl::EndSessionIfDone(Session* session) {
  if (session->closing == nullptr || session->flow_count != 0) return;
  Operation* operation = session->closing;
  ledger_.ReturnAll(&session->orphans, session->port->chunks(),
                    &session->lent_pieces);
  sessions_.Remove(session);
  Complete(operation, Status::kSuccess);
}

}  // namespace chimney::worker
