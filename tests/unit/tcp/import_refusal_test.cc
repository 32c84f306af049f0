// SPDX-License-Identifier: BSD-3-Clause
// States that no connection can be in are refused whole (R43-R50): the numbers
// of RFC 9293 section 3.3.1 and RFC 7323 section 2.3 contradict each other, or
// the data do not fit to them.
#include "tests/unit/tcp/engine_fixture.h"

namespace chimney::tcp {
namespace {

// The largest window that RFC 7323 section 2.3 can tell.
constexpr uint32_t kWidest = 65535u << 14;

class ImportRefusal : public EngineTest {
 protected:
  bool Takes(uint32_t send_bytes = 0) {
    testing::TestTcb host(params, memory);
    const bool taken = host.Import(now, state, Stream(send_bytes));
    if (!taken) {
      EXPECT_EQ(host.tcb().state(), ConnectionState::kClosed);
      EXPECT_EQ(host.send_memory().live(), 0u);
    }
    host.Discard();
    EXPECT_EQ(host.store().Leftovers(), "");
    return taken;
  }
  // Data or a FIN in flight.
  void Outstanding(uint32_t bytes) { InFlight(bytes); }
};

TEST_F(ImportRefusal, ATcbThatWasNotPrepared) {
  Tcb empty;
  RecordList send_data;
  FragmentList receive_data;
  EXPECT_FALSE(Import(empty, now, state, send_data, receive_data));
  testing::TestTcb host(params, memory);
  ConnectionStore store = *host.store().view(&params);
  store.fragments = nullptr;
  Prepare(empty, &store, false, 1500);
  EXPECT_FALSE(Import(empty, now, state, send_data, receive_data));
  store = *host.store().view(&params);
  store.chunks = nullptr;
  Prepare(empty, &store, false, 1500);
  EXPECT_FALSE(Import(empty, now, state, send_data, receive_data));
}

TEST_F(ImportRefusal, OnlyTheSixStatesOfR43) {
  const std::pair<ConnectionState, bool> kStates[] = {
      {ConnectionState::kClosed, false},
      {ConnectionState::kListen, false},
      {ConnectionState::kSynSent, false},
      {ConnectionState::kSynReceived, false},
      {ConnectionState::kEstablished, true},
      {ConnectionState::kFinWait1, true},
      {ConnectionState::kFinWait2, true},
      {ConnectionState::kCloseWait, true},
      {ConnectionState::kClosing, true},
      {ConnectionState::kLastAck, true},
      {ConnectionState::kTimeWait, false},
      {static_cast<ConnectionState>(200), false}};
  for (const auto& [kind, allowed] : kStates) {
    state.delegated.state = kind;
    EXPECT_EQ(Takes(), allowed) << ConnectionStateName(kind);
  }
}

TEST_F(ImportRefusal, SndNxtOutsideTheFlight) {
  Outstanding(100);
  EXPECT_TRUE(Takes(100));
  state.delegated.snd_nxt = state.delegated.snd_max + 1;
  EXPECT_FALSE(Takes(101));
  state.delegated.snd_nxt = state.delegated.snd_una - 1;
  EXPECT_FALSE(Takes(101));
}

TEST_F(ImportRefusal, MoreInFlightThanThereAreBytes) {
  Outstanding(101);
  EXPECT_FALSE(Takes(100));
  state.delegated.state = ConnectionState::kCloseWait;
  EXPECT_FALSE(Takes(100));
  // The FIN is one more, if one was sent.
  state.delegated.state = ConnectionState::kLastAck;
  EXPECT_TRUE(Takes(100));
  Outstanding(102);
  EXPECT_FALSE(Takes(100));
}

TEST_F(ImportRefusal, AnythingInFlightBehindAnAcknowledgedFin) {
  state.delegated.state = ConnectionState::kFinWait2;
  EXPECT_TRUE(Takes());
  EXPECT_FALSE(Takes(1));
  Outstanding(1);
  EXPECT_FALSE(Takes(0));
}

TEST_F(ImportRefusal, SndMaxBeforeSndUna) {
  state.delegated.snd_max = state.delegated.snd_una - 1;
  state.delegated.snd_nxt = state.delegated.snd_max;
  EXPECT_FALSE(Takes());
}

// RFC 7323 section 2.3: no window above 2^30.
TEST_F(ImportRefusal, WindowsAndShiftsBeyondTheirLimit) {
  const TcpState sound = state;
  const auto refused = [this, &sound](auto change) {
    state = sound;
    change(&state);
    const bool taken = Takes();
    state = sound;
    return !taken;
  };
  EXPECT_FALSE(refused([](TcpState* s) { s->delegated.rcv_wnd = kWidest; }));
  EXPECT_TRUE(refused([](TcpState* s) { s->delegated.rcv_wnd = kWidest + 1; }));
  EXPECT_TRUE(refused([](TcpState* s) { s->delegated.snd_wnd = kWidest + 1; }));
  EXPECT_TRUE(
      refused([](TcpState* s) { s->delegated.max_snd_wnd = kWidest + 1; }));
  EXPECT_TRUE(
      refused([](TcpState* s) { s->cached.initial_rcv_wnd = kWidest + 1; }));
  EXPECT_FALSE(refused([](TcpState* s) { s->constant.snd_wind_scale = 14; }));
  EXPECT_TRUE(refused([](TcpState* s) { s->constant.snd_wind_scale = 15; }));
  EXPECT_FALSE(refused([](TcpState* s) { s->constant.rcv_wind_scale = 14; }));
  EXPECT_TRUE(refused([](TcpState* s) { s->constant.rcv_wind_scale = 15; }));
}

class ImportedData : public EngineTest {
 protected:
  void SetUp() override {
    host_ = std::make_unique<testing::TestTcb>(params, memory);
    Prepare(tcb(), host_->store().view(&params), false, 1500);
  }
  void TearDown() override {
    host_->store().FreeAll(&receive_);
    while (SendRecord* record = send_.PopFront()) {
      host_->send_memory().Retire(record);
    }
    EXPECT_EQ(host_->store().Leftovers(), "");
  }
  SendRecord* Record(size_t bytes, uint32_t acked) {
    SendRecord* record =
        host_->send_memory().Make(Stream(bytes), written_++, true);
    record->acked_bytes = acked;
    send_.PushBack(record);
    return record;
  }
  bool Taken() { return Import(tcb(), now, state, send_, receive_); }

