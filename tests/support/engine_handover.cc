// SPDX-License-Identifier: BSD-3-Clause
// How a connection changes hands: export, whatever lies in between, import, and
// replay of what arrived meanwhile (design D3).
#include <algorithm>
#include <utility>

#include "tests/support/engine_endpoint.h"
#include "tests/support/state_comparison.h"

namespace chimney::testing {
namespace {

using tcp::ConnectionState;

bool IsFinal(ConnectionState state) {
  return state == ConnectionState::kTimeWait ||
         state == ConnectionState::kClosed;
}

uint32_t Ticks(Duration length, tcp::TimestampUnit unit) {
  const bool is_ms = unit == tcp::TimestampUnit::kMillisecond;
  return static_cast<uint32_t>(is_ms ? length.millis() : length.micros());
}

uint32_t Ticks(Instant at, tcp::TimestampUnit unit) {
  return Ticks(at - Instant::FromNanos(0), unit);
}

void Elapse(tcp::TimerState* timer, Duration by) {
  timer->delta = std::max(timer->delta - by, Duration());
}

}  // namespace

void EngineEndpoint::HandOver(const HandOverStyle& style) {
  if (owner_ != Owner::kEngine || broken_ || IsFinal(tcb_->state())) return;
  ExportState();
  if (broken_) return;
  ++handovers_;
  owner_ = Owner::kAway;
  if (style.away == Duration()) {
    Resume(style);
  } else {
    clock_->After(style.away, [this, style] {
      if (!broken_) Resume(style);
    });
  }
}

void EngineEndpoint::ExportState() {
  // What is owed leaves first (R98).
  tcp::FlushOwedAck(*tcb_);
  tcp::OutSegment segment;
  while (tcp::NextSegment(*tcb_, EngineNow(), &segment)) {
    if (!SendOne(segment)) return;
  }
  PopCompleted();
  const tcp::TcpState before = tcp::Query(*tcb_, EngineNow());
  exported_ = std::make_unique<tcp::Exported>();
  exported_at_ = clock_->now();
  tcp::Export(*tcb_, EngineNow(), exported_.get());
  clock_->Cancel(timer_);
  ++life_;
  CheckExported(before);
  out_of_order_.clear();
  for (const tcp::Fragment& fragment : exported_->out_of_order) {
    const ByteSpan bytes = store_->Bytes(fragment);
    out_of_order_.push_back({fragment.seq, {bytes.begin(), bytes.end()}});
  }
  store_->FreeAll(&exported_->out_of_order);
}

void EngineEndpoint::CheckExported(const tcp::TcpState& before) {
  const tcp::TcpDelegatedState& state = exported_->state.delegated;
  const std::string changed = Difference(before, exported_->state);
  if (!changed.empty()) Violation("query and export differ:" + changed);
  if (tcp::HasOutput(*tcb_) || !tcp::NextDeadline(*tcb_).IsNever()) {
    Violation("a tcb that was exported still wants something");
  }
  // Sends: disjoint union of completed and handed back (R94, R95).
  uint64_t unsent = 0;
  for (const tcp::SendRecord& record : exported_->send_data) {
    if (record.acked_bytes >= record.length) Violation("empty record exported");
    unsent += record.length - record.acked_bytes;
  }
  const bool fin_done = fin_acked_;
  const uint64_t acked = OffsetOfAck(state.snd_una) - (fin_done ? 1 : 0);
  if (acked + unsent != written_) {
    Violation("exported send data: " + std::to_string(unsent) + " bytes of " +
              std::to_string(written_ - acked));
  }
  // Receives: from the first unread byte to RCV.NXT (R100).
  SeqNum seq(config_.witness.first_receive_seq + static_cast<uint32_t>(read_));
  for (const tcp::Fragment& fragment : exported_->receive_data) {
    if (fragment.seq != seq) Violation("exported receive data has a gap");
    seq = fragment.seq + fragment.length;
  }
  if (seq + (fin_received_ ? 1u : 0u) != state.rcv_nxt) {
    Violation("exported receive data does not end at RCV.NXT");
  }
}

void EngineEndpoint::MoveData(const HandOverStyle& style) {
  if (!style.other_store) return;
  auto fresh = std::make_unique<EngineStore>(
      config_.chunk_bytes, config_.chunk_count, config_.fragment_count);
  tcp::FragmentList moved;
  std::vector<uint8_t> bytes;
  for (const tcp::Fragment& fragment : exported_->receive_data) {
    const ByteSpan span = store_->Bytes(fragment);
    bytes.insert(bytes.end(), span.begin(), span.end());
  }
  if (!bytes.empty()) {
    const SeqNum first = exported_->receive_data.front()->seq;
    if (!fresh->Append(first, bytes, &moved)) {
      Violation("the test's store is too small");
    }
  }
  store_->FreeAll(&exported_->receive_data);
  exported_->receive_data.SpliceBack(&moved);
  const std::string left = store_->Leftovers();
  if (!left.empty()) Violation("after an upload: " + left);
  // Sends that are done but not popped still live on it.
  if (tcb_->HasCompletedSends() || !draining_.empty()) {
    old_stores_.push_back(std::move(store_));
  }
  store_ = std::move(fresh);
  tcp::RecordList copies;
  CopySendData(&copies);
  exported_->send_data.SpliceBack(&copies);
}

void EngineEndpoint::CopySendData(tcp::RecordList* out) {
  while (tcp::SendRecord* record = exported_->send_data.PopFront()) {
    const uint64_t end = send_memory_.EndOffset(record);
    std::vector<uint8_t> rest(record->data + record->acked_bytes,
                              record->data + record->length);
    const uint64_t offset = end - rest.size();
    tcp::SendRecord* copy =
        send_memory_.Make(std::move(rest), offset, record->ends_nbl);
    copy->imported = true;
    out->PushBack(copy);
    send_memory_.Retire(record);
  }
}

void EngineEndpoint::ForgetWhatTheKernelForgets() {
  tcp::TcpDelegatedState& state = exported_->state.delegated;
  state.snd_nxt = state.snd_max;
  state.max_snd_wnd = state.snd_wnd;
  state.cwnd = random_.Chance(1, 2) ? 0 : 10 * config_.witness.mss_bytes;
  state.ssthresh = 0xffffffff;
  if (random_.Chance(1, 2)) state.srtt = state.rttvar = Duration();
  state.total_rt = Duration();
  state.dup_ack_count = 0;
  state.snd_wnd_probe_count = 0;
  state.keepalive = {};
  state.retransmit = {};
  state.ts_recent_age = Duration();
}

void EngineEndpoint::Resume(const HandOverStyle& style) {
  const Duration away = clock_->now() - exported_at_;
  const tcp::TimestampUnit unit = exported_->state.constant.timestamp_unit;
  tcp::TcpDelegatedState& state = exported_->state.delegated;
  const uint32_t ticks_before = Ticks(exported_at_ + clock_offset_, unit);
  state.ts_time += Ticks(EngineNow(), unit) - ticks_before;
  state.ts_recent_age = state.ts_recent_age + away;
  Elapse(&state.keepalive, away);
  Elapse(&state.retransmit, away);
  if (style.kernel_between) ForgetWhatTheKernelForgets();
  if (style.other_store) {
    clock_offset_ =
        clock_offset_ + Duration::Nanos(random_.Below(2'000'000'000));
    witness_.AllowTimestampSlack(1);
  }
  MoveData(style);
  ImportState(style, away);
}

void EngineEndpoint::ImportState(const HandOverStyle& style, Duration away) {
  // A worker's slab may give the same object again.
  if (tcb_->HasCompletedSends()) {
    draining_.push_back(std::exchange(tcb_, std::make_unique<tcp::Tcb>()));
  } else if (random_.Chance(1, 2)) {
    tcb_ = std::make_unique<tcp::Tcb>();
  }
  if (draining_.empty()) old_stores_.clear();
  tcp::Prepare(*tcb_, store_->view(config_.parameters), config_.ipv6,
               config_.path_mtu_bytes);
  if (!tcp::Import(*tcb_, EngineNow(), exported_->state, exported_->send_data,
                   exported_->receive_data)) {
    Violation("import of an exported state was refused, state " +
              std::string(
                  tcp::ConnectionStateName(exported_->state.delegated.state)));
    broken_ = true;
    return;
  }
  if (!exported_->send_data.empty() || !exported_->receive_data.empty()) {
    Violation("import left data behind");
  }
  owner_ = Owner::kEngine;
  stop_ = tcp::StopReason::kNone;
  if (away == Duration() && !style.kernel_between) CheckReimported();
  const std::vector<HeldBytes> held = std::exchange(out_of_order_, {});
  const std::vector<WireSegment> parked = std::exchange(parked_, {});
  output_announced_ = true;
  Handle(tcp::Outcome{});
  for (const HeldBytes& bytes : held) Replay(bytes);
  for (const WireSegment& segment : parked) FeedSegment(segment);
}

void EngineEndpoint::CheckReimported() {
  const std::string changed =
      Difference(exported_->state, tcp::Query(*tcb_, EngineNow()));
  if (!changed.empty()) Violation("export and import differ:" + changed);
}

void EngineEndpoint::Replay(const HeldBytes& held) {
  if (broken_ || owner_ != Owner::kEngine) return;
  const tcp::TcpDelegatedState& state = exported_->state.delegated;
  const tcp::TcpConstState& constant = exported_->state.constant;
  WireSegment segment;
  segment.flags = kAck;
  segment.seq = held.seq.value();
  segment.ack = state.snd_una.value();
  segment.raw_window =
      static_cast<uint16_t>(state.snd_wnd >> constant.snd_wind_scale);
  segment.payload = held.bytes;
  if (constant.timestamps_enabled) {
    segment.timestamps =
        WireSegment::Timestamps{state.ts_recent, state.ts_time};
  }
  FeedSegment(segment);
}

void EngineEndpoint::RetireToHost() {
  ExportState();
  if (broken_) return;
  const ConnectionState state = exported_->state.delegated.state;
  if (!IsFinal(state)) Violation("retired in a state that is not final");
  if (!exported_->send_data.empty()) {
    Violation("send data left although all was acknowledged (R96)");
  }
  for (const tcp::Fragment& fragment : exported_->receive_data) {
    const ByteSpan bytes = store_->Bytes(fragment);
    host_receive_queue_.insert(host_receive_queue_.end(), bytes.begin(),
                               bytes.end());
  }
  store_->FreeAll(&exported_->receive_data);
  const bool time_wait = state == ConnectionState::kTimeWait;
  owner_ = time_wait ? Owner::kHostTimeWait : Owner::kNobody;
  for (const WireSegment& segment : std::exchange(parked_, {})) {
    if (time_wait) AnswerFromTimeWait(segment);
  }
}

void EngineEndpoint::AnswerFromTimeWait(const WireSegment& segment) {
  if (segment.SequenceLength() == 0 || segment.Has(kRst)) return;
  const tcp::TcpDelegatedState& state = exported_->state.delegated;
  const tcp::TcpConstState& constant = exported_->state.constant;
  WireSegment ack;
  ack.flags = kAck;
  ack.seq = state.snd_max.value();
  ack.ack = state.rcv_nxt.value();
  ack.raw_window =
      static_cast<uint16_t>(state.rcv_wnd >> constant.rcv_wind_scale);
  if (constant.timestamps_enabled) {
    const Duration since = clock_->now() - exported_at_;
    ack.timestamps = WireSegment::Timestamps{
        state.ts_time + Ticks(since, constant.timestamp_unit), state.ts_recent};
  }
  transmit_(ack);
}

std::vector<uint8_t> EngineEndpoint::ReadFromHost(size_t max) {
  const auto count =
      static_cast<std::ptrdiff_t>(std::min(max, host_receive_queue_.size()));
  const auto begin = host_receive_queue_.begin();
  std::vector<uint8_t> bytes(begin, begin + count);
  host_receive_queue_.erase(begin, begin + count);
  read_ += bytes.size();
  return bytes;
}

std::string EngineEndpoint::TearDown() {
  if (owner_ == Owner::kEngine) tcp::Discard(*tcb_);
  if (exported_) {
    store_->FreeAll(&exported_->receive_data);
    store_->FreeAll(&exported_->out_of_order);
  }
  owner_ = Owner::kNobody;
  if (send_memory_.live() != 0) {
    return "leak: " + std::to_string(send_memory_.live()) + " send records";
  }
  if (store_->parts_in_use() != 0) return "leak: a part of a control block";
  return store_->Leftovers();
}

}  // namespace chimney::testing
