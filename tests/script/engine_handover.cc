// SPDX-License-Identifier: BSD-3-Clause
// A script's hand-over: out of one Tcb, into a fresh one.
#include <algorithm>
#include <utility>

#include "tests/script/engine_target.h"

namespace chimney::script {
namespace {

using testing::WireSegment;

void Elapse(tcp::TimerState* timer, Duration by) {
  timer->delta = std::max(timer->delta - by, Duration());
}

// What time does to a state that nobody runs.
void Age(tcp::TcpState* state, Duration away) {
  tcp::TcpDelegatedState& d = state->delegated;
  d.ts_time += static_cast<uint32_t>(away.millis());
  d.ts_recent_age = d.ts_recent_age + away;
  Elapse(&d.keepalive, away);
  Elapse(&d.retransmit, away);
}

}  // namespace

std::string EngineTarget::Terminate() {
  if (!tcb_) return "there is no connection yet";
  if (away()) return "the connection is away already";
  // What is owed leaves first (R98).
  tcp::FlushOwedAck(*tcb_);
  Pump();
  exported_ = std::make_unique<tcp::Exported>();
  exported_at_ = now_;
  tcp::Export(*tcb_, EngineNow(), exported_.get());
  CheckAway();
  return "";
}

// R90: what was exported sends nothing and wants nothing.
void EngineTarget::CheckAway() {
  if (!away()) return;
  tcp::OutSegment segment;
  if (tcp::NextSegment(*tcb_, EngineNow(), &segment) ||
      !tcp::NextDeadline(*tcb_).IsNever()) {
    Violate("a connection that is away still wants something");
  }
}

std::string EngineTarget::Offload() {
  if (!away()) return "the connection is not away";
  tcp::TcpState state = exported_->state;
  Age(&state, now_ - exported_at_);
  state.cached = cached_;
  while (tcp::SendRecord* record = tcp::NextCompletedSend(*tcb_)) {
    send_memory_.Retire(record);
  }
  const std::string refused =
      Import(state, &exported_->send_data, &exported_->receive_data);
  if (!refused.empty()) return refused;
  const std::unique_ptr<tcp::Exported> held = std::move(exported_);
  Handle(tcp::Outcome{});
  ReplayHeld(held.get());
  for (const Parked& parked : std::exchange(parked_, {})) {
    Feed(parked.segment, parked.ecn);
  }
  return "";
}

void EngineTarget::ReplayHeld(tcp::Exported* held) {
  const tcp::TcpDelegatedState& d = held->state.delegated;
  const tcp::TcpConstState& constant = held->state.constant;
  while (tcp::Fragment* fragment = held->out_of_order.PopFront()) {
    const ByteSpan bytes = store_.Bytes(*fragment);
    WireSegment segment;
    segment.flags = testing::kAck;
    segment.seq = fragment->seq.value();
    segment.ack = d.snd_una.value();
    segment.raw_window =
        static_cast<uint16_t>(d.snd_wnd >> constant.snd_wind_scale);
    segment.payload.assign(bytes.begin(), bytes.end());
    if (constant.timestamps_enabled) {
      segment.timestamps = WireSegment::Timestamps{d.ts_recent, d.ts_time};
    }
    store_.Free(fragment);
    Feed(segment, EcnMark::kNotEct);
  }
}

}  // namespace chimney::script
