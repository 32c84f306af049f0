// SPDX-License-Identifier: BSD-3-Clause
// The cut (R90): owed ACK out, requests back, the engine emptied. From then on
// the flow's wire frames are parked (R97).
#include <algorithm>

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

void Worker::Impl::ExecuteTerminate(Instant now, Operation* operation,
                                    Flow* flow) {
  if (flow->phase != FlowPhase::kRunning) {
    return Complete(operation, Status::kFailure);
  }
  Count(Counter::kTerminates);
  Quiesce(now, flow);
  FillTerminate(now, operation, flow);
  // R90: completions before the operation's own, as far as the session has
  // room for them; the others are told as soon as it has.
  Serve(now, flow);
  Complete(operation, Status::kSuccess);
}

void Worker::Impl::Quiesce(Instant now, Flow* flow) {
  if (flow->session()->closing != nullptr) DropRequests(flow);
  // Received data goes into the receives that wait for it, no further (R100).
  Turn turn{.now = now, .flow = flow};
  Place(&turn);
  // R98: what is owed goes out first, whatever segment carries it.
  tcp::FlushOwedAck(flow->tcb);
  tcp::OutSegment segment;
  if (frames_->TransmitRoom(Side::kWire) > 0 &&
      tcp::NextSegment(flow->tcb, now, &segment)) {
    Publish(flow);
    Transmit(flow, HeadersOf(*flow, flow->tcb.cached), segment);
  }
  if (flow->publish_due) Publish(flow);
  // The session hears of an abort before its requests come back (R175).
  const bool aborted = flow->abort_event != Telling::kNothing;
  ReturnRequests(flow,
                 aborted ? Status::kRequestAborted : Status::kUploadInProgress);
  flow->push_seen = false;
}

// R91, R171. A disconnect whose FIN or RST has done its work is a success.
void Worker::Impl::ReturnRequests(Flow* flow, Status status) {
  CompletePosted(flow, status);
  SessionWork* work = flow->work;
  if (work == nullptr) return;
  for (PendingDisconnect* pending : {&work->graceful, &work->abortive}) {
    if (!pending->waiting) continue;
    pending->waiting = false;
    pending->decided = true;
    const bool done =
        pending->abortive ? flow->reset_sent : flow->tcb.fin_acked();
    pending->status = done ? Status::kSuccess : status;
  }
}

void Worker::Impl::FillTerminate(Instant now, Operation* operation,
                                 Flow* flow) {
  // Sends that are done but not yet told; they may still be in a driver.
  SessionWork* work = TakeWork(flow);
  if (tcp::Outgoing* outgoing = flow->tcb.outgoing) {
    work->finished.SpliceBack(&outgoing->completed);
  }
  FreeRecords(flow->session(), &work->staged);
  work->staged_count = 0;
  HandOver* hand_over = TakeHandOver(flow);
  hand_over->Unlink();  // being done
  hand_over->tsval_max = tcp::Published(flow->tcb).tsval_max;
  hand_over->cut_at = now;
  hand_over->end_seen = false;
  operation->closed_by_fins = flow->tcb.fin_received() && flow->tcb.fin_acked();
  tcp::Export(flow->tcb, now, &hand_over->exported);
  flow->phase = FlowPhase::kCut;
  FillSnapshot(now, *flow, &operation->snapshot);

  ChunkPool* pool = flow->session()->port->chunks();
  operation->send_data.clear();
  operation->receive_data.clear();
  for (const tcp::SendRecord& record : hand_over->exported.send_data) {
    if (record.acked_bytes == record.length) continue;
    operation->send_data.emplace_back(record.data + record.acked_bytes,
                                      record.length - record.acked_bytes);
  }
  operation->unreturned_receive_bytes = work->lent_bytes;
  if (operation->include_lent) {
    for (const LentPiece& piece : work->lent) {
      operation->receive_data.emplace_back(
          pool->Data(LentLedger::KeyOf(piece).chunk) + piece.offset,
          piece.length);
    }
  }
  for (const tcp::Fragment& fragment : hand_over->exported.receive_data) {
    operation->receive_data.emplace_back(
        pool->Data(fragment.chunk) + fragment.offset_in_chunk, fragment.length);
  }
}

}  // namespace chimney::worker
