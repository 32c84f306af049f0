// SPDX-License-Identifier: BSD-3-Clause
// Frames kept back while nobody may process them. They are not acknowledged,
// so one that finds no place costs the peer a retransmission, never a byte.
#include "worker/worker_impl.h"

namespace chimney::worker {

Disposition Worker::Impl::Park(Flow* flow, const Frame& frame) {
  if (flow->parked_count >= config_.max_parked_per_flow) {
    Count(Counter::kParkOverflow);
    return Disposition::kConsumed;
  }
  ParkedFrame* parked = nullptr;
  if (WithinShare(flow->parked_count,
                  parked_frames_.capacity() - parked_frames_.in_use())) {
    parked = parked_frames_.Allocate();
  }
  if (parked == nullptr) {
    Count(Counter::kParkPoolEmpty);
    return Disposition::kConsumed;
  }
  parked->frame = frame;
  flow->parked.PushBack(parked);
  ++flow->parked_count;
  Count(Counter::kParked);
  return Disposition::kHeld;
}

void Worker::Impl::UnparkFirst(Flow* flow) {
  parked_frames_.Free(flow->parked.front());
  --flow->parked_count;
}

void Worker::Impl::ForwardParked(Flow* flow) {
  while (ParkedFrame* parked = flow->parked.front()) {
    frames_->ForwardHeld(Side::kHost, parked->frame.handle);
    UnparkFirst(flow);
    Count(Counter::kParkedReleased);
  }
}

// Feeds what was parked to the engine, as if it arrived now, until one of the
// frames is not the engine's; that one and all behind it stay parked.
void Worker::Impl::ReplayParked(Instant now, Flow* flow) {
  Looked looked;
  while (ParkedFrame* parked = flow->parked.front()) {
    if (flow->diverted) return;
    const Frame frame = parked->frame;
    LookAt(Side::kWire, frame, &looked);
    Fate fate = Fate::kForward;
    if (!frame.contiguous || !IsForeign(*flow, looked.view.ethernet)) {
      fate = OnRunningFrame(now, flow, frame, looked);
    }
    if (fate == Fate::kPark) return;
    if (fate == Fate::kForward) {
      frames_->ForwardHeld(Side::kHost, frame.handle);
      Count(Counter::kParkedReleased);
    } else {
      frames_->FreeHeld(frame.handle);
      Count(Counter::kParkedReplayed);
    }
    UnparkFirst(flow);
  }
}

}  // namespace chimney::worker
