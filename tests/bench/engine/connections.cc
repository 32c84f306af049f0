// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/engine/connections.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <random>

namespace chimney::bench {
namespace {

constexpr uint32_t kChunkBytes = 2048;
constexpr uint32_t kChunks = 2 * kMostPrepared;
constexpr uint32_t kPathMtuBytes = 1500;
constexpr uint16_t kRawWindow = 0xffff;

}  // namespace

tcp::TcpState StateAtRest() {
  tcp::TcpState state;
  tcp::TcpConstState& constant = state.constant;
  constant.timestamps_enabled = true;
  constant.sack_enabled = true;
  constant.window_scaling_enabled = true;
  constant.snd_wind_scale = 7;
  constant.rcv_wind_scale = 7;
  constant.remote_mss = 1460;
  state.cached.initial_rcv_wnd = 4u << 20;
  tcp::TcpDelegatedState& d = state.delegated;
  d.snd_una = d.snd_nxt = d.snd_max = SeqNum(0x7000'0000);
  d.rcv_nxt = d.snd_wl1 = SeqNum(0x1000'0000);
  d.rcv_wnd = 4u << 20;
  d.snd_wnd = d.max_snd_wnd = uint32_t{kRawWindow} << constant.snd_wind_scale;
  d.cwnd = 100 * kMss;
  d.ssthresh = 50 * kMss;
  d.srtt = Duration::Micros(200);
  d.rttvar = Duration::Micros(50);
  d.ts_recent = 1000;
  return state;
}

Connections::Connections(size_t count)
    : count_(count),
      parameters_(tcp::LinuxProfile()),
      payload_(kMss, 0x5a),
      memory_(size_t{kChunkBytes} * kChunks),
      chunks_(memory_.data(), kChunkBytes, kChunks),
      fragments_(kChunks),
      flight_ranges_(4 * kMostPrepared),
      records_(4 * kMostPrepared),
      outgoing_(static_cast<uint32_t>(count)),
      reassemblies_(static_cast<uint32_t>(count)),
      histories_(static_cast<uint32_t>(count)),
      store_{&chunks_,       &fragments_, &flight_ranges_, &outgoing_,
             &reassemblies_, &histories_, &parameters_},
      tcbs_(new tcp::Tcb[count]),
      order_(count) {
  const tcp::TcpState state = StateAtRest();
  for (size_t i = 0; i < count; ++i) {
    tcp::RecordList no_sends;
    tcp::FragmentList no_data;
    tcp::Prepare(tcbs_[i], store(), false, kPathMtuBytes);
    if (!tcp::Import(tcbs_[i], now_, state, no_sends, no_data)) std::abort();
  }
  std::iota(order_.begin(), order_.end(), 0u);
  std::shuffle(order_.begin(), order_.end(), std::minstd_rand(1));
}

Connections::~Connections() {
  for (size_t i = 0; i < count_; ++i) {
    AcknowledgeAll(tcbs_[i]);
    tcp::Discard(tcbs_[i]);
  }
}

packet::Segment Connections::FromPeer(const tcp::Tcb& tcb, ByteSpan payload,
                                      uint32_t data_ahead) const {
  packet::Segment segment;
  segment.seq = tcb.rcv_nxt() + data_ahead;
  segment.ack = tcb.snd_max();
  segment.flags = packet::kTcpAck;
  segment.raw_window = kRawWindow;
  segment.options.has_timestamps = true;
  segment.options.tsval = tcb.ts.recent;
  segment.options.tsecr = tcb.ts.sent_max;
  segment.payload = payload;
  return segment;
}

tcp::SendRecord* Connections::MakeSend(uint32_t bytes) {
  tcp::SendRecord* record = records_.Allocate();
  if (record == nullptr) std::abort();
  record->data = payload_.data();
  record->length = bytes;
  return record;
}

void Connections::SendAll(tcp::Tcb& tcb) {
  tcp::OutSegment segment;
  while (tcp::NextSegment(tcb, now_, &segment)) {
  }
}

void Connections::Collect(tcp::Tcb& tcb) {
  while (tcp::SendRecord* record = tcp::NextCompletedSend(tcb)) {
    records_.Free(record);
  }
}

void Connections::Deliver(tcp::Tcb& tcb) {
  uint32_t bytes = 0;
  while (tcp::Fragment* fragment = tcb.receive_queue().PopFront()) {
    bytes += fragment->length;
    chunks_.Release(fragment->chunk);
    fragments_.Free(fragment);
  }
  if (bytes != 0) tcp::OnReceiveConsumed(tcb, now_, bytes);
}

void Connections::AcknowledgeAll(tcp::Tcb& tcb) {
  SendAll(tcb);
  while (tcb.snd_una() != tcb.snd_max()) {
    tcp::OnSegment(tcb, now_, FromPeer(tcb, {}));
    SendAll(tcb);
  }
  Collect(tcb);
}

}  // namespace chimney::bench
