// SPDX-License-Identifier: BSD-3-Clause
// What the workers say on their own account, and what netlink says.
#include <glog/logging.h>

#include <utility>

#include "daemon/control_core.h"
#include "kernel/icmp_policy.h"

namespace chimney::daemon {

void ControlCore::OnWorkerMessage(uint32_t worker_index,
                                  const WorkerMessage& message) {
  switch (message.kind) {
    case WorkerMessage::Kind::kCompleted: {
      worker::Operation* operation = message.operation;
      if (operation->kind == worker::Operation::Kind::kOpenSession ||
          operation->kind == worker::Operation::Kind::kCloseSession) {
        if (Session* session = FindSession(operation->session_id)) {
          OnLaneOperationDone(*session);
        }
        return;
      }
      if (operation->control_tag != 0) {
        reinterpret_cast<OperationOwner*>(operation->control_tag)
            ->OnOperationDone(operation);
        return;
      }
      forgotten_.erase(operation);
      return;
    }
    case WorkerMessage::Kind::kLaneBroken:
      if (Session* session = FindSession(message.session_id)) {
        stats_.Count(HandoverCount::kSessionsBroken);
        EndSession(*session, LaneFaultText(message.fault));
      }
      return;
    case WorkerMessage::Kind::kNotice:
      switch (message.notice.kind) {
        case worker::ControlNotice::Kind::kRetrieve:
          OnRetrieve(worker_index, message.notice);
          return;
        case worker::ControlNotice::Kind::kIcmpError:
          OnIcmpError(worker_index, message.notice);
          return;
        case worker::ControlNotice::Kind::kHoldExpired:
          stats_.Count(HandoverCount::kHoldsExpired);
          return;
      }
      return;
  }
}

void ControlCore::OnRetrieve(uint32_t worker_index,
                             const worker::ControlNotice& notice) {
  Connection* connection = connections_.FindFlow(worker_index, notice.flow);
  if (connection == nullptr) return;
  connection->retrieve_reason = notice.reason;
  // The kernel is the host stack here, and the control core speaks for it: what
  // must go back goes back, what may stay stays (R179, R180).
  if (offload::IsMandatory(notice.reason)) WantUpload(*connection);
}

void ControlCore::SubmitAndForget(
    uint32_t worker_index, std::unique_ptr<worker::Operation> operation) {
  worker::Operation* raw = operation.get();
  forgotten_.emplace(raw, std::move(operation));
  operations_.Submit(worker_index, raw);
}

void ControlCore::UpdatePath(Connection& connection, uint32_t path_mtu_bytes) {
  connection.image.snapshot.path.path_mtu_bytes = path_mtu_bytes;
  connection.path_changed = connection.phase != ConnectionPhase::kOffloaded;
  if (connection.path_changed) return;
  auto operation = std::make_unique<worker::Operation>();
  operation->kind = worker::Operation::Kind::kUpdatePath;
  operation->flow = connection.flow;
  operation->snapshot.path = connection.image.snapshot.path;
  SubmitAndForget(connection.worker_index, std::move(operation));
}

void ControlCore::UpdateNeighbor(Connection& connection,
                                 const MacAddress& mac) {
  connection.image.snapshot.neighbor.destination_mac = mac;
  connection.neighbor_changed = connection.phase != ConnectionPhase::kOffloaded;
  if (connection.neighbor_changed) return;
  auto operation = std::make_unique<worker::Operation>();
  operation->kind = worker::Operation::Kind::kUpdateNeighbor;
  operation->flow = connection.flow;
  operation->snapshot.neighbor = connection.image.snapshot.neighbor;
  SubmitAndForget(connection.worker_index, std::move(operation));
}

void ControlCore::OnIcmpError(uint32_t worker_index,
                              const worker::ControlNotice& notice) {
  Connection* connection = connections_.FindFlow(worker_index, notice.flow);
  if (connection == nullptr) return;
  const uint32_t current = connection->image.snapshot.path.path_mtu_bytes;
  const kernel::IcmpDecision decision =
      kernel::DecideIcmp(notice.icmp, notice.snd_una, notice.snd_max, current);
  if (!decision.update_path) {
    stats_.Count(HandoverCount::kIcmpIgnored);
    return;
  }
  stats_.Count(HandoverCount::kIcmpAccepted);
  // A path is shared by all connections between the same two addresses (R70).
  const IpAddress remote = connection->tuple.remote;
  const IpAddress local = connection->tuple.local;
  connections_.ForEach([&](Connection& sharer) {
    if (sharer.tuple.remote == remote && sharer.tuple.local == local) {
      UpdatePath(sharer, decision.path_mtu_bytes);
    }
  });
}

void ControlCore::OnNetlink() {
  std::vector<kernel::NetlinkChange> changes;
  const kernel::KernelError error = netlink_->Read(&changes);
  if (!error.ok()) {
    LOG_EVERY_N(WARNING, 100) << "netlink: " << error.ToString();
  }
  for (const kernel::NetlinkChange& change : changes) {
    switch (change.kind) {
      case kernel::NetlinkChange::Kind::kNeighbor:
        OnNeighborChange(change.neighbor);
        break;
      case kernel::NetlinkChange::Kind::kLink:
        OnLinkChange(change.link);
        break;
      case kernel::NetlinkChange::Kind::kNeighborGone:
      case kernel::NetlinkChange::Kind::kLinkGone:
      case kernel::NetlinkChange::Kind::kAddressAdded:
      case kernel::NetlinkChange::Kind::kAddressRemoved:
      case kernel::NetlinkChange::Kind::kRoute:
      case kernel::NetlinkChange::Kind::kOverrun:
        break;
    }
  }
}

// The same next hop with another MAC address is an update (R67, R71).
void ControlCore::OnNeighborChange(const kernel::NeighborInfo& neighbor) {
  if (!neighbor.has_mac ||
      neighbor.interface_index != context_.eligibility.host_interface_index) {
    return;
  }
  connections_.ForEach([&](Connection& connection) {
    const MacAddress& now = connection.image.snapshot.neighbor.destination_mac;
    if (connection.next_hop == neighbor.address && now != neighbor.mac) {
      UpdateNeighbor(connection, neighbor.mac);
    }
  });
}

// Reported and nothing else: what follows is the host's decision (R185).
void ControlCore::OnLinkChange(const kernel::LinkInfo& link) {
  if (link.index != context_.eligibility.host_interface_index) return;
  const bool up = link.up && link.running;
  if (up == link_up_) return;
  link_up_ = up;
  TellEverybody(abi::NoticeOp::kLinkState);
}

}  // namespace chimney::daemon
