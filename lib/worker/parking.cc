// SPDX-License-Identifier: BSD-3-Clause
// Frames kept back while nobody may process them. They are not acknowledged,
// so one that finds no place costs the peer a retransmission, never a byte.
#include <algorithm>

#include "worker/worker_impl.h"

namespace chimney::worker {

// Flows that are flooded leave half of what is left to the others, each in its
// turn: a dozen of them would leave nothing. So an eighth of all places is for
// the first few frames of any flow, which is what most hand-overs see.
bool Worker::Impl::HasPlaceFor(const HandOver& hand_over) const {
  const uint32_t places = parked_frames_.capacity();
  const uint32_t free_count = places - parked_frames_.in_use();
  const uint32_t few = std::max(1u, places / 1024);
  if (hand_over.parked_count < few) return free_count > 0;
  const uint32_t reserved = places / 8;
  return free_count > reserved &&
         WithinShare(hand_over.parked_count, free_count - reserved);
}

Disposition Worker::Impl::Park(Flow* flow, const Frame& frame) {
  HandOver* hand_over = TakeHandOver(flow);
  if (hand_over->parked_count >= config_.max_parked_per_flow) {
    Count(Counter::kParkOverflow);
    return Disposition::kConsumed;
  }
  ParkedFrame* parked =
      HasPlaceFor(*hand_over) ? parked_frames_.Allocate() : nullptr;
  if (parked == nullptr) {
    Count(Counter::kParkPoolEmpty);
    return Disposition::kConsumed;
  }
  parked->frame = frame;
  hand_over->parked.PushBack(parked);
  ++hand_over->parked_count;
  Count(Counter::kParked);
  return Disposition::kHeld;
}

void Worker::Impl::UnparkFirst(HandOver* hand_over) {
  parked_frames_.Free(hand_over->parked.front());
  --hand_over->parked_count;
}

void Worker::Impl::ForwardParked(HandOver* hand_over) {
  while (ParkedFrame* parked = hand_over->parked.front()) {
    frames_->ForwardHeld(Side::kHost, parked->frame.handle);
    UnparkFirst(hand_over);
    Count(Counter::kParkedReleased);
  }
}

// Feeds what was parked to the engine, as if it arrived now, until one of the
// frames is not the engine's; that one and all behind it stay parked.
void Worker::Impl::ReplayParked(Instant now, Flow* flow) {
  Looked looked;
  HandOver* hand_over = flow->hand_over;
  while (ParkedFrame* parked = hand_over->parked.front()) {
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
    UnparkFirst(hand_over);
  }
}

}  // namespace chimney::worker