  RecordList send_;
  FragmentList receive_;
};

// R48: only the first piece of the send data may be partly acknowledged.
TEST_F(ImportedData, AcknowledgedBytesStandOnlyInTheFirstRecord_R48) {
  Record(10, 3);
  SendRecord* second = Record(10, 1);
  EXPECT_FALSE(Taken());
  second->acked_bytes = 11;
  EXPECT_FALSE(Taken());
  second->acked_bytes = 0;
  EXPECT_TRUE(Taken());
  EXPECT_EQ(tcb().unacked_send_bytes(), 17u);
  Exported out;
  Export(tcb(), now, &out);
  send_.SpliceBack(&out.send_data);
}

TEST_F(ImportedData, ARecordIsNotAcknowledgedBeyondItsEnd) {
  Record(10, 11);
  EXPECT_FALSE(Taken());
}

// R110: such a record is complete, and first, since nothing stands before it.
TEST_F(ImportedData, AFirstRecordThatIsDoneCompletesAtOnce_R110) {
  SendRecord* done = Record(10, 10);
  Record(0, 0);
  Record(5, 0);
  ASSERT_TRUE(Taken());
  EXPECT_STREQ(CheckInvariants(tcb()), nullptr);
  EXPECT_EQ(tcb().unacked_send_bytes(), 5u);
  EXPECT_EQ(NextCompletedSend(tcb()), done);
  host_->send_memory().Retire(done);
  SendRecord* empty = NextCompletedSend(tcb());
  ASSERT_NE(empty, nullptr);
  host_->send_memory().Retire(empty);
  EXPECT_EQ(NextCompletedSend(tcb()), nullptr);
  Exported out;
  Export(tcb(), now, &out);
  send_.SpliceBack(&out.send_data);
}

TEST_F(ImportedData, ReceivedDataWithAGapAreRefused) {
  const SeqNum end = state.delegated.rcv_nxt;
  host_->store().Append(end - 20, Stream(5), &receive_);
  host_->store().Append(end - 10, Stream(10), &receive_);
  EXPECT_FALSE(Taken());
}

}  // namespace
}  // namespace chimney::tcp
