// SPDX-License-Identifier: BSD-3-Clause
// The oracle of simulators and fuzzers is tested, too: each contradiction that
// it looks for is put into a sound connection, and it names that one.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

// 3,000 of 5,000 bytes in flight; 100 bytes unread, 50 behind a hole.
class Invariants : public EngineTest {
 protected:
  void SetUp() override {
    state.constant.sack_enabled = true;
    state.delegated.snd_wnd = 3'000;
    Start();
    Send(5'000);
    Pull();
    Feed(Data(0, 100));
    Feed(Data(1'000, 50));
  }
  // The test puts everything back itself: what is broken cannot be torn down.
  void Expect(const char* fault) {
    EXPECT_STREQ(CheckInvariants(tcb()), fault);
  }
  // Holds `value` in `place` for one look.
  template <typename T, typename U>
  void With(T& place, U value, const char* fault) {
    const T before = place;
    place = static_cast<T>(value);
    Expect(fault);
    place = before;
    Expect(nullptr);
  }
};

TEST_F(Invariants, SendNumbers) {
  SendState& snd = tcb().snd;
  With(snd.max, snd.una - 1, "SND.MAX before SND.UNA");
  With(snd.max, snd.una + 5'001, "more in flight than the queue holds");
  With(snd.fin_sent, true, "FIN sent but never asked for");
  With(snd.fin_acked, true, "FIN acknowledged but never sent");
  With(snd.mss, 0, "cwnd below one segment");
  With(snd.cwnd, snd.mss - 1, "cwnd below one segment");
  snd.fin_queued = snd.fin_sent = snd.fin_acked = true;
  Expect("data behind our FIN");
  snd.fin_queued = snd.fin_sent = snd.fin_acked = false;
}

TEST_F(Invariants, SendQueue) {
  Outgoing& outgoing = *tcb().outgoing;
  SendRecord* first = outgoing.queue.front();
  With(outgoing.queued_bytes, 4'999, "queued bytes miscounted");
  With(first->acked_bytes, 5'001, "record acked beyond its end");
  With(first->acked_bytes, 5'000, "finished record still queued");
  Send(10);
  SendRecord* second = outgoing.queue.back();
  With(second->acked_bytes, 1, "acked record behind another");
}

TEST_F(Invariants, Flight) {
  // A gap, an empty range and wrong sums cannot be made through its calls; an
  // edge that moves without the flight can.
  SendState& snd = tcb().snd;
  With(snd.una, snd.una + 1, "gap in the flight");
  With(snd.max, snd.max - 1, "flight does not end at SND.MAX");
  With(tcb().outgoing, nullptr, "more in flight than the queue holds");
}

TEST_F(Invariants, AFinInFlightIsNoRest) {
  Start();
  Close();
  Pull();
  With(tcb().outgoing, nullptr, "in flight, yet at rest");
}

TEST_F(Invariants, ReceiveQueue) {
  ReceiveState& rcv = tcb().rcv;
  Fragment* unread = rcv.queue.front();
  With(rcv.edge, rcv.nxt - 1, "right edge before RCV.NXT");
  With(unread->length, 0, "empty fragment");
  With(unread->length, 99, "receive queue does not end at RCV.NXT");
  With(rcv.unread_bytes, 99, "unread bytes miscounted");
  Feed(Data(100, 10));
  With(unread->length, 99, "gap in the receive queue");
  const ChunkIndex unused = memory.chunk_count - 1;
  With(unread->chunk, unused, "freed chunk in use");
}

TEST_F(Invariants, Reassembly) {
  ReceiveState& rcv = tcb().rcv;
  Reassembly& reassembly = *tcb().reassembly;
  Fragment* held = reassembly.out_of_order.front();
  With(held->seq, rcv.nxt, "in-order data not moved");
  With(held->seq, rcv.nxt - 1, "out-of-order data overlap");
  With(held->seq, rcv.edge - 49, "data beyond the window");
  With(reassembly.bytes, 51, "out-of-order bytes miscounted");
  With(reassembly.count, 2, "fragments miscounted");
  const ChunkIndex unused = memory.chunk_count - 1;
  With(held->chunk, unused, "freed chunk in use");
  With(reassembly.sack_blocks[0].start, rcv.nxt, "SACK block reaches RCV.NXT");
}

TEST_F(Invariants, StateAndTimers) {
  With(tcb().connection_state, ConnectionState::kFinWait1,
       "state and sent FIN differ");
  With(tcb().connection_state, ConnectionState::kCloseWait,
       "state and received FIN differ");
  With(tcb().outgoing->timers.retransmit, Instant::Never(),
       "data in flight without a timer");
}

// What waits for its upload has no timer.
TEST_F(Invariants, AFrozenConnectionNeedsNoTimer) {
  const Instant deadline = tcb().outgoing->timers.retransmit;
  tcb().outgoing->timers.retransmit = Instant::Never();
  tcb().frozen = true;
  Expect(nullptr);
  tcb().frozen = false;
  tcb().outgoing->timers.retransmit = deadline;
}

}  // namespace
}  // namespace chimney::tcp
