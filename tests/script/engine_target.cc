// SPDX-License-Identifier: BSD-3-Clause
// Life of the connection, time, segments in and out.
#include "tests/script/engine_target.h"

#include <algorithm>
#include <utility>

#include "tests/support/segment_conversion.h"
#include "tests/support/test_tcb.h"

namespace chimney::script {
namespace {

using testing::WireSegment;

// Scripts begin some time after the machine did.
constexpr Instant kScriptBegins = Instant::FromNanos(1'000'000'000'000);
constexpr uint32_t kChunkBytes = 4096;
constexpr uint32_t kChunkCount = 1024;
constexpr uint32_t kFragmentCount = 8192;
// More segments at one instant than any connection has reason to send.
constexpr int kMostSegmentsAtOnce = 10'000;
constexpr int kMostTimersAtOnce = 10'000;

uint8_t EcnBits(EcnMark mark) {
  switch (mark) {
    case EcnMark::kEct1:
      return 1;
    case EcnMark::kEct0:
    case EcnMark::kEitherEct:
      return 2;
    case EcnMark::kCe:
      return 3;
    case EcnMark::kAny:
    case EcnMark::kNotEct:
      break;
  }
  return 0;
}

uint32_t Segments(uint32_t segments, uint32_t mss) { return segments * mss; }

tcp::TimerState Running(const std::optional<Duration>& delta, uint8_t count) {
  tcp::TimerState timer;
  timer.running = delta.has_value();
  timer.delta = delta.value_or(Duration());
  timer.count = count;
  return timer;
}

tcp::TcpState StateOf(const ConnectionStart& start,
                      const tcp::TcpCachedState& cached) {
  tcp::TcpState state;
  state.constant.timestamps_enabled = start.timestamps;
  state.constant.sack_enabled = start.sack;
  state.constant.window_scaling_enabled = start.window_scaling;
  state.constant.snd_wind_scale = start.peer_wscale;
  state.constant.rcv_wind_scale = start.own_wscale;
  state.constant.remote_mss = start.peer_mss;
  state.cached = cached;
  state.cached.initial_rcv_wnd = start.receive_buffer_bytes;
  tcp::TcpDelegatedState& d = state.delegated;
  d.snd_una = d.snd_nxt = d.snd_max = SeqNum(start.snd_nxt);
  d.rcv_nxt = SeqNum(start.rcv_nxt);
  d.snd_wl1 = SeqNum(start.rcv_nxt);
  d.snd_wnd = d.max_snd_wnd = start.snd_wnd_bytes;
  const uint32_t shift = start.window_scaling ? start.own_wscale : 0;
  d.rcv_wnd = std::min<uint32_t>(start.receive_buffer_bytes >> shift, 0xffff)
              << shift;
  d.ts_time = start.ts_now;
  d.ts_recent = start.ts_recent;
  d.ts_recent_age = start.ts_recent_age;
  d.srtt = start.rtt;
  d.rttvar = start.rttvar == Duration() ? start.rtt / 2 : start.rttvar;
  d.dup_ack_count = start.dup_acks;
  d.snd_wnd_probe_count = start.window_probe_rounds;
  d.retransmit = Running(start.retransmit_in, 0);
  d.keepalive = Running(start.keepalive_in, start.keepalive_probes);
  return state;
}

}  // namespace

EngineTarget::EngineTarget()
    : parameters_(tcp::LinuxProfile()),
      store_(kChunkBytes, kChunkCount, kFragmentCount) {}

EngineTarget::~EngineTarget() { DropEverything(); }

void EngineTarget::DropEverything() {
  if (exported_) {
    store_.FreeAll(&exported_->receive_data);
    store_.FreeAll(&exported_->out_of_order);
    while (exported_->send_data.PopFront() != nullptr) {
    }
    return;
  }
  if (!tcb_) return;
  testing::DiscardAll(*tcb_);
}

Instant EngineTarget::EngineNow() const { return kScriptBegins + now_; }

void EngineTarget::Violate(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

void EngineTarget::Check(std::string_view after) {
  if (const char* broken = tcp::CheckInvariants(*tcb_)) {
    Violate("invariant broken after " + std::string(after) + ": " + broken);
  }
}

std::string EngineTarget::Start(Duration now, const ConnectionStart& start) {
  now_ = now;
  tcp::TcpState state = StateOf(start, cached_);
  cached_ = state.cached;
  const uint32_t headers = (ipv6_ ? 40 : 20) + 20;
  const uint32_t mss =
      std::min<uint32_t>(start.peer_mss, mtu_bytes_ - headers) -
      (start.timestamps ? 12 : 0);
  state.delegated.cwnd = Segments(start.cwnd_segments, mss);
  if (start.ssthresh_segments != 0) {
    state.delegated.ssthresh = Segments(start.ssthresh_segments, mss);
  }
  tcp::RecordList no_sends;
  tcp::FragmentList no_data;
  const std::string refused = Import(state, &no_sends, &no_data);
  if (!refused.empty()) return refused;
  return DropOwedAck();
}

std::string EngineTarget::Import(const tcp::TcpState& state,
                                 tcp::RecordList* send_data,
                                 tcp::FragmentList* receive_data) {
  tcb_ = std::make_unique<tcp::Tcb>();
  tcp::Prepare(*tcb_, store_.view(&parameters_), ipv6_, mtu_bytes_);
  if (!tcp::Import(*tcb_, EngineNow(), state, *send_data, *receive_data)) {
    return "the engine refuses the state";
  }
  stop_ = tcp::StopReason::kNone;
  Check("Import");
  return "";
}

std::string EngineTarget::DropOwedAck() {
  tcp::FlushOwedAck(*tcb_);
  tcp::OutSegment segment;
  while (tcp::NextSegment(*tcb_, EngineNow(), &segment)) {
    if (segment.payload_bytes != 0 || segment.flags != packet::kTcpAck) {
      return "an import made the engine send more than an ACK";
    }
  }
  return "";
}

bool EngineTarget::FireNext(Duration limit) {
  if (!tcb_ || away()) return false;
  const Instant due = tcp::NextDeadline(*tcb_);
  if (due > kScriptBegins + limit) return false;
  now_ = std::max(now_, due - kScriptBegins);
  Handle(tcp::OnTimer(*tcb_, EngineNow()));
  if (tcp::NextDeadline(*tcb_) <= EngineNow()) {
    Violate("OnTimer left something due behind");
    return false;
  }
  return true;
}

void EngineTarget::AdvanceTo(Duration to) {
  for (int i = 0; FireNext(to); ++i) {
    if (i == kMostTimersAtOnce) return Violate("timers without an end");
  }
  now_ = std::max(now_, to);
  CheckAway();
}

void EngineTarget::AdvanceUntilSent(Duration limit) {
  for (int i = 0; sent_.empty() && FireNext(limit); ++i) {
    if (i == kMostTimersAtOnce) return Violate("timers without an end");
  }
  if (sent_.empty()) now_ = std::max(now_, limit);
  CheckAway();
}

std::optional<SentSegment> EngineTarget::NextSent() {
  if (sent_.empty()) return std::nullopt;
  SentSegment segment = std::move(sent_.front());
  sent_.pop_front();
  return segment;
}

void EngineTarget::Handle(const tcp::Outcome& outcome) {
  Check("an event");
  events_ |= outcome.events;
  if (outcome.stop != tcp::StopReason::kNone) stop_ = outcome.stop;
  if ((outcome.events & tcp::kEventAborted) != 0) reset_by_peer_ = true;
  Pump();
}

void EngineTarget::Pump() {
  tcp::OutSegment segment;
  for (int i = 0; tcp::NextSegment(*tcb_, EngineNow(), &segment); ++i) {
    Check("NextSegment");
    sent_.push_back({now_, EcnMark::kNotEct, testing::FromEngine(segment)});
    if (i == kMostSegmentsAtOnce) return Violate("segments without an end");
  }
  while (tcp::SendRecord* record = tcp::NextCompletedSend(*tcb_)) {
    send_memory_.Retire(record);
  }
}

void EngineTarget::Feed(const WireSegment& segment, EcnMark ecn) {
  packet::Segment fed = testing::ToEngine(segment);
  fed.ecn = fed.tos = EcnBits(ecn);
  const tcp::Outcome outcome = tcp::OnSegment(*tcb_, EngineNow(), fed);
  reason_ = outcome.reason;
  Handle(outcome);
}

void EngineTarget::Inject(const WireSegment& segment, EcnMark ecn) {
  if (away()) {
    parked_.push_back({segment, ecn});
  } else if (tcb_) {
    Feed(segment, ecn);
  }
}

}  // namespace chimney::script
