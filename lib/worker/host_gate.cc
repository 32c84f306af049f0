// SPDX-License-Identifier: BSD-3-Clause
// The gate from host to wire (design D2): open while the kernel runs a flow,
// and learnt from; otherwise only old payload passes.
#include "worker/worker_impl.h"

namespace chimney::worker {

using packet::FrameVerdict;

namespace {

// Design D16: what the kernel's own frames tell about the path.
void Learn(const packet::FrameView& view, LearnedPath* learned) {
  const SeqNum end = view.segment.end();
  learned->snd_nxt = learned->valid ? Later(learned->snd_nxt, end) : end;
  learned->valid = true;
  learned->source_mac = view.ethernet.src;
  learned->destination_mac = view.ethernet.dst;
  learned->vlan_id = view.ethernet.vlan_id();
  learned->user_priority = view.ethernet.vlan_priority();
  learned->ttl_or_hop_limit = view.ttl;
  learned->tos_or_traffic_class = view.tos & 0xfc;  // the ECN bits are not ours
  learned->flow_label = view.flow_label;
}

// The socket that gets a closed connection back is given the peer's FIN and
// acknowledges it. The peer has that ACK, is gone, and would answer a second
// one with a reset.
bool RepeatsFinalAck(const Flow& flow, const packet::Segment& segment) {
  if (flow.phase != FlowPhase::kCut) return false;
  const tcp::TcpDelegatedState& state = flow.exported.state.delegated;
  return (state.state == tcp::ConnectionState::kTimeWait ||
          state.state == tcp::ConnectionState::kClosed) &&
         segment.length() == 0 && !segment.flags.rst() &&
         segment.ack == state.rcv_nxt;
}

}  // namespace

Disposition Worker::Impl::OnHostFrame(const Looked& looked) {
  Flow* flow = looked.flow;
  const packet::FrameView& view = looked.view;
  if (!flow->gate_open) return PassRestricted(flow, looked);
  if (looked.verdict != FrameVerdict::kTcp) return Disposition::kForward;
  if (IsFenceReset(*flow, view.segment)) {
    Count(Counter::kFenceAnswersEaten);
    EndFence(flow, offload::Status::kFailure);
    ArmTimer(flow);
    return Disposition::kConsumed;
  }
  if (RepeatsFinalAck(*flow, view.segment)) {
    Count(Counter::kHostDropped);
    return Disposition::kConsumed;
  }
  Learn(view, &flow->learned);
  flow->learned.holds_out_of_order = view.segment.options.sack_count > 0;
  if (flow->fence.operation == nullptr || !IsFenceAnswer(flow, view)) {
    return Disposition::kForward;
  }
  if (flow->fence.wants_duplicate_report) {
    flow->learned.holds_out_of_order = view.segment.options.sack_count > 1;
  }
  flow->learned.has_timestamps = view.segment.options.has_timestamps;
  flow->learned.tsval = view.segment.options.tsval;
  flow->learned.tsecr = view.segment.options.tsecr;
  Count(Counter::kFencesSeen);
  EndFence(flow, offload::Status::kSuccess);
  ArmTimer(flow);
  // An answer that rides on data, or on a FIN, is the peer's as well.
  if (view.segment.length() != 0) return Disposition::kForward;
  Count(Counter::kFenceAnswersEaten);
  return Disposition::kConsumed;
}

// What the kernel had sent before it was frozen may still be on its way and
// may be sent again: harmless, the peer holds or awaits these bytes. Anything
// else would tell the peer of a state that is no longer the kernel's.
Disposition Worker::Impl::PassRestricted(Flow* flow, const Looked& looked) {
  const packet::Segment& segment = looked.view.segment;
  const uint32_t flight = flow->gate_nxt.BytesFrom(flow->gate_una);
  const bool passes = looked.verdict == FrameVerdict::kTcp &&
                      !segment.payload.empty() && !segment.flags.rst() &&
                      !segment.flags.syn() &&
                      segment.seq.InWindow(flow->gate_una, flight) &&
                      segment.end().BytesFrom(flow->gate_una) <= flight;
  if (passes && flow->phase == FlowPhase::kHeld) {
    flow->learned.snd_nxt = Later(flow->learned.snd_nxt, segment.end());
  }
  Count(passes ? Counter::kHostPassedRestricted : Counter::kHostDropped);
  return passes ? Disposition::kForward : Disposition::kConsumed;
}

}  // namespace chimney::worker
