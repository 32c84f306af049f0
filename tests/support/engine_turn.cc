// SPDX-License-Identifier: BSD-3-Clause
// A worker's turn around one engine: pull, publish, transmit, pop, arm; and
// what must hold after each of these steps.
#include <algorithm>

#include "tests/support/engine_endpoint.h"
#include "tests/support/segment_conversion.h"

namespace chimney::testing {
namespace {

constexpr uint32_t kManySegments = 100'000;

bool IsBefore(uint32_t a, uint32_t b) {
  return static_cast<int32_t>(a - b) < 0;
}

}  // namespace

void EngineEndpoint::Handle(const tcp::Outcome& outcome) {
  if (const char* broken = tcp::CheckInvariants(*tcb_)) {
    Violation(std::string("invariant: ") + broken);
    return;
  }
  if ((outcome.events & tcp::kEventOutput) != 0) output_announced_ = true;
  const bool has_fin = tcb_->fin_received();
  const bool says_fin = (outcome.events & tcp::kEventFinReceived) != 0;
  if (has_fin != (fin_received_ || says_fin)) {
    Violation("FIN received without its event, or the other way round (R174)");
  }
  fin_received_ = has_fin;
  if ((outcome.events & tcp::kEventFinAcked) != 0) fin_acked_ = true;
  Turn();
  if (!broken_ && owner_ == Owner::kEngine) HandleEnds(outcome);
}

void EngineEndpoint::HandleEnds(const tcp::Outcome& outcome) {
  if ((outcome.events & tcp::kEventStopped) != 0) {
    stop_ = outcome.stop;
    if (!stop_expected_) {
      Violation("engine stopped, reason " +
                std::to_string(static_cast<int>(outcome.stop)));
      broken_ = true;
    }
  }
  if ((outcome.events & tcp::kEventAborted) != 0) broken_ = true;
  if (broken_) return;
  const bool ended = fin_acked_ && fin_received_;
  const bool time_wait = (outcome.events & tcp::kEventTimeWait) != 0;
  if (time_wait && tcb_->state() != tcp::ConnectionState::kTimeWait) {
    Violation("TIME_WAIT event in another state (R176)");
  }
  if (!ended) return;
  const bool final_state = tcb_->state() == tcp::ConnectionState::kTimeWait ||
                           tcb_->state() == tcp::ConnectionState::kClosed;
  if (!final_state) Violation("both FINs done but not in a final state");
  // The upload comes a moment later.
  clock_->After(Duration::Micros(random_.Below(5'000)), [this] {
    if (owner_ == Owner::kEngine && !broken_) RetireToHost();
  });
}

void EngineEndpoint::Turn() {
  uint32_t room = kManySegments;
  if (random_.Chance(config_.short_room, 16)) room = 1 + random_.Below(3);
  bool gave_any = false;
  while (room-- > 0) {
    const bool has_output = tcp::HasOutput(*tcb_);
    tcp::OutSegment segment;
    const bool gave = tcp::NextSegment(*tcb_, EngineNow(), &segment);
    if (gave && !has_output) Violation("segment although HasOutput is false");
    if (!gave && has_output) Violation("no segment although HasOutput is true");
    if (!gave) break;
    gave_any = true;
    if (!SendOne(segment)) return;
  }
  if (gave_any && !output_announced_) {
    Violation("output that no event announced");
  }
  const bool left = tcp::HasOutput(*tcb_);
  output_announced_ = left;
  if (left && !turn_scheduled_) {
    turn_scheduled_ = true;
    clock_->After(Duration::Micros(5), [this] {
      turn_scheduled_ = false;
      if (owner_ == Owner::kEngine && !broken_) Turn();
    });
  }
  PopCompleted();
  ArmTimer();
  CheckAtRest();
}

bool EngineEndpoint::SendOne(const tcp::OutSegment& segment) {
  const WireSegment wire = FromEngine(segment);
  if (const char* broken = tcp::CheckInvariants(*tcb_)) {
    Violation(std::string("invariant after NextSegment: ") + broken);
    return false;
  }
  if (wire.payload.size() != segment.payload_bytes) {
    Violation("payload_bytes is not what the pieces hold");
  }
  CheckPublished(wire);
  witness_.AllowWindowRounding(tcb_->unread_bytes() >=
                               config_.state.cached.initial_rcv_wnd);
  const std::string problem = witness_.OnSent(clock_->now(), wire);
  // Sent all the same, so that a capture shows it.
  transmit_(wire);
  if (!problem.empty()) {
    Violation(problem + ": " + Describe(wire));
    return false;
  }
  if (wire.Has(kRst)) {
    ++resets_sent_;
    broken_ = true;
  }
  if (random_.Chance(config_.hold_on_wire, 16)) HoldPayload(segment);
  return true;
}

void EngineEndpoint::HoldPayload(const tcp::OutSegment& segment) {
  const Duration held = Duration::Micros(random_.Below(30'000));
  for (uint8_t i = 0; i < segment.piece_count; ++i) {
    const tcp::OutSegment::Piece& piece = segment.pieces[i];
    const std::vector<uint8_t> sent(piece.bytes.begin(), piece.bytes.end());
    send_memory_.HoldOnWire(piece.record);
    clock_->After(
        held, [this, sent, bytes = piece.bytes, record = piece.record] {
          if (!std::equal(sent.begin(), sent.end(), bytes.begin())) {
            Violation("payload changed while the wire still referred to it");
          }
          send_memory_.ReleaseFromWire(record);
          PopCompleted();
        });
  }
}

void EngineEndpoint::CheckPublished(const WireSegment& segment) {
  const PublishedView view = tcp::Published(*tcb_);
  const uint32_t edge =
      segment.ack + (uint32_t{segment.raw_window} << config_.witness.own_shift);
  const bool tells_more =
      IsBefore(view.rcv_nxt, segment.ack) || IsBefore(view.rcv_edge, edge) ||
      IsBefore(view.snd_max, segment.EndSeq()) ||
      (segment.timestamps &&
       IsBefore(view.tsval_max, segment.timestamps->value)) ||
      (segment.Has(kFin) && view.fin_sent == 0);
  if (tells_more && !segment.Has(kRst)) {
    Violation("a segment tells more than is published (design D9): " +
              Describe(segment));
  }
}

void EngineEndpoint::PopCompleted() {
  if (owner_ == Owner::kEngine) {
    acked_ = std::max(acked_, OffsetOfAck(tcb_->snd_una()));
  }
  // In order over hand-overs as well: nothing newer before the older ones.
  while (!draining_.empty()) {
    PopCompletedOf(draining_.front().get());
    if (draining_.front()->HasCompletedSends()) return;
    draining_.erase(draining_.begin());
  }
  PopCompletedOf(tcb_.get());
}

void EngineEndpoint::PopCompletedOf(tcp::Tcb* tcb) {
  while (tcp::SendRecord* record = tcp::NextCompletedSend(*tcb)) {
    const uint64_t end = send_memory_.EndOffset(record);
    if (record->io_refs != 0) {
      Violation("completed while the wire refers to it");
    }
    if (!record->aborted) {
      if (end < next_completion_) Violation("sends complete out of order");
      if (end > acked_) {
        Violation("send completed before it was acknowledged (R110)");
      }
      if (record->acked_bytes != record->length) {
        Violation("completed send with a wrong acked_bytes (R111)");
      }
    }
    next_completion_ = std::max(next_completion_, end);
    send_memory_.Retire(record);
  }
}

void EngineEndpoint::ArmTimer() {
  clock_->Cancel(timer_);
  timer_ = {};
  const Instant deadline = tcp::NextDeadline(*tcb_);
  if (deadline.IsNever()) return;
  Duration late;
  if (random_.Chance(1, 4)) late = Duration::Micros(random_.Below(500));
  timer_ =
      clock_->At(deadline - clock_offset_ + late, [this] { OnTimerFired(); });
}

void EngineEndpoint::OnTimerFired() {
  if (owner_ != Owner::kEngine || broken_) return;
  const Instant before = tcp::NextDeadline(*tcb_);
  const tcp::Outcome outcome = tcp::OnTimer(*tcb_, EngineNow());
  const Instant after = tcp::NextDeadline(*tcb_);
  if (before <= EngineNow() && after <= EngineNow()) {
    Violation("OnTimer left something due behind");
  }
  Handle(outcome);
}

void EngineEndpoint::FireIdleTimer() {
  if (!random_.Chance(config_.idle_timer, 16)) return;
  const Instant before = tcp::NextDeadline(*tcb_);
  if (before <= EngineNow()) return;
  const tcp::Outcome outcome = tcp::OnTimer(*tcb_, EngineNow());
  if (outcome.events != 0 || tcp::NextDeadline(*tcb_) != before) {
    Violation("a timer fired early");
  }
}

void EngineEndpoint::CheckAtRest() {
  if (broken_ || tcb_->frozen || tcp::HasOutput(*tcb_)) return;
  // Whatever the peer still has to be told needs a timer to fall back on.
  const bool fin_open = closed_ && !fin_acked_;
  const bool waits = tcb_->unacked_send_bytes() > 0 || fin_open;
  if (waits && tcb_->state() != tcp::ConnectionState::kClosed &&
      tcp::NextTimer(*tcb_).IsNever()) {
    Violation("unfinished sending without a timer");
  }
  // A tail probe that was sent twice waits a minute for what tells of it.
  if (!waits && tcb_->snd_una() == tcb_->snd_max() &&
      tcb_->outgoing != nullptr && !tcb_->HasCompletedSends() &&
      tcb_->timers.retransmit_use == tcp::RetransmitUse::kIdle &&
      !tcb_->params().pacing && !tcb_->outgoing->recovery.probe_outstanding) {
    Violation("memory for sending is kept at rest");
  }
}

}  // namespace chimney::testing
