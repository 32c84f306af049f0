// SPDX-License-Identifier: BSD-3-Clause
// Import, feed, pull and read for tests.
#include "tests/support/test_tcb.h"

#include <algorithm>

#include "tests/support/segment_conversion.h"

namespace chimney::testing {

tcp::TcpState StateAtRest() {
  tcp::TcpState state;
  state.constant.remote_mss = 1460;
  state.cached.initial_rcv_wnd = 65535;
  state.delegated.snd_una = SeqNum(1000);
  state.delegated.snd_nxt = SeqNum(1000);
  state.delegated.snd_max = SeqNum(1000);
  state.delegated.snd_wnd = 65535;
  state.delegated.max_snd_wnd = 65535;
  state.delegated.snd_wl1 = SeqNum(5000);
  state.delegated.rcv_nxt = SeqNum(5000);
  state.delegated.rcv_wnd = 65535;
  return state;
}

const tcp::Outgoing& OutgoingOf(const tcp::Tcb& tcb) {
  static const tcp::Outgoing nothing;
  return tcb.outgoing == nullptr ? nothing : *tcb.outgoing;
}

const tcp::History& HistoryOf(const tcp::Tcb& tcb) {
  static const tcp::History nothing;
  return tcb.history == nullptr ? nothing : *tcb.history;
}

void DiscardAll(tcp::Tcb& tcb) {
  if (tcp::Outgoing* outgoing = tcb.outgoing) {
    outgoing->queue.Clear();
    outgoing->completed.Clear();
  }
  tcp::Discard(tcb);
}

bool TestTcb::Import(Instant now, const tcp::TcpState& state,
                     const std::vector<uint8_t>& unacked,
                     const std::vector<uint8_t>& unread,
                     uint32_t record_bytes) {
  tcp::Prepare(tcb_, store_.view(&parameters_), false, 1500);
  tcp::RecordList send_data;
  for (size_t at = 0; at < unacked.size(); at += record_bytes) {
    const size_t count = std::min<size_t>(record_bytes, unacked.size() - at);
    const auto from = unacked.begin() + static_cast<std::ptrdiff_t>(at);
    send_data.PushBack(send_memory_.Make(
        {from, from + static_cast<std::ptrdiff_t>(count)}, at, true));
  }
  tcp::FragmentList receive_data;
  const tcp::ConnectionState kind = state.delegated.state;
  const bool fin_received = kind == tcp::ConnectionState::kCloseWait ||
                            kind == tcp::ConnectionState::kLastAck ||
                            kind == tcp::ConnectionState::kClosing;
  const SeqNum data_end = state.delegated.rcv_nxt - (fin_received ? 1u : 0u);
  store_.Append(data_end - static_cast<uint32_t>(unread.size()), unread,
                &receive_data);
  const bool imported = tcp::Import(tcb_, now, state, send_data, receive_data);
  store_.FreeAll(&receive_data);
  while (tcp::SendRecord* record = send_data.PopFront()) {
    send_memory_.Retire(record);
  }
  return imported;
}

std::vector<WireSegment> TestTcb::Pull(Instant now) {
  std::vector<WireSegment> segments;
  tcp::OutSegment segment;
  while (tcp::NextSegment(tcb_, now, &segment)) {
    segments.push_back(FromEngine(segment));
  }
  while (tcp::SendRecord* record = tcp::NextCompletedSend(tcb_)) {
    send_memory_.Retire(record);
  }
  return segments;
}

tcp::Outcome TestTcb::Feed(Instant now, const WireSegment& segment) {
  return tcp::OnSegment(tcb_, now, ToEngine(segment));
}

std::vector<uint8_t> TestTcb::Read(Instant now, size_t max) {
  std::vector<uint8_t> bytes;
  tcp::FragmentList& queue = tcb_.receive_queue();
  while (!queue.empty() && bytes.size() < max) {
    tcp::Fragment* fragment = queue.front();
    const auto count = static_cast<uint32_t>(
        std::min<size_t>(fragment->length, max - bytes.size()));
    const ByteSpan span = store_.Bytes(*fragment).first(count);
    bytes.insert(bytes.end(), span.begin(), span.end());
    fragment->seq += count;
    fragment->length -= count;
    fragment->offset_in_chunk += count;
    if (fragment->length == 0) store_.Free(queue.PopFront());
  }
  if (!bytes.empty()) {
    tcp::OnReceiveConsumed(tcb_, now, static_cast<uint32_t>(bytes.size()));
  }
  return bytes;
}

}  // namespace chimney::testing
