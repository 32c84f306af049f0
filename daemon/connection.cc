// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/connection.h"

#include "base/random.h"

namespace chimney::daemon {

const char* ConnectionPhaseName(ConnectionPhase phase) {
  switch (phase) {
    case ConnectionPhase::kOffloading:
      return "offloading";
    case ConnectionPhase::kOffloaded:
      return "offloaded";
    case ConnectionPhase::kUploading:
      return "uploading";
  }
  return "unknown";
}

size_t ConnectionTable::TupleHash::operator()(const FlowTuple& tuple) const {
  // Tuples come from sockets the host has opened, not from the network, so a
  // fixed key is no way in for a stranger.
  return HashFlowTuple(HashKey{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f}, tuple);
}

Connection& ConnectionTable::Create(Session* session) {
  auto connection = std::make_unique<Connection>();
  connection->id = ++last_id_;
  connection->session = session;
  Connection& result = *connection;
  by_id_.emplace(result.id, std::move(connection));
  return result;
}

void ConnectionTable::Remove(uint64_t id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  Connection& connection = *it->second;
  UnindexFlow(connection);
  const auto tuple = by_tuple_.find(connection.tuple);
  if (tuple != by_tuple_.end() && tuple->second == &connection) {
    by_tuple_.erase(tuple);
  }
  by_id_.erase(it);
}

Connection* ConnectionTable::Find(uint64_t id) {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second.get();
}

Connection* ConnectionTable::FindFlow(uint32_t worker_index,
                                      worker::FlowHandle flow) {
  const auto it = by_flow_.find({worker_index, flow.Packed()});
  return it == by_flow_.end() ? nullptr : it->second;
}

Connection* ConnectionTable::FindTuple(const FlowTuple& tuple) {
  const auto it = by_tuple_.find(tuple);
  return it == by_tuple_.end() ? nullptr : it->second;
}

void ConnectionTable::IndexFlow(Connection& connection) {
  by_flow_[{connection.worker_index, connection.flow.Packed()}] = &connection;
}

void ConnectionTable::IndexTuple(Connection& connection) {
  by_tuple_[connection.tuple] = &connection;
}

void ConnectionTable::UnindexFlow(Connection& connection) {
  const auto it =
      by_flow_.find({connection.worker_index, connection.flow.Packed()});
  if (it != by_flow_.end() && it->second == &connection) by_flow_.erase(it);
}

size_t ConnectionTable::CountOf(const Session* session) const {
  size_t count = 0;
  for (const auto& [id, connection] : by_id_) {
    if (connection->session == session) ++count;
  }
  return count;
}

void ConnectionTable::ForEach(const std::function<void(Connection&)>& visit) {
  for (auto& [id, connection] : by_id_) visit(*connection);
}

void ConnectionTable::ForEach(
    const std::function<void(const Connection&)>& visit) const {
  for (const auto& [id, connection] : by_id_) visit(*connection);
}

}  // namespace chimney::daemon
