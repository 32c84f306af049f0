// SPDX-License-Identifier: BSD-3-Clause
// Any values whatsoever as the state of a connection that is handed over. It is
// refused and nothing has changed, or it runs: then nothing of it was lost, and
// the same can be taken back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tcp/engine.h"
#include "tcp/timers.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/engine_store.h"
#include "tests/support/send_memory.h"
#include "tests/support/state_comparison.h"

namespace {

using chimney::Duration;
using chimney::Instant;
using chimney::SeqNum;
using chimney::testing::FuzzInput;
using chimney::testing::Require;
namespace tcp = chimney::tcp;
namespace testing = chimney::testing;

constexpr Instant kNow = Instant::FromNanos(1'000'000'000'000);

// Half of the values are such as occur, or nothing would be let in.
Duration AnyDuration(FuzzInput* input) {
  return input->Flag()
             ? Duration::Nanos(static_cast<int64_t>(input->LongWord()))
             : Duration::Millis(input->Short());
}

tcp::TimerState AnyTimer(FuzzInput* input) {
  return {input->Flag(), AnyDuration(input), input->Byte()};
}

void AnyCached(FuzzInput* input, tcp::TcpCachedState* cached) {
  cached->keepalive_enabled = input->Flag();
  cached->nagle_enabled = input->Flag();
  cached->ttl_or_hop_limit = input->Byte();
  cached->tos_or_traffic_class = input->Byte();
  cached->user_priority = input->Byte();
  cached->flow_label = input->Word();
  cached->initial_rcv_wnd = input->Flag() ? input->Word() : input->Short();
  cached->rcv_indication_size = input->Word();
  cached->ka_probe_count = input->Byte();
  cached->ka_timeout = AnyDuration(input);
  cached->ka_interval = AnyDuration(input);
  cached->max_rt = AnyDuration(input);
}

void AnyDelegated(FuzzInput* input, tcp::TcpDelegatedState* d) {
  d->state = static_cast<tcp::ConnectionState>(input->Byte() % 16);
  d->fin_queued = input->Flag();
  d->rcv_nxt = SeqNum(input->Offset());
  d->rcv_wnd = input->Offset();
  d->snd_una = SeqNum(input->Offset());
  d->snd_max = d->snd_una + input->Offset();
  d->snd_nxt = d->snd_una + input->Offset();
  d->snd_wnd = input->Offset();
  d->max_snd_wnd = input->Offset();
  d->snd_wl1 = SeqNum(input->Offset());
  d->cwnd = input->Word();
  d->ssthresh = input->Word();
  d->srtt = AnyDuration(input);
  d->rttvar = AnyDuration(input);
  d->ts_recent = input->Word();
  d->ts_recent_age = AnyDuration(input);
  d->ts_time = input->Word();
  d->ts_floor = input->Word();
  // The daemon's own clock, not the giver's.
  if (input->Flag()) d->ts_time_at = kNow - Duration::Millis(input->Short());
  d->total_rt = AnyDuration(input);
  d->dup_ack_count = input->Byte();
  d->snd_wnd_probe_count = input->Byte();
  d->keepalive = AnyTimer(input);
  d->retransmit = AnyTimer(input);
}

tcp::TcpState AnyState(FuzzInput* input) {
  tcp::TcpState state;
  tcp::TcpConstState& constant = state.constant;
  constant.timestamps_enabled = input->Flag();
  constant.sack_enabled = input->Flag();
  constant.window_scaling_enabled = input->Flag();
  constant.snd_wind_scale = input->Byte() % 32;
  constant.rcv_wind_scale = input->Byte() % 32;
  if (input->Flag()) constant.timestamp_unit = tcp::TimestampUnit::kMicrosecond;
  constant.remote_mss = input->Short();
  constant.local_port = input->Short();
  constant.remote_port = input->Short();
  constant.hash_value = input->Word();
  AnyCached(input, &state.cached);
  AnyDelegated(input, &state.delegated);
  return state;
}

class Handed {
 public:
  explicit Handed(FuzzInput* input)
      : parameters_(input->Flag() ? tcp::LinuxProfile()
                                  : tcp::ChimneyProfile()) {
    tcp::Prepare(tcb_, store_.view(&parameters_), input->Flag(),
                 input->Short());
    state_ = AnyState(input);
    for (int count = input->Byte() % 4; count > 0; --count) {
      tcp::SendRecord* record = send_memory_.Make(
          std::vector<uint8_t>(input->UpTo(4'000)), 0, input->Flag());
      if (input->Flag()) record->acked_bytes = input->UpTo(5'000);
      send_.PushBack(record);
    }
    SeqNum next = state_.delegated.rcv_nxt - input->UpTo(6'000);
    for (int count = input->Byte() % 3; count > 0; --count) {
      const uint32_t bytes = input->UpTo(3'000);
      Require(store_.Append(next, std::vector<uint8_t>(bytes), &receive_));
      next = next + bytes + (input->Byte() == 1 ? 1u : 0u);
    }
  }
  ~Handed() {
    store_.FreeAll(&receive_);
    Retire(&send_);
  }

  void Run() {
    const size_t before = Bytes();
    if (!tcp::Import(tcb_, kNow, state_, send_, receive_)) {
      Require(Bytes() == before);
      Require(tcb_.state() == tcp::ConnectionState::kClosed);
      Require(!tcp::HasOutput(tcb_) && tcp::NextDeadline(tcb_).IsNever());
      return;
    }
    Require(send_.empty() && receive_.empty());
    Require(tcp::CheckInvariants(tcb_) == nullptr);
    NumbersAreKept();
    Live();
    TakeBack();
    Require(store_.Leftovers().empty());
  }

 private:
  static void Retire(testing::SendMemory* memory, tcp::RecordList* list) {
    while (tcp::SendRecord* record = list->PopFront()) memory->Retire(record);
  }
  void Retire(tcp::RecordList* list) { Retire(&send_memory_, list); }

  size_t Bytes() {
    size_t bytes = 0;
    for (const tcp::SendRecord& record : send_) bytes += record.length;
    for (const tcp::Fragment& fragment : receive_) bytes += fragment.length;
    return bytes;
  }

  void NumbersAreKept() {
    const tcp::TcpDelegatedState& in = state_.delegated;
    const tcp::TcpState now = tcp::Query(tcb_, kNow);
    Require(now.delegated.rcv_nxt == in.rcv_nxt);
    Require(now.delegated.rcv_wnd == in.rcv_wnd);
    Require(now.delegated.snd_una == in.snd_una);
    Require(now.delegated.snd_max == in.snd_max);
    Require(now.delegated.snd_wnd == in.snd_wnd);
    tcp::TcpState masked = state_;
    masked.delegated = now.delegated;
    Require(testing::Difference(masked, now).empty());
  }

  // Long enough for every timer to have its turn.
  void Live() {
    Instant now = kNow;
    for (int turn = 0; turn < 20; ++turn) {
      tcp::OutSegment segment;
      while (tcp::NextSegment(tcb_, now, &segment)) {
        Require(segment.payload_bytes <= 65'535);
        Require(tcp::CheckInvariants(tcb_) == nullptr);
      }
      const Instant deadline = tcp::NextDeadline(tcb_);
      if (deadline.IsNever()) return;
      // No timer is set beyond what arithmetic bears.
      Require(deadline - now <= tcp::kLongestTimer + Duration::Seconds(1));
      if (deadline > now) now = deadline;
      tcp::OnTimer(tcb_, now);
      Require(tcp::CheckInvariants(tcb_) == nullptr);
      if (tcb_.frozen) return;
    }
  }

  void TakeBack() {
    while (tcp::SendRecord* record = tcp::NextCompletedSend(tcb_)) {
      send_memory_.Retire(record);
    }
    tcp::Exported exported;
    tcp::Export(tcb_, kNow, &exported);
    Require(exported.out_of_order.empty());
    store_.FreeAll(&exported.receive_data);
    Retire(&exported.send_data);
  }

  tcp::Parameters parameters_;
  testing::EngineStore store_{2048, 16, 16};
  testing::SendMemory send_memory_;
  tcp::Tcb tcb_;
  tcp::TcpState state_;
  tcp::RecordList send_;
  tcp::FragmentList receive_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Handed(&input).Run();
  return 0;
}
