// SPDX-License-Identifier: BSD-3-Clause
// An upload that failed: the connection runs on here, from the state it was
// cut in, as if time had merely passed.
#include <algorithm>

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

namespace {

void Shorten(tcp::TimerState* timer, Duration elapsed) {
  timer->delta = std::max(Duration(), timer->delta - elapsed);
}

// The state as it is `elapsed` after it was exported.
void Advance(tcp::TcpState* state, Duration elapsed) {
  tcp::TcpDelegatedState& delegated = state->delegated;
  const int64_t units =
      state->constant.timestamp_unit == tcp::TimestampUnit::kMicrosecond
          ? elapsed.micros()
          : elapsed.millis();
  delegated.ts_time += static_cast<uint32_t>(units);
  delegated.ts_recent_age = delegated.ts_recent_age + elapsed;
  Shorten(&delegated.keepalive, elapsed);
  Shorten(&delegated.retransmit, elapsed);
}

}  // namespace

void Worker::Impl::ExecuteCancelUpload(Instant now, Operation* operation,
                                       Flow* flow) {
  // One that is being finished is the kernel's already.
  if (flow->phase != FlowPhase::kCut || flow->wire_open ||
      flow->hand_over->finish != nullptr) {
    return Complete(operation, Status::kFailure);
  }
  HandOver* hand_over = flow->hand_over;
  tcp::Exported& exported = hand_over->exported;
  tcp::TcpState state = exported.state;
  Advance(&state, now - hand_over->cut_at);
  tcp::Prepare(flow->tcb, flow->session(), flow->tuple.local.IsV6(),
               flow->tcb.path_mtu_bytes);
  if (!tcp::Import(flow->tcb, now, state, exported.send_data,
                   exported.receive_data)) {
    return Complete(operation, Status::kFailure);  // e.g. closed: still cut
  }
  Count(Counter::kUploadsCanceled);
  flow->phase = FlowPhase::kRunning;
  flow->gate_open = false;
  flow->diverted = false;
  flow->stopped = false;
  flow->retrieve_reason = offload::UploadReason::kNone;
  flow->retrieve_event = Telling::kNothing;
  hand_over->Unlink();
  SessionWork* work = TakeWork(flow);
  work->lent_unaccounted = work->lent_bytes;
  work->elapsed_ns = 0;
  work->imported_send_bytes = 0;  // told before
  // The session learns that it may go on; what came back to it as
  // kUploadInProgress is posted again.
  flow->offloaded = Telling::kDue;
  flow->disconnect_asked = false;
  flow->fin_queued = flow->fin_queued || state.delegated.fin_queued;
  Publish(flow);
  RefeedOutOfOrder(now, flow);
  ReplayParked(now, flow);
  EndHandOver(flow);
  ArmTimer(flow);
  Schedule(flow);
  Complete(operation, Status::kSuccess);
}

// Bytes beyond a hole, given to the engine once more as the peer sent them.
void Worker::Impl::RefeedOutOfOrder(Instant now, Flow* flow) {
  tcp::Exported& exported = flow->hand_over->exported;
  const tcp::TcpState& state = exported.state;
  ChunkPool* pool = flow->session()->port->chunks();
  for (const tcp::Fragment& fragment : exported.out_of_order) {
    packet::Segment segment;
    segment.seq = fragment.seq;
    segment.ack = state.delegated.snd_una;
    segment.flags = packet::kTcpAck;
    segment.raw_window = static_cast<uint16_t>(std::min<uint32_t>(
        state.delegated.snd_wnd >> state.constant.snd_wind_scale, 0xffff));
    if (state.constant.timestamps_enabled) {
      segment.options.has_timestamps = true;
      segment.options.tsval = state.delegated.ts_recent;
      segment.options.tsecr = flow->hand_over->tsval_max;
    }
    segment.ttl = 64;
    segment.payload = ByteSpan(
        pool->Data(fragment.chunk) + fragment.offset_in_chunk, fragment.length);
    Absorb(now, flow, tcp::OnSegment(flow->tcb, now, segment));
  }
  tcp::ForgetDuplicateAcks(flow->tcb);
  FreeFragments(flow->session(), &exported.out_of_order);
}

}  // namespace chimney::worker
