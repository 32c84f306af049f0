// SPDX-License-Identifier: BSD-3-Clause
// What sessions ask for. Every request is accepted, refused by a notice, or
// left in its ring; completions of accepted ones always come later (R109).
#include <algorithm>

#include "base/prefetch.h"
#include "tcp/prefetch.h"
#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

namespace {

// Pieces of one NBL; a session that needs more splits it.
constexpr uint32_t kMaxPiecesPerNbl = 1024;

Notice::Kind CompletionOf(Request::Kind kind) {
  switch (kind) {
    case Request::Kind::kSend:
      return Notice::Kind::kSendComplete;
    case Request::Kind::kReceive:
      return Notice::Kind::kReceiveComplete;
    default:
      return Notice::Kind::kDisconnectComplete;
  }
}

}  // namespace

// In stages, as with frames.
void Worker::Impl::Expect(std::span<const FlowHandle> flows) {
  for (const FlowHandle handle : flows) {
    if (handle.index >= flows_.capacity()) continue;
    PrefetchObject(flows_.PlaceOf(handle.index));
  }
  for (const FlowHandle handle : flows) {
    const Flow* flow = flows_.Get(handle);
    if (flow == nullptr) continue;
    tcp::PrefetchParts(flow->tcb);
    if (flow->work != nullptr) PrefetchObject(flow->work);
  }
}

RequestVerdict Worker::Impl::OnRequest(Instant now, uint32_t session_id,
                                       const Request& request) {
  RequestVerdict verdict = RequestVerdict::kBadRequest;
  Session* session = sessions_.Find(session_id);
  if (session != nullptr && session->closing == nullptr) {
    Flow* flow = flows_.Get(request.flow);
    if (flow != nullptr && flow->session() != session) flow = nullptr;
    if (request.kind == Request::Kind::kReceiveReturn) {
      verdict = OnReceiveReturn(now, session, request);
    } else if (flow == nullptr) {
      verdict = Refuse(session, nullptr, request, Status::kFailure);
    } else if (request.kind == Request::Kind::kSend) {
      verdict = OnSend(now, session, flow, request);
    } else if (request.kind == Request::Kind::kReceive) {
      verdict = OnReceive(session, flow, request);
    } else if (request.kind == Request::Kind::kDisconnect) {
      verdict = OnDisconnect(now, session, flow, request);
    }
    if (flow != nullptr) EndWork(flow);
  }
  if (verdict == RequestVerdict::kUnknownFlow) {
    Count(Counter::kRequestsUnknownFlow);
  } else if (verdict == RequestVerdict::kBadRequest) {
    Count(Counter::kRequestsBad);
  } else if (verdict == RequestVerdict::kNoResources) {
    Count(Counter::kRequestsDeferred);
  }
  return verdict;
}

// Tells the session at once, in order with what it was told before.
RequestVerdict Worker::Impl::Refuse(Session* session, Flow* flow,
                                    const Request& request, Status status) {
  const RequestVerdict verdict = flow == nullptr ? RequestVerdict::kUnknownFlow
                                                 : RequestVerdict::kAccepted;
  // One completion an NBL, with its last piece.
  if (request.kind == Request::Kind::kSend && !request.ends_nbl) {
    return verdict;
  }
  if (session->port->Room() == 0) return RequestVerdict::kNoResources;
  Notice notice;
  notice.kind = CompletionOf(request.kind);
  notice.status = status;
  notice.flow = request.flow;
  notice.cookie = flow == nullptr ? 0 : flow->cookie;
  notice.id = request.id;
  Push(session, notice);
  return verdict;
}

// Whether a kSend or kDisconnect goes back to the session: all from the cut on,
// and after a failed upload those that it posted without knowing (R92).
bool Worker::Impl::Bounces(Flow* flow, const Request& request) {
  if (flow->IsLeaving()) {
    flow->bouncing = true;
  } else if (request.resumed) {
    flow->bouncing = false;
  }
  return flow->bouncing;
}

RequestVerdict Worker::Impl::OnSend(Instant now, Session* session, Flow* flow,
                                    const Request& request) {
  if (request.length > 0 && request.data == nullptr) {
    return RequestVerdict::kBadRequest;
  }
  SessionWork* work = TakeWork(flow);
  if (flow->abort_event != Telling::kNothing || work->abortive.waiting ||
      flow->reset_sent) {
    // Behind the completions of what was sent before.
    if (work->records_held > 0) return RequestVerdict::kNoResources;
    FreeRecords(session, &work->staged);
    work->staged_count = 0;
    return Refuse(session, flow, request, Status::kRequestAborted);
  }
  if (Bounces(flow, request)) {
    FreeRecords(session, &work->staged);
    work->staged_count = 0;
    return Refuse(session, flow, request, Status::kUploadInProgress);
  }
  if (flow->fin_queued) {
    return Refuse(session, flow, request, Status::kInvalidState);
  }
  if (work->staged_count >= kMaxPiecesPerNbl) {
    return RequestVerdict::kBadRequest;
  }
  if (request.length == 0 && !request.ends_nbl)
    return RequestVerdict::kAccepted;
  tcp::SendRecord* record = nullptr;
  if (WithinShare(session->send_records,
                  send_records_.capacity() - send_records_.in_use())) {
    record = send_records_.Allocate();
  }
  if (record == nullptr) {
    Count(Counter::kSendRecordsEmpty);
    return RequestVerdict::kNoResources;
  }
  ++session->send_records;
  record->data = request.data;
  record->length = request.length;
  record->nbl_id = request.id;
  record->owner = session->slot;
  record->ends_nbl = request.ends_nbl;
  record->push = request.ends_nbl;  // R114
  work->staged.PushBack(record);
  ++work->staged_count;
  Count(Counter::kSends);
  if (request.ends_nbl) SubmitStaged(now, flow);
  return RequestVerdict::kAccepted;
}

