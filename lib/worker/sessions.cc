// SPDX-License-Identifier: BSD-3-Clause
// Sessions come and go. One that is closed is told nothing more; it ends with
// its last flow, and only then is its memory let go of.
#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

void Worker::Impl::ExecuteOpenSession(Operation* operation) {
  if (operation->session_port == nullptr ||
      sessions_.Find(operation->session_id) != nullptr) {
    return Complete(operation, Status::kFailure);
  }
  Session* session =
      sessions_.Add(operation->session_id, operation->session_port);
  if (session != nullptr) {
    session->store = {
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
  flows_.ForEachInUse([this, session](Flow* flow) {
    if (flow->session != session) return;
    DropRequests(flow);
    Schedule(flow);
  });
  EndSessionIfDone(session);
}

// Requests whose completion nobody waits for. What the engine holds stays: the
// peer is owed every byte that was accepted.
void Worker::Impl::DropRequests(Flow* flow) {
  Session* session = flow->session;
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
