// SPDX-License-Identifier: BSD-3-Clause
// A connection in any state that can be imported, then any sequence of
// segments, timers and calls of its owner: after each the control block is
// consistent, and in the end nothing is left behind.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/test_tcb.h"

namespace {

using chimney::Duration;
using chimney::Instant;
using chimney::SeqNum;
namespace tcp = chimney::tcp;
namespace testing = chimney::testing;

constexpr int kMaxSteps = 500;

void Require(bool holds) {
  if (!holds) __builtin_trap();
}

// Zeros behind the end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  uint16_t Short() { return static_cast<uint16_t>(Byte() << 8 | Byte()); }
  // Mostly near zero, on either side of it, now and then anywhere.
  uint32_t Offset() {
    const uint8_t kind = Byte();
    if (kind == 0xff) return uint32_t{Short()} << 16 | Short();
    const uint32_t size = kind % 4 == 0 ? Byte() : Short();
    return (kind & 0x80) != 0 ? 0u - size : size;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

tcp::TcpState AnyState(Input* input) {
  constexpr tcp::ConnectionState kStates[] = {
      tcp::ConnectionState::kEstablished, tcp::ConnectionState::kFinWait1,
      tcp::ConnectionState::kFinWait2,    tcp::ConnectionState::kCloseWait,
      tcp::ConnectionState::kClosing,     tcp::ConnectionState::kLastAck};
  tcp::TcpState state = testing::StateAtRest();
  const uint8_t bits = input->Byte();
  state.constant.timestamps_enabled = (bits & 1) != 0;
  state.constant.sack_enabled = (bits & 2) != 0;
  state.constant.window_scaling_enabled = (bits & 4) != 0;
  state.constant.snd_wind_scale = input->Byte() % 15;
  state.constant.rcv_wind_scale = input->Byte() % 15;
  state.constant.remote_mss = input->Short();
  tcp::TcpDelegatedState& d = state.delegated;
  d.state = kStates[input->Byte() % 6];
  d.fin_queued = (bits & 8) != 0;
  d.snd_una = SeqNum(input->Offset());
  d.snd_max = d.snd_una + input->Short() % 9000;
  d.snd_nxt = d.snd_una + input->Short() % 9000;
  d.rcv_nxt = SeqNum(input->Offset());
  d.rcv_wnd = input->Short();
  d.snd_wnd = input->Short();
  d.max_snd_wnd = input->Short();
  d.snd_wl1 = d.rcv_nxt - input->Byte();
  d.cwnd = input->Short();
  d.srtt = Duration::Micros(input->Short());
  d.dup_ack_count = input->Byte() % 4;
  d.ts_recent = input->Offset();
  d.ts_time = input->Offset();
  d.retransmit.running = (bits & 16) != 0;
  d.retransmit.delta = Duration::Millis(input->Short());
  d.retransmit.count = input->Byte() % 20;
  d.keepalive.running = (bits & 32) != 0;
  state.cached.keepalive_enabled = (bits & 64) != 0;
  state.cached.nagle_enabled = (bits & 128) != 0;
  return state;
}

testing::WireSegment AnySegment(Input* input, const tcp::Tcb& tcb) {
  testing::WireSegment segment;
  segment.seq = tcb.rcv_nxt().value() + input->Offset();
  segment.ack = tcb.snd_una().value() + input->Offset();
  const uint8_t bits = input->Byte();
  segment.flags = (bits & 0x80) != 0 ? input->Byte() : testing::kAck;
  segment.raw_window = (bits & 1) != 0 ? input->Short() : uint16_t{60'000};
  if ((bits & 2) != 0) segment.payload.resize(input->Short() % 3000);
  if ((bits & 4) != 0 || tcb.constant.timestamps_enabled) {
    segment.timestamps = testing::WireSegment::Timestamps{
        tcb.ts.recent + input->Byte(), tcb.ts.sent_max - input->Byte()};
  }
  const int blocks = (bits >> 3) % 4;
  for (int i = 0; i < blocks; ++i) {
    const uint32_t left = tcb.snd_una().value() + input->Offset();
    segment.sack.push_back({left, left + input->Short()});
  }
  return segment;
}

class Connection {
 public:
  explicit Connection(Input* input)
      : input_(input),
        host_(input->Byte() % 2 == 0 ? tcp::LinuxProfile()
                                     : tcp::ChimneyProfile(),
              {.chunk_bytes = 2048, .chunk_count = 32, .fragment_count = 24}) {}

  bool Begin() {
    const tcp::TcpState state = AnyState(input_);
    const std::vector<uint8_t> unacked(input_->Short() % 20'000);
    const std::vector<uint8_t> unread(input_->Short() % 5'000);
    return host_.Import(now_, state, unacked, unread,
                        1 + input_->Short() % 5'000);
  }
  void Step() {
    tcp::Tcb& tcb = host_.tcb();
    switch (input_->Byte() % 10) {
      case 0:
      case 1:
      case 2:
        host_.Feed(now_, AnySegment(input_, tcb));
        break;
      case 3:
        tcp::OnSend(tcb, now_,
                    host_.send_memory().Make(
                        std::vector<uint8_t>(input_->Short() % 6'000), sends_++,
                        (input_->Byte() & 1) != 0));
        break;
      case 4:
        host_.Read(now_, input_->Short());
        break;
      case 5:
        Advance(now_ + Duration::Micros(int64_t{input_->Short()} * 10));
        break;
      case 6:
        if (!tcp::NextDeadline(tcb).IsNever()) Advance(tcp::NextDeadline(tcb));
        break;
      case 7:
        tcp::OnDisconnect(tcb, now_, input_->Byte() == 0);
        break;
      case 8:
        Update();
        break;
      default:
        tcp::FlushOwedAck(tcb);
        break;
    }
    Require(tcp::CheckInvariants(tcb) == nullptr);
    host_.Pull(now_);
    Require(!tcp::HasOutput(tcb));
    Require(tcp::CheckInvariants(tcb) == nullptr);
  }
  void End() {
    host_.Pull(now_);
    tcp::Discard(host_.tcb());
    Require(host_.store().Leftovers().empty());
  }

 private:
  void Advance(Instant to) {
    if (to > now_) now_ = to;
    tcp::OnTimer(host_.tcb(), now_);
    Require(host_.tcb().frozen || tcp::NextDeadline(host_.tcb()) > now_);
  }
  void Update() {
    tcp::TcpCachedState cached = host_.tcb().cached;
    cached.initial_rcv_wnd = input_->Short();
    cached.nagle_enabled = (input_->Byte() & 1) != 0;
    cached.keepalive_enabled = (input_->Byte() & 1) != 0;
    tcp::OnUpdate(host_.tcb(), now_, cached, input_->Short());
  }

  Input* input_;
  testing::TestTcb host_;
  Instant now_ = Instant::FromNanos(1'000'000'000'000);
  uint64_t sends_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Connection connection(&input);
  if (!connection.Begin()) return 0;
  for (int step = 0; step < kMaxSteps && !input.empty(); ++step) {
    connection.Step();
  }
  connection.End();
  return 0;
}
