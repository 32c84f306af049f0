// SPDX-License-Identifier: BSD-3-Clause
// Whose turn it is: flows with work, flows that wait for room somewhere, and
// the one timer of each flow.
#include <algorithm>
#include <limits>

#include "worker/worker_impl.h"

namespace chimney::worker {

namespace {

// Timers fired or moved, and flows served, in one turn of the poll loop.
constexpr size_t kTimersPerPoll = 256;
constexpr size_t kFlowsPerPoll = 128;
// Flows woken in a turn for each of three reasons: a driver may have let go,
// the wire has room, their sessions have. Fewer together than are served, so
// that other flows do not wait behind them.
constexpr size_t kWokenPerPoll = 32;

}  // namespace

void Worker::Impl::Schedule(Flow* flow) {
  if (flow->is_ready) return;
  Unschedule(flow);
  ready_.PushBack(flow);
  flow->is_ready = true;
}

void Worker::Impl::Unschedule(Flow* flow) {
  ListNode<ScheduleTag>* hook = flow;
  hook->Unlink();
  flow->is_ready = false;
}

void Worker::Impl::ArmTimer(Flow* flow) {
  Instant next = Instant::Never();
  if (const HandOver* hand_over = flow->hand_over) {
    next = std::min({hand_over->hold_deadline, hand_over->fence.deadline,
                     hand_over->finish_deadline});
  }
  if (flow->work != nullptr) next = std::min(next, flow->work->push_deadline);
  // A connection that waits for its upload times out nothing more (R179).
  if (flow->phase == FlowPhase::kRunning && !flow->IsLeaving()) {
    next = std::min(next, tcp::NextDeadline(flow->tcb));
  }
  const TimerNode* timer = flow;
  if (timer->IsArmed() && timer->deadline() == next) return;
  wheel_.Arm(flow, next);
}

size_t Worker::Impl::FireTimers(Instant now) {
  size_t budget = kTimersPerPoll;
  size_t fired = 0;
  while (TimerNode* timer = wheel_.PopDue(now, &budget)) {
    Fire(now, static_cast<Flow*>(timer));
    ++fired;
  }
  Count(Counter::kTimersFired, fired);
  return fired;
}

void Worker::Impl::Fire(Instant now, Flow* flow) {
  if (HandOver* hand_over = flow->hand_over) {
    if (hand_over->finish_deadline <= now) {
      FinishUpload(now, hand_over->finish, flow);  // may retire it
      return;
    }
    if (hand_over->fence.deadline <= now) ExpireFence(flow);
    if (hand_over->hold_deadline <= now) ExpireHold(flow);
  }
  if (flow->work != nullptr && flow->work->push_deadline <= now) {  // R130
    flow->work->push_deadline = Instant::Never();
    flow->push_seen = true;
    Schedule(flow);
  }
  if (flow->phase == FlowPhase::kRunning && !flow->IsLeaving() &&
      tcp::NextDeadline(flow->tcb) <= now) {
    // Memory that is given back is nobody's business.
    const bool has_news = tcp::NextTimer(flow->tcb) <= now;
    const tcp::Outcome outcome = tcp::OnTimer(flow->tcb, now);
    if (has_news) Absorb(now, flow, outcome);
  }
  ArmTimer(flow);
}

void Worker::Impl::WakeWaiting() {
  left_waiting_ = false;
  for (ScheduleList* waiters : {&io_waiters_, &wire_waiters_}) {
    if (waiters->empty()) continue;
    if (waiters == &wire_waiters_ && frames_->TransmitRoom(Side::kWire) == 0) {
      continue;
    }
    for (size_t woken = 0; woken < kWokenPerPoll && !waiters->empty();
         ++woken) {
      Schedule(waiters->front());
    }
    if (!waiters->empty()) left_waiting_ = true;
  }
  size_t left = kWokenPerPoll;
  // Those that had their turn are last in the next one.
  IntrusiveList<Session, BlockedTag> turned;
  Session* session = blocked_sessions_.front();
  while (session != nullptr) {
    Session* next = blocked_sessions_.Next(session);
    const size_t before = left;
    if (session->port->Room() > 0 || session->closing != nullptr) {
      for (; left != 0 && !session->waiting.empty(); --left) {
        Schedule(session->waiting.front());
      }
      if (!session->waiting.empty()) left_waiting_ = true;
    }
    if (session->waiting.empty() || left != before) {
      IntrusiveList<Session, BlockedTag>::Remove(session);
      if (!session->waiting.empty()) turned.PushBack(session);
    }
    session = next;
  }
  blocked_sessions_.SpliceBack(&turned);
}

size_t Worker::Impl::ServeReady(Instant now) {
  // Those that become ready in this turn are served in the next one.
  ScheduleList turn;
  turn.SpliceBack(&ready_);
  size_t served = 0;
  for (; served < kFlowsPerPoll; ++served) {
    Flow* flow = turn.PopFront();
    if (flow == nullptr) break;
    flow->is_ready = false;
    Serve(now, flow);
  }
  turn.SpliceBack(&ready_);
  ready_.SpliceBack(&turn);
  return served;
}

// Everything a flow can do now. May retire it.
void Worker::Impl::Serve(Instant now, Flow* flow) {
  Session* session = flow->session();
  Turn turn{.now = now, .flow = flow};
  turn.room = session->closing != nullptr ? std::numeric_limits<size_t>::max()
                                          : session->port->Room();
  if (session->closing != nullptr) DropRequests(flow);
  const bool running = flow->phase == FlowPhase::kRunning;
  // Nothing is shown to anybody that a rescue would not know of (design D9).
  if (running && flow->publish_due) Publish(flow);
  TellOffloaded(&turn);
  const bool may_tell = flow->offloaded != Telling::kDue;
  if (running && may_tell) Deliver(&turn);
  if (running) Output(&turn);
  if (may_tell) {
    if (!turn.wants_room) TellAbort(&turn);
    TellDone(&turn);
    TellSends(&turn);
    TellDisconnects(&turn);
    TellEvents(&turn);
  }
  if (flow->uploaded == Telling::kTold) return Retire(flow);
  EndWork(flow);
  ArmTimer(flow);
  if (flow->is_ready) return;  // scheduled itself
  Unschedule(flow);
  if (turn.wants_turn) {
    Schedule(flow);
  } else if (turn.wants_wire) {
    Count(Counter::kTransmitWaits);
    wire_waiters_.PushBack(flow);
  } else if (turn.wants_room) {
    Count(Counter::kNoticesDeferred);
    session->waiting.PushBack(flow);
    ListNode<BlockedTag>* hook = session;
    if (!hook->IsLinked()) blocked_sessions_.PushBack(session);
  } else if (turn.wants_io) {
    io_waiters_.PushBack(flow);
  }
}

void Worker::Impl::RingSessions() {
  while (Session* session = ring_sessions_.PopFront()) session->port->Ring();
}

}  // namespace chimney::worker
