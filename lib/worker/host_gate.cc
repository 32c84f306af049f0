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
  const packet::TcpOptions& options = view.segment.options;
  if (!options.has_timestamps) return;
  learned->has_timestamps = true;
  learned->tsval = options.tsval;
  learned->tsecr = options.tsecr;
}

}  // namespace

Disposition Worker::Impl::OnHostFrame(const Looked& looked) {
  Flow* flow = looked.flow;
  const packet::FrameView& view = looked.view;
  if (!flow->gate_open) return PassRestricted(flow, looked);
  HandOver* hand_over = flow->hand_over;
  if (looked.verdict != FrameVerdict::kTcp || hand_over == nullptr) {
    return Disposition::kForward;
  }
  if (IsFenceReset(*flow, view.segment)) {
    Count(Counter::kFenceAnswersEaten);
    EndFence(flow, offload::Status::kFailure);
    ArmTimer(flow);
    return Disposition::kConsumed;
  }
  if (EatRepeatedEnd(flow, view.segment)) {
    Count(Counter::kHostDropped);
    return Disposition::kConsumed;
  }
  Learn(view, &hand_over->learned);
  hand_over->learned.holds_out_of_order = view.segment.options.sack_count > 0;
  if (hand_over->fence.operation == nullptr || !IsFenceAnswer(flow, view)) {
    return Disposition::kForward;
  }
  if (hand_over->fence.wants_duplicate_report) {
    hand_over->learned.holds_out_of_order = view.segment.options.sack_count > 1;
  }
  Count(Counter::kFencesSeen);
  EndFence(flow, offload::Status::kSuccess);
  ArmTimer(flow);
  // An answer that rides on data, or on a FIN, is the peer's as well.
  if (view.segment.length() != 0) return Disposition::kForward;
  Count(Counter::kFenceAnswersEaten);
  return Disposition::kConsumed;
}

Disposition Worker::Impl::OnHostFrameWithoutFlow(Instant now,
                                                 const Looked& looked) {
  if (looked.verdict != FrameVerdict::kTcp ||
      !ended_.IsLateReset(now, looked.hash, looked.tuple,
                          looked.view.segment)) {
    return Disposition::kForward;
  }
  Count(Counter::kLateResetsEaten);
  return Disposition::kConsumed;
}

// The socket that gets a connection back at its end is given the peer's FIN,
// acknowledges it, and in LAST_ACK sends its own FIN again. The peer has had
// both from here. One that is gone would answer a second ACK with a reset; one
// in TIME_WAIT answers a second FIN with a second ACK, which would find the
// socket closed by the first and be answered with a reset here. Should the
// first FIN be lost, the socket's own timer repeats it.
bool Worker::Impl::EatRepeatedEnd(Flow* flow, const packet::Segment& segment) {
  if (flow->phase != FlowPhase::kCut) return false;
  const tcp::TcpDelegatedState& state =
      flow->hand_over->exported.state.delegated;
  const bool fin = segment.flags.fin();
  if (!EndIsRepeated(state.state) || !segment.payload.empty() ||
      segment.flags.rst() || segment.ack != state.rcv_nxt ||
      (fin && segment.end() != state.snd_max)) {
    return false;
  }
  // A socket in TIME_WAIT sends no FIN.
  if (fin || state.state == tcp::ConnectionState::kTimeWait) {
    flow->hand_over->end_seen = true;
    if (flow->hand_over->finish != nullptr) {
      flow->hand_over->finish_deadline = Instant();
      ArmTimer(flow);
    }
  }
  // From CLOSED the FIN is needed: its answer tells the socket of the end.
  return !fin || state.state == tcp::ConnectionState::kLastAck;
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
    LearnedPath& learned = flow->hand_over->learned;
    learned.snd_nxt = Later(learned.snd_nxt, segment.end());
  }
  Count(passes ? Counter::kHostPassedRestricted : Counter::kHostDropped);
  return passes ? Disposition::kForward : Disposition::kConsumed;
}

}  // namespace chimney::worker
