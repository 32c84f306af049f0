// SPDX-License-Identifier: BSD-3-Clause
// Holds (design D2): the flow is known, the kernel still runs it, what comes
// from the wire is parked until the hold's end or its deadline.
#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

void Worker::Impl::ExecuteHold(Instant now, Operation* operation) {
  operation->flow = FlowHandle::None();
  if (table_.Find(operation->tuple) != nullptr) {
    Count(Counter::kHoldsRefused);
    return Complete(operation, Status::kConnectionRejected);
  }
  FlowHandle handle;
  Flow* flow = flows_.Allocate(&handle);
  if (flow == nullptr) {
    Count(Counter::kHoldsRefused);
    return Complete(operation, Status::kTcpEntries);
  }
  flow->tuple = operation->tuple;
  flow->generation = handle.generation;
  if (!table_.Insert(flow)) {
    FreeFlow(flow);
    Count(Counter::kHoldsRefused);
    return Complete(operation, Status::kTcpEntries);
  }
  Count(Counter::kHolds);
  TakeHandOver(flow);
  BeginHold(now, *operation, flow);
  operation->flow = handle;
  if (Session* session = sessions_.Find(operation->session_id)) {
    const ChunkPool& pool = *session->port->chunks();
    operation->session_room_bytes =
        uint64_t{pool.free_count()} * pool.chunk_bytes();
  }
  if (operation->fence_frame.empty()) {
    return Complete(operation, Status::kSuccess);
  }
  // Completes with the fence; without one the hold stands all the same.
  if (!SendFence(now, operation, flow)) Complete(operation, Status::kFailure);
}

void Worker::Impl::BeginHold(Instant now, const Operation& operation,
                             Flow* flow) {
  flow->wire_open = false;
  flow->hand_over->hold_deadline =
      now + (operation.timeout > Duration() ? operation.timeout
                                            : config_.hold_timeout);
  ArmTimer(flow);
}

void Worker::Impl::ExecuteRelease(Operation* operation, Flow* flow) {
  if (flow->phase != FlowPhase::kHeld) {
    return Complete(operation, Status::kFailure);
  }
  EndFence(flow, Status::kFailure);
  ForwardParked(flow->hand_over);
  table_.Erase(flow);
  wheel_.Cancel(flow);
  FreeFlow(flow);
  Count(Counter::kHoldsReleased);
  Complete(operation, Status::kSuccess);
}

// The hold is undone, the flow stays known: a late kInitiate finds it, only
// without parked segments. A gate that was closed stays closed until it is
// opened: what the kernel has become by now is the control core's to say.
void Worker::Impl::ExpireHold(Flow* flow) {
  Count(Counter::kHoldsExpired);
  flow->wire_open = true;
  flow->hand_over->hold_deadline = Instant::Never();
  if (flow->hand_over->fence.operation != nullptr) {
    Count(Counter::kFencesTimedOut);
    EndFence(flow, Status::kFailure);
  }
  ForwardParked(flow->hand_over);
  ControlNotice notice;
  notice.kind = ControlNotice::Kind::kHoldExpired;
  notice.flow = HandleOf(flow);
  if (!control_->Notify(notice)) Count(Counter::kControlNoticesLost);
}

void Worker::Impl::ExecuteGate(Operation* operation, Flow* flow) {
  flow->gate_open = operation->kind == Operation::Kind::kOpenHost;
  if (!flow->gate_open) {
    flow->gate_una = operation->snd_una;
    flow->gate_nxt = operation->snd_nxt;
    // The socket is frozen by now: it would drop what a deadline lets through.
    if (flow->hand_over != nullptr) {
      flow->hand_over->hold_deadline = Instant::Never();
    }
    flow->wire_open = false;
    ArmTimer(flow);
  }
  Complete(operation, Status::kSuccess);
}

void Worker::Impl::ExecuteOpenWire(Operation* operation, Flow* flow) {
  if (flow->phase != FlowPhase::kHeld && flow->phase != FlowPhase::kCut) {
    return Complete(operation, Status::kFailure);
  }
  flow->hand_over->hold_deadline = Instant::Never();
  ArmTimer(flow);
  OpenWire(flow);
  Complete(operation, Status::kSuccess);
}

// Once only: what is given to the kernel is no longer here.
void Worker::Impl::OpenWire(Flow* flow) {
  if (flow->phase == FlowPhase::kCut && !flow->wire_open) {
    RebuildOutOfOrder(flow);
    FreeFragments(flow->session(), &flow->hand_over->exported.out_of_order);
  }
  flow->wire_open = true;
  ForwardParked(flow->hand_over);
}

void Worker::Impl::ExecuteInject(Operation* operation, Flow* flow) {
  const bool sent =
      !operation->fence_frame.empty() && SendToHost(operation->fence_frame);
  Complete(operation, sent ? Status::kSuccess : Status::kFailure);
}

}  // namespace chimney::worker
