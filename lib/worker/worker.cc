// SPDX-License-Identifier: BSD-3-Clause
// The worker's face: set-up, dispatch of operations, the poll turn.
#include "worker/worker.h"

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

Worker::Worker(const WorkerConfig& config, FramePort* frames,
               ControlPort* control)
    : impl_(std::make_unique<Impl>(config, frames, control)) {}
Worker::~Worker() = default;

void Worker::ProcessFrames(Instant now, Side from,
                           std::span<const Frame> frames,
                           std::span<Disposition> dispositions) {
  impl_->ProcessFrames(now, from, frames, dispositions);
}
void Worker::Execute(Instant now, Operation* operation) {
  impl_->Execute(now, operation);
}
void Worker::Expect(std::span<const FlowHandle> flows) { impl_->Expect(flows); }
RequestVerdict Worker::OnRequest(Instant now, uint32_t session_id,
                                 const Request& request) {
  return impl_->OnRequest(now, session_id, request);
}
size_t Worker::Poll(Instant now) { return impl_->Poll(now); }
Instant Worker::NextDeadline() const { return impl_->NextDeadline(); }
uint32_t Worker::flow_count() const { return impl_->flow_count(); }
const WorkerCounters& Worker::counters() const { return impl_->counters(); }
const SegmentCounters& Worker::segment_counters() const {
  return impl_->segment_counters();
}
Worker::Census Worker::TakeCensus() const { return impl_->TakeCensus(); }

Worker::Impl::Impl(const WorkerConfig& config, FramePort* frames,
                   ControlPort* control)
    : config_(config),
      frames_(frames),
      control_(control),
      flows_(config.max_flows),
      table_(config.max_flows, HashKey{config.hash_key[0], config.hash_key[1]},
             flows_.PlaceOf(0), sizeof(Flow)),
      hand_overs_(config.max_flows),
      works_(config.max_flows),
      outgoing_(config.max_flows),
      reassemblies_(config.max_flows),
      histories_(config.max_flows),
      wheel_(Instant()),
      sessions_(config.max_sessions),
      send_records_(config.max_send_records),
      fragments_(config.max_fragments),
      flight_ranges_(config.max_flight_ranges),
      posted_receives_(config.max_posted_receives),
      parked_frames_(config.max_parked_frames),
      ledger_(config.max_lent_pieces) {}

Worker::Impl::~Impl() {
  // The frames belong to the I/O layer; everything else goes with the pools.
  hand_overs_.ForEachInUse([this](HandOver* hand_over) {
    while (ParkedFrame* parked = hand_over->parked.front()) {
      frames_->FreeHeld(parked->frame.handle);
      Count(Counter::kParkedDropped);
      UnparkFirst(hand_over);
    }
  });
}

Worker::Census Worker::Impl::TakeCensus() const {
  Census census;
  census.flows = flows_.in_use();
  census.send_records = send_records_.in_use();
  census.fragments = fragments_.in_use();
  census.flight_ranges = flight_ranges_.in_use();
  census.posted_receives = posted_receives_.in_use();
  census.lent_pieces = ledger_.in_use();
  census.timers = wheel_.armed_count();
  census.parked_frames = parked_frames_.in_use();
  census.parts = hand_overs_.in_use() + works_.in_use() + outgoing_.in_use() +
                 reassemblies_.in_use() + histories_.in_use();
  census.sessions = sessions_.size();
  return census;
}

void Worker::Impl::Complete(Operation* operation, Status status) {
  operation->status = status;
  if (status != Status::kSuccess) Count(Counter::kOperationsFailed);
  control_->Complete(operation);
}

void Worker::Impl::Execute(Instant now, Operation* operation) {
  using Kind = Operation::Kind;
  Count(Counter::kOperations);
  switch (operation->kind) {
    case Kind::kOpenSession:
      return ExecuteOpenSession(operation);
    case Kind::kCloseSession:
      return ExecuteCloseSession(operation);
    case Kind::kHold:
      return ExecuteHold(now, operation);
    default:
      break;
  }
  Flow* flow = flows_.Get(operation->flow);
  if (flow == nullptr || flow->phase == FlowPhase::kGone) {
    return Complete(operation, Status::kFailure);
  }
  switch (operation->kind) {
    case Kind::kFence:
      return ExecuteFence(now, operation, flow);
    case Kind::kRestrictHost:
    case Kind::kOpenHost:
      return ExecuteGate(operation, flow);
    case Kind::kRelease:
      return ExecuteRelease(operation, flow);
    case Kind::kOpenWire:
      return ExecuteOpenWire(operation, flow);
    case Kind::kInjectHost:
      return ExecuteInject(operation, flow);
    case Kind::kInitiate:
      return ExecuteInitiate(now, operation, flow);
    case Kind::kTerminate:
      return ExecuteTerminate(now, operation, flow);
    case Kind::kFinishUpload:
      return ExecuteFinishUpload(now, operation, flow);
    case Kind::kCancelUpload:
      return ExecuteCancelUpload(now, operation, flow);
    case Kind::kQuery:
      return ExecuteQuery(now, operation, flow);
    case Kind::kUpdatePath:
    case Kind::kUpdateCached:
    case Kind::kUpdateNeighbor:
      return ExecuteUpdate(now, operation, flow);
    case Kind::kDisconnect:
      return ExecuteDisconnect(now, operation, flow);
    default:
      return Complete(operation, Status::kFailure);
  }
}

size_t Worker::Impl::Poll(Instant now) {
  size_t done = FireTimers(now);
  WakeWaiting();
  done += SweepClosing();
  done += ServeReady(now);
  RetryRetrieves();
  RingSessions();
  return done;
}

Instant Worker::Impl::NextDeadline() const {
  if (!ready_.empty() || !io_waiters_.empty() || !retrieve_waiters_.empty() ||
      !swept_sessions_.empty() || left_waiting_) {
    return Instant();
  }
  return wheel_.NextDeadline();
}

}  // namespace chimney::worker
