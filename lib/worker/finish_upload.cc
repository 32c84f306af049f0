// SPDX-License-Identifier: BSD-3-Clause
// The end of an upload: the kernel runs the connection, what is still here
// follows it, and the flow goes once its session has been told everything.
#include <algorithm>
#include <limits>
#include <utility>

#include "packet/checksum.h"
#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

void Worker::Impl::ExecuteFinishUpload(Instant now, Operation* operation,
                                       Flow* flow) {
  HandOver* hand_over = flow->hand_over;
  if (flow->phase != FlowPhase::kCut || hand_over->finish != nullptr) {
    return Complete(operation, Status::kFailure);
  }
  const tcp::ConnectionState state = hand_over->exported.state.delegated.state;
  if (operation->timeout > Duration() && EndIsRepeated(state) &&
      !hand_over->end_seen) {
    hand_over->finish = operation;
    hand_over->finish_deadline = now + operation->timeout;
    return ArmTimer(flow);
  }
  FinishUpload(now, operation, flow);
}

void Worker::Impl::FinishUpload(Instant now, Operation* operation, Flow* flow) {
  Count(Counter::kUploadsFinished);
  OpenWire(flow);
  HandOver* hand_over = flow->hand_over;
  SessionWork* work = TakeWork(flow);
  FreeFragments(flow->session(), &hand_over->exported.receive_data);
  hand_over->unmoved_status =
      operation->moved ? Status::kMovedToKernel : Status::kRequestAborted;
  work->finished.SpliceBack(&hand_over->exported.send_data);
  hand_over->finish = nullptr;
  hand_over->finish_deadline = Instant::Never();
  flow->phase = FlowPhase::kGone;
  const tcp::TcpDelegatedState& state = hand_over->exported.state.delegated;
  if (operation->moved && EndIsRepeated(state.state)) {
    ended_.Add(now, table_.Hash(flow->tuple), flow->tuple, state.snd_max);
  }
  table_.Erase(flow);
  if (flow->published != nullptr) flow->published->Write(PublishedView{});
  flow->published = nullptr;
  flow->uploaded = Telling::kDue;
  work->elapsed_ns = 0;
  if (operation->started_at != Instant()) {
    work->elapsed_ns = static_cast<uint32_t>(
        std::clamp<int64_t>((now - operation->started_at).nanos(), 0,
                            std::numeric_limits<uint32_t>::max()));
  }
  flow->session()->port->SetUntold(++flow->session()->untold_flows);
  // Completed before the session is told: once it knows that the connection is
  // back it may offload it again, and the control core must know by then, too.
  Complete(operation, Status::kSuccess);
  Serve(now, flow);  // may retire it
}

// Design D3: what the peer may have been told by SACK is not reneged on.
void Worker::Impl::RebuildOutOfOrder(Flow* flow) {
  for (const tcp::Fragment& fragment : flow->hand_over->exported.out_of_order) {
    RebuildFragment(flow, fragment);
    Count(Counter::kOutOfOrderReplayed);
  }
}

// As the peer would send these bytes now, in pieces that fit the path.
void Worker::Impl::RebuildFragment(Flow* flow, const tcp::Fragment& fragment) {
  const tcp::TcpState& state = flow->hand_over->exported.state;
  packet::HeaderTemplate headers = HeadersOf(*flow, state.cached);
  std::swap(headers.src_mac, headers.dst_mac);
  headers.tuple = flow->tuple.Reversed();
  packet::SegmentHeader header;
  header.ack = state.delegated.snd_una;
  header.flags = packet::kTcpAck;
  header.window_raw = static_cast<uint16_t>(std::min<uint32_t>(
      state.delegated.snd_wnd >> state.constant.snd_wind_scale, 0xffff));
  if (state.constant.timestamps_enabled) {
    header.options.has_timestamps = true;
    header.options.tsval = state.delegated.ts_recent;
    header.options.tsecr = flow->hand_over->tsval_max;
  }
  const packet::HeaderLengths lengths =
      packet::HeaderLengthsFor(headers, header.options);
  const uint32_t ip_and_tcp = uint32_t{lengths.l3_bytes} + lengths.l4_bytes;
  const uint32_t most = std::min<uint32_t>(flow->tcb.path_mtu_bytes, 65535) -
                        std::min(flow->tcb.path_mtu_bytes, ip_and_tcp);
  const uint8_t* data = flow->session()->port->chunks()->Data(fragment.chunk) +
                        fragment.offset_in_chunk;
  uint32_t done = 0;
  while (done < fragment.length && most > 0) {
    const uint32_t length = std::min(most, fragment.length - done);
    header.seq = fragment.seq + done;
    const ByteSpan payload(data + done, length);
    std::array<uint8_t, packet::kMaxHeaderBytes> bytes;
    packet::BuildHeaders(headers, header, NextIpId(), length, bytes);
    packet::FinishTcpChecksum(bytes, lengths, packet::PartialSum(payload));
    OutFrame frame;
    frame.headers = ByteSpan(bytes).first(lengths.total());
    frame.l2_bytes = lengths.l2_bytes;
    frame.l3_bytes = lengths.l3_bytes;
    frame.l4_bytes = lengths.l4_bytes;
    frame.ipv6 = headers.tuple.local.IsV6();
    frame.payload_bytes = length;
    frame.piece_count = 1;
    frame.pieces[0] = tcp::OutSegment::Piece{payload, nullptr};
    if (!frames_->Transmit(Side::kHost, frame)) {
      Count(Counter::kTransmitRefused);
    }
    done += length;
  }
}

// The last step of a flow that was initiated once. Data lent by it stays with
// the session until it is returned (R100, R145).
void Worker::Impl::Retire(Flow* flow) {
  Session* session = flow->session();
  wheel_.Cancel(flow);
  Unschedule(flow);
  DropRequests(flow);
  if (flow->work != nullptr) session->orphans.SpliceBack(&flow->work->lent);
  FreeFlow(flow);
  --session->flow_count;
  session->port->SetUntold(--session->untold_flows);
  EndSessionIfDone(session);
}

}  // namespace chimney::worker
