// SPDX-License-Identifier: BSD-3-Clause
// Queries and updates of an initiated flow (R58-R77), and a disconnect that the
// control core asks for.
#include <algorithm>

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

void Worker::Impl::FillSnapshot(Instant now, const Flow& flow,
                                offload::ConnectionSnapshot* snapshot) const {
  snapshot->neighbor.source_mac = flow.next_hop.source_mac;
  snapshot->neighbor.destination_mac = flow.next_hop.destination_mac;
  snapshot->neighbor.vlan_id = flow.next_hop.vlan_id;
  snapshot->neighbor.host_reachability_delta = now - flow.host_reached_at;
  snapshot->neighbor.nic_reachability_delta = now - flow.nic_reached_at;
  snapshot->path = {flow.tuple.local, flow.tuple.remote,
                    flow.tcb.path_mtu_bytes};
  snapshot->tcp = flow.phase == FlowPhase::kRunning
                      ? tcp::Query(flow.tcb, now)
                      : flow.hand_over->exported.state;
}

void Worker::Impl::ExecuteQuery(Instant now, Operation* operation, Flow* flow) {
  if (flow->phase == FlowPhase::kHeld) {
    return Complete(operation, Status::kFailure);
  }
  FillSnapshot(now, *flow, &operation->snapshot);
  Complete(operation, Status::kSuccess);
}

void Worker::Impl::ExecuteUpdate(Instant now, Operation* operation,
                                 Flow* flow) {
  if (flow->phase == FlowPhase::kHeld) {
    return Complete(operation, Status::kFailure);
  }
  const offload::ConnectionSnapshot& from = operation->snapshot;
  tcp::TcpCachedState cached = flow->phase == FlowPhase::kRunning
                                   ? flow->tcb.cached
                                   : flow->hand_over->exported.state.cached;
  uint32_t path_mtu_bytes = flow->tcb.path_mtu_bytes;
  if (operation->kind == Operation::Kind::kUpdatePath) {
    const uint32_t least = flow->tuple.local.IsV6() ? 1280 : 68;
    const uint32_t mtu = from.path.path_mtu_bytes;
    if (mtu < least || mtu > config_.max_path_mtu_bytes) {
      return Complete(operation, Status::kFailure);
    }
    path_mtu_bytes = mtu;
  } else if (operation->kind == Operation::Kind::kUpdateNeighbor) {
    // R71: the next hop; the rest of a neighbor is constant.
    flow->next_hop.destination_mac = from.neighbor.destination_mac;
    flow->host_reached_at = now - from.neighbor.host_reachability_delta;
  } else {
    cached = from.tcp.cached;
    const ChunkPool& pool = *flow->session()->port->chunks();
    cached.initial_rcv_wnd = static_cast<uint32_t>(
        std::min(uint64_t{cached.initial_rcv_wnd},
                 uint64_t{pool.chunk_bytes()} * pool.chunk_count()));
  }
  if (flow->phase == FlowPhase::kRunning) {
    Absorb(now, flow, tcp::OnUpdate(flow->tcb, now, cached, path_mtu_bytes));
  } else {
    flow->hand_over->exported.state.cached = cached;
    flow->tcb.path_mtu_bytes = path_mtu_bytes;  // for the next Prepare
  }
  Complete(operation, Status::kSuccess);
}

void Worker::Impl::ExecuteDisconnect(Instant now, Operation* operation,
                                     Flow* flow) {
  if (flow->phase != FlowPhase::kRunning) {
    return Complete(operation, Status::kFailure);
  }
  if (operation->abortive || !flow->fin_queued) {
    flow->fin_queued = true;
    if (operation->abortive) flow->stopped = false;  // the RST has to leave
    Absorb(now, flow, tcp::OnDisconnect(flow->tcb, now, operation->abortive));
  }
  Complete(operation, Status::kSuccess);
}

}  // namespace chimney::worker
