// SPDX-License-Identifier: BSD-3-Clause
// A connection in any state that can be handed over, then any sequence of
// segments, timers, calls of its owner and hand-overs. After each step the
// control block is consistent, what was told the peer stands, every byte is the
// one that belongs at its place, and in the end nothing is left behind.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/fuzz/fuzz_input.h"
#include "tests/support/state_comparison.h"
#include "tests/support/test_tcb.h"

namespace {

using chimney::Duration;
using chimney::Instant;
using chimney::SeqNum;
using chimney::testing::FuzzInput;
using chimney::testing::Require;
namespace tcp = chimney::tcp;
namespace testing = chimney::testing;

constexpr int kMaxSteps = 500;
constexpr uint32_t kMaxWindowBytes = 65535u << 14;

// Both streams: the byte with this sequence number.
std::vector<uint8_t> StreamAt(uint32_t seq, size_t count) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(seq * 7 + (seq >> 8));
    ++seq;
  }
  return bytes;
}

struct Start {
  tcp::TcpState state;
  uint32_t queued_bytes = 0;
  uint32_t unread_bytes = 0;
};

bool IsFinState(tcp::ConnectionState state) {
  return state == tcp::ConnectionState::kFinWait1 ||
         state == tcp::ConnectionState::kClosing ||
         state == tcp::ConnectionState::kLastAck;
}