// An NBL enters the engine whole, so that an upload finds all of it or nothing
// (R94).
void Worker::Impl::SubmitStaged(Instant now, Flow* flow) {
  tcp::Outcome all;
  while (tcp::SendRecord* record = flow->work->staged.PopFront()) {
    ++flow->work->records_held;
    all.events |= tcp::OnSend(flow->tcb, now, record).events;
  }
  flow->work->staged_count = 0;
  Absorb(now, flow, all);
}

RequestVerdict Worker::Impl::OnReceive(Session* session, Flow* flow,
                                       const Request& request) {
  if (request.length > 0 && request.data == nullptr) {
    return RequestVerdict::kBadRequest;
  }
  Status refused = Status::kSuccess;
  if (flow->disconnect_event != Telling::kNothing) {
    refused = Status::kInvalidState;  // R147
  } else if (flow->abort_event != Telling::kNothing || flow->reset_sent) {
    refused = Status::kRequestAborted;
  } else if (flow->phase != FlowPhase::kRunning) {
    refused = Status::kUploadInProgress;
  }
  if (refused != Status::kSuccess) {
    // Behind the receives that are still to be told (R125).
    if (flow->HasReceives()) return RequestVerdict::kNoResources;
    return Refuse(session, flow, request, refused);
  }
  PostedReceive* receive = nullptr;
  if (WithinShare(session->posted_receives,
                  posted_receives_.capacity() - posted_receives_.in_use())) {
    receive = posted_receives_.Allocate();
  }
  if (receive == nullptr) {
    Count(Counter::kPostedReceivesEmpty);
    return RequestVerdict::kNoResources;
  }
  ++session->posted_receives;
  receive->id = request.id;
  receive->data = request.data;
  receive->length = request.length;
  receive->no_push = request.no_push;
  TakeWork(flow)->posted.PushBack(receive);
  flow->indications_wait = false;  // R45, R141
  Count(Counter::kReceives);
  Schedule(flow);
  return RequestVerdict::kAccepted;
}

RequestVerdict Worker::Impl::OnReceiveReturn(Instant now, Session* session,
                                             const Request& request) {
  const LentKey key{session->slot, request.chunk, request.flow};
  if (request.length == 0 ||
      !ledger_.Return(key, request.length, session->port->chunks(),
                      &session->lent_pieces)) {
    return RequestVerdict::kBadRequest;
  }
  Count(Counter::kReceiveReturns);
  // The flow may be gone: the memory was the session's until now (R145).
  Flow* flow = flows_.Get(request.flow);
  if (flow == nullptr) return RequestVerdict::kAccepted;
  SessionWork* work = flow->work;
  work->lent_bytes -= request.length;
  const uint32_t unaccounted = std::min(request.length, work->lent_unaccounted);
  work->lent_unaccounted -= unaccounted;
  const uint32_t consumed = request.length - unaccounted;
  if (flow->phase != FlowPhase::kRunning) return RequestVerdict::kAccepted;
  if (consumed > 0) {
    Absorb(now, flow, tcp::OnReceiveConsumed(flow->tcb, now, consumed));
  } else {
    Schedule(flow);
  }
  return RequestVerdict::kAccepted;
}

RequestVerdict Worker::Impl::OnDisconnect(Instant now, Session* session,
                                          Flow* flow, const Request& request) {
  SessionWork* work = TakeWork(flow);
  if (work->staged_count > 0) return RequestVerdict::kBadRequest;
  const bool aborted =
      flow->abort_event != Telling::kNothing || flow->reset_sent;
  PendingDisconnect& pending =
      request.abortive ? work->abortive : work->graceful;
  if (pending.waiting || pending.decided || work->abortive.waiting ||
      (!request.abortive && flow->disconnect_asked)) {
    return Refuse(session, flow, request, Status::kInvalidState);
  }
  if (aborted) return Refuse(session, flow, request, Status::kRequestAborted);
  if (Bounces(flow, request)) {
    return Refuse(session, flow, request, Status::kUploadInProgress);
  }
  Count(Counter::kDisconnects);
  pending.waiting = true;
  pending.abortive = request.abortive;
  pending.id = request.id;
  // A FIN that was sent before the offload is waited for, not sent again.
  const bool already_closed = !request.abortive && flow->fin_queued;
  flow->fin_queued = true;
  flow->disconnect_asked = true;
  if (request.abortive) {
    if (work->graceful.waiting) {
      work->graceful.waiting = false;
      work->graceful.decided = true;
      work->graceful.status = Status::kRequestAborted;
    }
    CompletePosted(flow, Status::kRequestAborted);
  }
  if (already_closed) {
    Schedule(flow);
  } else {
    Absorb(now, flow, tcp::OnDisconnect(flow->tcb, now, request.abortive));
  }
  return RequestVerdict::kAccepted;
}

}  // namespace chimney::worker
