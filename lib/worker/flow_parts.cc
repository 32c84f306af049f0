// SPDX-License-Identifier: BSD-3-Clause
// The parts of a flow that come and go. There are as many places for each as
// there are flows, so taking one cannot fail.
#include <cassert>
#include <memory>

#include "worker/worker_impl.h"

namespace chimney::worker {

HandOver* Worker::Impl::TakeHandOver(Flow* flow) {
  if (flow->hand_over == nullptr) {
    flow->hand_over = hand_overs_.Allocate(flow);
  }
  return flow->hand_over;
}

void Worker::Impl::EndHandOver(Flow* flow) {
  HandOver* hand_over = flow->hand_over;
  if (hand_over == nullptr || flow->phase != FlowPhase::kRunning ||
      !hand_over->parked.empty() || hand_over->IsLinked()) {
    return;
  }
  // An operation that waits here would never complete.
  assert(hand_over->finish == nullptr);
  assert(hand_over->fence.operation == nullptr);
  hand_overs_.Free(hand_over);
  flow->hand_over = nullptr;
}

SessionWork* Worker::Impl::TakeWork(Flow* flow) {
  if (flow->work == nullptr) flow->work = works_.Take();
  return flow->work;
}

void Worker::Impl::EndWork(Flow* flow) {
  if (flow->work == nullptr || !flow->work->IsDone() ||
      flow->offloaded == Telling::kDue || flow->uploaded == Telling::kDue) {
    return;
  }
  works_.GiveBack(flow->work);
  flow->work = nullptr;
}

// The flow is on no list and has no timer any more.
void Worker::Impl::FreeFlow(Flow* flow) {
  if (flow->hand_over != nullptr) hand_overs_.Free(flow->hand_over);
  if (flow->work != nullptr) {
    // What was not done goes with the flow.
    std::destroy_at(flow->work);
    works_.GiveBack(std::construct_at(flow->work));
  }
  flows_.Free(flow);
}

}  // namespace chimney::worker