// SND.UNA .. SND.NXT .. SND.MAX within what is queued, a FIN included.
void AnySendSide(FuzzInput* input, Start* start) {
  tcp::TcpDelegatedState& d = start->state.delegated;
  d.snd_una = SeqNum(input->Offset());
  uint32_t sent = 0;
  if (d.state != tcp::ConnectionState::kFinWait2) {
    start->queued_bytes = input->UpTo(20'000);
    sent = input->UpTo(start->queued_bytes + (IsFinState(d.state) ? 1 : 0));
    if (input->Flag()) sent = start->queued_bytes;
  }
  d.snd_max = d.snd_una + sent;
  d.snd_nxt = input->Flag() ? d.snd_max : d.snd_una + input->UpTo(sent);
  d.snd_wnd = input->Flag() ? input->UpTo(kMaxWindowBytes) : input->Short();
  d.max_snd_wnd = input->Flag() ? d.snd_wnd : input->Short();
  d.cwnd = input->Short();
  if (input->Flag()) d.ssthresh = input->Short();
  d.dup_ack_count = input->Byte() % 4;
  d.snd_wnd_probe_count = input->Byte() % 16;
  d.srtt = Duration::Micros(input->Short());
  d.rttvar = Duration::Micros(input->Short());
  d.total_rt = Duration::Millis(input->Short());
}

void AnyTimers(FuzzInput* input, tcp::TcpState* state) {
  tcp::TcpDelegatedState& d = state->delegated;
  d.retransmit.running = input->Flag();
  d.retransmit.delta = Duration::Millis(input->Short());
  d.retransmit.count = input->Byte() % 20;
  d.keepalive.running = input->Flag();
  d.keepalive.delta = Duration::Millis(input->Short());
  d.keepalive.count = input->Byte() % 12;
  state->cached.keepalive_enabled = input->Flag();
  state->cached.max_rt = Duration::Millis(input->Short());
}

// Everything that an initiate may bring (R43-R54).
Start AnyStart(FuzzInput* input) {
  constexpr tcp::ConnectionState kStates[] = {
      tcp::ConnectionState::kEstablished, tcp::ConnectionState::kFinWait1,
      tcp::ConnectionState::kFinWait2,    tcp::ConnectionState::kCloseWait,
      tcp::ConnectionState::kClosing,     tcp::ConnectionState::kLastAck};
  Start start;
  start.state = testing::StateAtRest();
  tcp::TcpConstState& constant = start.state.constant;
  const uint8_t bits = input->Byte();
  constant.timestamps_enabled = (bits & 1) != 0;
  constant.sack_enabled = (bits & 2) != 0;
  constant.window_scaling_enabled = (bits & 4) != 0;
  if (constant.window_scaling_enabled) {
    constant.snd_wind_scale = input->Byte() % 15;
    constant.rcv_wind_scale = input->Byte() % 15;
  }
  if ((bits & 8) != 0) {
    constant.timestamp_unit = tcp::TimestampUnit::kMicrosecond;
  }
  constant.remote_mss = input->Short();
  tcp::TcpDelegatedState& d = start.state.delegated;
  d.state = kStates[input->Byte() % 6];
  d.fin_queued = (bits & 16) != 0;
  start.state.cached.nagle_enabled = (bits & 32) != 0;
  start.state.cached.initial_rcv_wnd = input->UpTo(100'000);
  AnySendSide(input, &start);
  start.unread_bytes = input->UpTo(5'000);
  d.rcv_nxt = SeqNum(input->Offset());
  d.rcv_wnd = input->Short();
  d.snd_wl1 = d.rcv_nxt - input->Byte();
  d.ts_recent = input->Offset();
  d.ts_recent_age = Duration::Millis(input->Short());
  d.ts_time = input->Offset();
  AnyTimers(input, &start.state);
  return start;
}

class Connection {
 public:
  explicit Connection(FuzzInput* input)
      : input_(input),
        host_(input->Flag() ? tcp::LinuxProfile() : tcp::ChimneyProfile(),
              {.chunk_bytes = 2048, .chunk_count = 32, .fragment_count = 24}) {}

  void Begin() {
    const Start start = AnyStart(input_);
    const tcp::TcpDelegatedState& d = start.state.delegated;
    written_end_ = d.snd_una.value() + start.queued_bytes;
    const bool fin_received = d.state == tcp::ConnectionState::kCloseWait ||
                              d.state == tcp::ConnectionState::kClosing ||
                              d.state == tcp::ConnectionState::kLastAck;
    read_seq_ = d.rcv_nxt.value() - (fin_received ? 1 : 0) - start.unread_bytes;
    Require(host_.Import(
        now_, start.state, StreamAt(d.snd_una.value(), start.queued_bytes),
        StreamAt(read_seq_, start.unread_bytes), 200 + input_->UpTo(5'000)));
    seen_ = Seen{d.snd_una, d.rcv_nxt, d.rcv_nxt + d.rcv_wnd};
    Judge();
  }

  // False once there is no connection any more.
  bool Step() {
    tcp::Tcb& tcb = host_.tcb();
    switch (input_->Byte() % 12) {
      case 0:
      case 1:
      case 2:
      case 3:
        host_.Feed(now_, AnySegment());
        break;
      case 4:
        Send();
        break;
      case 5:
        Read(input_->Short());
        break;
      case 6:
        Advance(now_ + Duration::Micros(int64_t{input_->Short()} * 10));
        break;
      case 7:
        if (!tcp::NextDeadline(tcb).IsNever()) Advance(tcp::NextDeadline(tcb));
        break;
      case 8:
        tcp::OnDisconnect(tcb, now_, input_->Byte() == 0);
        break;
      case 9:
        Update();
        break;
      case 10:
        if (!HandOver()) return false;
        break;
      default:
        tcp::FlushOwedAck(tcb);
        break;
    }
    Judge();
    return true;
  }

  void End() {
    Pull();
    host_.Discard();
    Require(host_.store().Leftovers().empty());
  }

 private:
  // What only ever moves forward.
  struct Seen {
    SeqNum snd_una;
    SeqNum rcv_nxt;
    SeqNum edge;
  };

  void Judge() {
    tcp::Tcb& tcb = host_.tcb();
    Require(tcp::CheckInvariants(tcb) == nullptr);
    Pull();
    Require(!tcp::HasOutput(tcb));
    Require(tcp::CheckInvariants(tcb) == nullptr);
    if (tcb.state() == tcp::ConnectionState::kClosed) return;
    const Seen now{tcb.snd_una(), tcb.rcv_nxt(), tcb.rcv_nxt() + tcb.rcv_wnd()};
    Require(!now.snd_una.Before(seen_.snd_una));
    Require(!now.rcv_nxt.Before(seen_.rcv_nxt));
    Require(!now.edge.Before(seen_.edge));
    seen_ = now;
  }

  void Pull() {
    const tcp::Tcb& tcb = host_.tcb();
    for (const testing::WireSegment& segment : host_.Pull(now_)) {
      const size_t bytes = segment.payload.size();
      Require(segment.payload == StreamAt(segment.seq, bytes));
      Require(bytes == 0 ||
              !SeqNum(written_end_)
                   .Before(SeqNum(segment.seq) + static_cast<uint32_t>(bytes)));
      if (segment.Has(testing::kRst)) continue;
      Require(segment.Has(testing::kAck));
      Require(segment.ack == tcb.rcv_nxt().value());
      Require(bytes == 0 || !tcb.snd_max().Before(SeqNum(segment.EndSeq())));
      Require(segment.timestamps.has_value() ==
              tcb.constant.timestamps_enabled);
      Require(segment.sack.empty() || tcb.constant.sack_enabled);
    }
  }

  testing::WireSegment AnySegment() {
    const tcp::Tcb& tcb = host_.tcb();
    testing::WireSegment segment;
    segment.seq = tcb.rcv_nxt().value() + input_->Offset();
    segment.ack = tcb.snd_una().value() + input_->Offset();
    const uint8_t bits = input_->Byte();
    segment.flags = (bits & 0x80) != 0 ? input_->Byte() : testing::kAck;
    segment.raw_window = (bits & 1) != 0 ? input_->Short() : uint16_t{60'000};
    if ((bits & 2) != 0) {
      segment.payload = StreamAt(segment.seq, input_->UpTo(3'000));
    }
    if ((bits & 4) != 0 || tcb.constant.timestamps_enabled) {
      segment.timestamps = testing::WireSegment::Timestamps{
          tcb.ts.recent + input_->Byte(), tcb.ts.sent_max - input_->Byte()};
    }
    for (int blocks = (bits >> 3) % 4; blocks > 0; --blocks) {
      const uint32_t left = tcb.snd_una().value() + input_->Offset();
      segment.sack.push_back({left, left + input_->Short()});
    }
    return segment;
  }

  void Send() {
    tcp::Tcb& tcb = host_.tcb();
    const uint32_t count = input_->UpTo(6'000);
    tcp::SendRecord* record = host_.send_memory().Make(
        StreamAt(written_end_, count), sends_++, input_->Flag());
    const uint64_t before = tcb.unacked_send_bytes();
    tcp::OnSend(tcb, now_, record);
    // Refused ones come back as aborted (R108).
    if (tcb.unacked_send_bytes() != before) written_end_ += count;
  }

  void Read(size_t max) {
    const std::vector<uint8_t> bytes = host_.Read(now_, max);
    Require(bytes == StreamAt(read_seq_, bytes.size()));
    read_seq_ += static_cast<uint32_t>(bytes.size());
  }

  void Advance(Instant to) {
    if (to > now_) now_ = to;
    tcp::OnTimer(host_.tcb(), now_);
    Require(host_.tcb().frozen || tcp::NextDeadline(host_.tcb()) > now_);
  }

  void Update() {
    tcp::TcpCachedState cached = host_.tcb().cached;
    cached.initial_rcv_wnd = input_->Short();
    cached.nagle_enabled = input_->Flag();
    cached.keepalive_enabled = input_->Flag();
    tcp::OnUpdate(host_.tcb(), now_, cached, input_->Short());
  }

  // Export, then import is the identity (R101-R103); what was out of order
  // comes again from the peer.
  bool HandOver() {
    tcp::Tcb& tcb = host_.tcb();
    const tcp::TcpState before = tcp::Query(tcb, now_);
    const bool frozen = tcb.frozen;
    tcp::Exported exported;
    tcp::Export(tcb, now_, &exported);
    Require(testing::Difference(before, exported.state).empty());
    Require(!tcp::HasOutput(tcb) && tcp::NextDeadline(tcb).IsNever());
    host_.store().FreeAll(&exported.out_of_order);
    const bool ended =
        before.delegated.state == tcp::ConnectionState::kClosed ||
        before.delegated.state == tcp::ConnectionState::kTimeWait;
    Require(tcp::Import(tcb, now_, exported.state, exported.send_data,
                        exported.receive_data) == !ended);
    if (ended) {
      host_.store().FreeAll(&exported.receive_data);
      while (tcp::SendRecord* record = exported.send_data.PopFront()) {
        host_.send_memory().Retire(record);
      }
      return false;
    }
    Require(exported.send_data.empty() && exported.receive_data.empty());
    const tcp::TcpState after = tcp::Query(tcb, now_);
    // No timer is started for what is queued while the engine waits for the
    // upload; whoever takes over starts it.
    if (frozen)
      exported.state.delegated.retransmit = after.delegated.retransmit;
    Require(testing::Difference(exported.state, after).empty());
    return true;
  }

  FuzzInput* input_;
  testing::TestTcb host_;
  Instant now_ = Instant::FromNanos(1'000'000'000'000);
  uint64_t sends_ = 0;
  uint32_t written_end_ = 0;  // of our stream
  uint32_t read_seq_ = 0;     // of the peer's, next byte to read
  Seen seen_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Connection connection(&input);
  connection.Begin();
  int steps = 0;
  while (steps++ < kMaxSteps && !input.empty() && connection.Step()) {
  }
  connection.End();
  return 0;
}
