// SPDX-License-Identifier: BSD-3-Clause
// A connection under a virtual clock, talked to segment by segment. We send
// from 1000, the peer from 5000; both windows are 65,535 bytes; MSS 1460.
#ifndef CHIMNEY_TESTS_UNIT_TCP_ENGINE_FIXTURE_H_
#define CHIMNEY_TESTS_UNIT_TCP_ENGINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tcp/engine.h"
#include "tests/support/test_tcb.h"

namespace chimney::tcp {

using testing::WireSegment;
using Bytes = std::vector<uint8_t>;

inline constexpr uint32_t kOurs = 1000;
inline constexpr uint32_t kTheirs = 5000;
inline constexpr uint32_t kMss = 1460;

// Byte i of a stream.
inline Bytes Stream(size_t count, size_t from = 0) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<uint8_t>((from + i) * 31 + 7);
  }
  return bytes;
}

class EngineTest : public ::testing::Test {
 protected:
  // Imports `state`, changed by the test before.
  void Start(const Bytes& unacked = {}, const Bytes& unread = {},
             uint32_t record_bytes = 1u << 20) {
    host_ = std::make_unique<testing::TestTcb>(params, memory);
    written_ = unacked.size();
    ASSERT_TRUE(host_->Import(now, state, unacked, unread, record_bytes));
    Check();
  }
  void TearDown() override {
    if (host_ == nullptr) return;
    Check();
    host_->Discard();
    EXPECT_EQ(host_->store().Leftovers(), "");
    EXPECT_EQ(host_->store().parts_in_use(), 0u);
  }
  void Check() { EXPECT_STREQ(CheckInvariants(tcb()), nullptr); }

  // Puts unacknowledged data in flight before Start.
  void InFlight(uint32_t bytes) {
    state.delegated.snd_nxt = state.delegated.snd_una + bytes;
    state.delegated.snd_max = state.delegated.snd_nxt;
  }

  Outcome Feed(const WireSegment& segment) {
    last_ = host_->Feed(now, segment);
    Check();
    return last_;
  }
  std::vector<WireSegment> Pull() {
    std::vector<WireSegment> segments = host_->Pull(now);
    Check();
    return segments;
  }
  // Exactly one segment, or a failure and an empty one.
  WireSegment PullOne() {
    const std::vector<WireSegment> segments = Pull();
    EXPECT_EQ(segments.size(), 1u);
    return segments.size() == 1 ? segments[0] : WireSegment{};
  }
  Outcome Send(size_t count, bool ends_nbl = true) {
    SendRecord* record =
        host_->send_memory().Make(Stream(count, written_), written_, ends_nbl);
    written_ += count;
    const Outcome outcome = OnSend(tcb(), now, record);
    Check();
    return outcome;
  }
  Bytes Read(size_t max = 1u << 30) { return host_->Read(now, max); }
  Outcome Close(bool abortive = false) {
    const Outcome outcome = OnDisconnect(tcb(), now, abortive);
    Check();
    return outcome;
  }

  // The next timer of the protocol's runs out and is fired.
  Outcome FireNext() {
    const Instant deadline = NextTimer(tcb());
    EXPECT_FALSE(deadline.IsNever());
    if (deadline.IsNever()) return {};
    now = deadline;
    const Outcome outcome = OnTimer(tcb(), now);
    Check();
    return outcome;
  }
  Outcome FireAfter(Duration delay) {
    now = now + delay;
    const Outcome outcome = OnTimer(tcb(), now);
    Check();
    return outcome;
  }
  Duration UntilDeadline() { return NextTimer(tcb()) - now; }

  // Segments of the peer. Its SEQ is RCV.NXT unless said otherwise.
  WireSegment Ack(uint32_t ack, uint16_t window = 65535) {
    WireSegment segment;
    segment.seq = tcb().rcv_nxt().value();
    segment.ack = ack;
    segment.raw_window = window;
    segment.flags = testing::kAck;
    if (state.constant.timestamps_enabled) {
      segment.timestamps = WireSegment::Timestamps{tcb().ts.recent, 0};
    }
    return segment;
  }
  // `count` bytes of the peer's stream, which begins at `first_`.
  WireSegment Data(uint32_t offset, uint32_t count) {
    WireSegment segment = Ack(tcb().snd_una().value());
    segment.seq = state.delegated.rcv_nxt.value() + offset;
    segment.payload = Stream(count, offset);
    return segment;
  }
  WireSegment WithSack(WireSegment segment,
                       std::vector<WireSegment::Block> blocks) {
    segment.sack = std::move(blocks);
    return segment;
  }

  Tcb& tcb() { return host_->tcb(); }
  const History& Past() { return testing::HistoryOf(tcb()); }
  const Outgoing& Sending() { return testing::OutgoingOf(tcb()); }

  Parameters params = LinuxProfile();
  testing::TestTcb::Memory memory;
  TcpState state = testing::StateAtRest();
  Instant now = Instant::FromNanos(1'000'000'000'000);
  std::unique_ptr<testing::TestTcb> host_;
  Outcome last_;
  size_t written_ = 0;
};

inline bool Has(const Outcome& outcome, uint32_t event) {
  return (outcome.events & event) != 0;
}

}  // namespace chimney::tcp

#endif  // CHIMNEY_TESTS_UNIT_TCP_ENGINE_FIXTURE_H_
