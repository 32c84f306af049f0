// SPDX-License-Identifier: BSD-3-Clause
// What the engine says, and the uploads that it makes necessary (R178-R181).
#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::UploadReason;

namespace {

UploadReason ReasonFor(tcp::StopReason stop) {
  switch (stop) {
    case tcp::StopReason::kUrgentData:
      return UploadReason::kReceivedUrgentData;
    case tcp::StopReason::kRetransmitTimeout:
    case tcp::StopReason::kPersistTimeout:
    case tcp::StopReason::kKeepaliveTimeout:
    case tcp::StopReason::kFinWait2Timeout:
      return UploadReason::kTimeoutExpiration;
    case tcp::StopReason::kSynInWindow:
    case tcp::StopReason::kNone:
      break;
  }
  return UploadReason::kUploadRequested;
}

}  // namespace

// Takes in the outcome of any call on the engine.
void Worker::Impl::Absorb(Instant now, Flow* flow,
                          const tcp::Outcome& outcome) {
  flow->publish_due = true;
  const uint32_t events = outcome.events;
  if ((events & tcp::kEventForwardProgress) != 0) flow->nic_reached_at = now;
  if ((events & tcp::kEventAborted) != 0) {
    Count(Counter::kAborts);
    flow->abort_event = Telling::kDue;
    // The session has its own event; the control core disposes of what the
    // kernel holds of the connection.
    RaiseRetrieve(flow, UploadReason::kUploadRequested, false);
  }
  if ((events & tcp::kEventStopped) != 0) {
    RaiseRetrieve(flow, ReasonFor(outcome.stop), true);
  }
  if ((events & tcp::kEventTimeWait) != 0) {  // R176
    RaiseRetrieve(flow, UploadReason::kUploadRequested, true);
  }
  if (flow->tcb.state() == tcp::ConnectionState::kClosed) {
    RaiseRetrieve(flow, UploadReason::kUploadRequested, false);
  }
  Schedule(flow);
}

void Worker::Impl::RaiseRetrieve(Flow* flow, UploadReason reason,
                                 bool tell_session) {
  if (flow->retrieve_reason != UploadReason::kNone) return;
  Count(Counter::kRetrieves);
  flow->retrieve_reason = reason;
  if (tell_session) flow->retrieve_event = Telling::kDue;
  if (NotifyRetrieve(flow)) return;
  Count(Counter::kControlNoticesDeferred);
  retrieve_waiters_.PushBack(TakeHandOver(flow));
}

bool Worker::Impl::NotifyRetrieve(Flow* flow) {
  ControlNotice notice;
  notice.kind = ControlNotice::Kind::kRetrieve;
  notice.flow = HandleOf(flow);
  notice.session_id = flow->session()->id;
  notice.cookie = flow->cookie;
  notice.reason = flow->retrieve_reason;
  return control_->Notify(notice);
}

void Worker::Impl::RetryRetrieves() {
  while (HandOver* hand_over = retrieve_waiters_.front()) {
    if (!NotifyRetrieve(hand_over->flow)) return;
    retrieve_waiters_.PopFront();
    EndHandOver(hand_over->flow);
  }
}

// R153, design D3: the error goes to the host unchanged; the control core gets
// what it needs to judge whether it is genuine.
void Worker::Impl::OnIcmpFrame(const Frame& frame) {
  ControlNotice notice;
  if (!frame.contiguous || !packet::ParseIcmpError(frame.bytes, &notice.icmp)) {
    return;
  }
  const Flow* flow = static_cast<const Flow*>(table_.Find(notice.icmp.quoted));
  if (flow == nullptr || flow->phase != FlowPhase::kRunning) return;
  Count(Counter::kIcmpErrors);
  // Only who saw a segment that is in flight now can quote it. A stranger who
  // guesses must not even wake the control core.
  const uint32_t flight = flow->tcb.snd_max().BytesFrom(flow->tcb.snd_una());
  if (!notice.icmp.is_too_big ||
      !notice.icmp.quoted_seq.InWindow(flow->tcb.snd_una(), flight)) {
    Count(Counter::kIcmpOutsideFlight);
    return;
  }
  notice.kind = ControlNotice::Kind::kIcmpError;
  notice.flow = HandleOf(flow);
  notice.session_id = flow->session()->id;
  notice.cookie = flow->cookie;
  notice.snd_una = flow->tcb.snd_una();
  notice.snd_max = flow->tcb.snd_max();
  if (!control_->Notify(notice)) Count(Counter::kControlNoticesLost);
}

}  // namespace chimney::worker
