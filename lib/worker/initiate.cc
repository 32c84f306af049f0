// SPDX-License-Identifier: BSD-3-Clause
// Taking over a held connection (R31-R54): its state and bytes into the
// engine, then what was parked meanwhile.
#include <algorithm>
#include <limits>

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;
using tcp::ConnectionState;

namespace {

uint32_t PoolBytes(const ChunkPool& pool) {
  const uint64_t bytes = uint64_t{pool.chunk_bytes()} * pool.chunk_count();
  return static_cast<uint32_t>(
      std::min<uint64_t>(bytes, std::numeric_limits<uint32_t>::max()));
}

// States in which our FIN has been sent (and may be acknowledged).
bool FinSent(ConnectionState state) {
  return state == ConnectionState::kFinWait1 ||
         state == ConnectionState::kFinWait2 ||
         state == ConnectionState::kClosing ||
         state == ConnectionState::kLastAck;
}

// What never left the kernel is sent here as new data; in flight, nothing but a
// timeout would find it missing. The gate lets nothing more of it pass.
void TakeBackUnsent(const Flow& flow, tcp::TcpDelegatedState* state) {
  const LearnedPath& learned = flow.hand_over->learned;
  if (!learned.valid) return;
  state->snd_max =
      Later(state->snd_una, Earlier(state->snd_max, learned.snd_nxt));
  state->snd_nxt = Earlier(state->snd_nxt, state->snd_max);
}

}  // namespace

void Worker::Impl::ExecuteInitiate(Instant now, Operation* operation,
                                   Flow* flow) {
  Session* session = sessions_.Find(operation->session_id);
  Status status = CheckInitiate(*operation, *flow, session);
  if (status == Status::kSuccess) {
    status = TakeOver(now, *operation, flow, session);
  }
  if (status != Status::kSuccess) {
    Count(Counter::kInitiatesFailed);
    return Complete(operation, status);
  }
  Count(Counter::kInitiates);
  BringToLife(now, *operation, flow, session);
  ReplayParked(now, flow);
  EndHandOver(flow);
  ArmTimer(flow);
  Complete(operation, Status::kSuccess);
}

// R37: the specific code of what stands in the way.
Status Worker::Impl::CheckInitiate(const Operation& operation, const Flow& flow,
                                   Session* session) const {
  const offload::ConnectionSnapshot& snapshot = operation.snapshot;
  if (session == nullptr || session->closing != nullptr ||
      flow.phase != FlowPhase::kHeld ||
      flow.hand_over->fence.operation != nullptr ||
      !(snapshot.Tuple() == flow.tuple)) {
    return Status::kFailure;
  }
  const uint32_t least_mtu = flow.tuple.local.IsV6() ? 1280 : 68;
  const uint32_t mtu = snapshot.path.path_mtu_bytes;
  if (mtu < least_mtu || mtu > config_.max_path_mtu_bytes) {
    return Status::kPathMtu;
  }
  if (snapshot.neighbor.vlan_id > 4094) return Status::kVlanMismatch;
  // A window once advertised cannot be taken back, so it must fit.
  if (snapshot.tcp.delegated.rcv_wnd > PoolBytes(*session->port->chunks())) {
    return Status::kTcpRcvWindow;
  }
  return Status::kSuccess;
}

// Everything or nothing: on failure the flow is held as before.
Status Worker::Impl::TakeOver(Instant now, const Operation& operation,
                              Flow* flow, Session* session) {
  ChunkPool* pool = session->port->chunks();
  tcp::RecordList sends;
  tcp::FragmentList receives;
  tcp::TcpState state = operation.snapshot.tcp;
  state.cached.initial_rcv_wnd =
      std::min(state.cached.initial_rcv_wnd, PoolBytes(*pool));
  TakeBackUnsent(*flow, &state.delegated);
  Status status = Status::kSuccess;
  if (!ImportSends(operation.send_bytes, session, &sends)) {
    status = Status::kTcpXmitBuffer;
  } else if (!ImportReceives(operation, session, &receives)) {
    status = Status::kTcpRcvBuffer;
  } else {
    tcp::Prepare(flow->tcb, session, flow->tuple.local.IsV6(),
                 operation.snapshot.path.path_mtu_bytes);
    // R43: the engine judges the state.
    if (!tcp::Import(flow->tcb, now, state, sends, receives)) {
      flow->tcb.store = nullptr;
      status = Status::kFailure;
    }
  }
  if (status != Status::kSuccess) {
    FreeRecords(session, &sends);
    FreeFragments(session, &receives);
    return status;
  }
  const uint64_t chunk_bytes = pool->chunk_bytes();
  TakeWork(flow)->records_held = static_cast<uint32_t>(
      (operation.send_bytes.size() + chunk_bytes - 1) / chunk_bytes);
  return Status::kSuccess;
}

void Worker::Impl::BringToLife(Instant now, const Operation& operation,
                               Flow* flow, Session* session) {
  const offload::ConnectionSnapshot& snapshot = operation.snapshot;
  flow->phase = FlowPhase::kRunning;
  flow->wire_open = false;
  flow->gate_una = flow->tcb.snd.una;
  flow->gate_nxt = flow->tcb.snd.max;
  flow->hand_over->hold_deadline = Instant::Never();
  flow->gate_open = false;
  ++session->flow_count;
  flow->cookie = operation.cookie;
  flow->published = operation.published;
  flow->next_hop = {snapshot.neighbor.source_mac,
                    snapshot.neighbor.destination_mac,
                    snapshot.neighbor.vlan_id};
  flow->host_reached_at = now - snapshot.neighbor.host_reachability_delta;
  flow->nic_reached_at = now - snapshot.neighbor.nic_reachability_delta;
  flow->fin_queued = snapshot.tcp.delegated.fin_queued ||
                     FinSent(snapshot.tcp.delegated.state);
  SessionWork* work = TakeWork(flow);
  work->imported_send_bytes =
      static_cast<uint32_t>(operation.send_bytes.size());
  flow->indications_wait = !operation.receive_bytes.empty();
  flow->offloaded = Telling::kDue;
  work->elapsed_ns = 0;
  if (operation.started_at != Instant()) {
    work->elapsed_ns = static_cast<uint32_t>(
        std::clamp<int64_t>((now - operation.started_at).nanos(), 0,
                            std::numeric_limits<uint32_t>::max()));
  }
  Publish(flow);
  Schedule(flow);
}

}  // namespace chimney::worker
