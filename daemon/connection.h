// SPDX-License-Identifier: BSD-3-Clause
// One connection as the control core knows it: whose it is, where it runs, and
// the daemon's own duplicate of its socket (design D1).
#ifndef CHIMNEY_DAEMON_CONNECTION_H_
#define CHIMNEY_DAEMON_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/inet_address.h"
#include "daemon/back_off.h"
#include "daemon/control_timers.h"
#include "daemon/foreign_fd.h"
#include "kernel/socket_image.h"
#include "worker/operation.h"

namespace chimney::daemon {

class Session;

enum class ConnectionPhase : uint8_t {
  kOffloading,  // still the kernel's, or between the two
  kOffloaded,   // a worker runs it
  kUploading,   // on its way back
};

const char* ConnectionPhaseName(ConnectionPhase phase);

// Something that waits for operations given to a worker.
class OperationOwner {
 public:
  virtual ~OperationOwner() = default;
  virtual void OnOperationDone(worker::Operation* operation) = 0;
};

struct Connection {
  uint64_t id = 0;             // as people see it; never reused
  Session* session = nullptr;  // outlives its connections
  uint64_t cookie = 0;         // the host's handle
  uint64_t request_id = 0;     // of the initiate
  ForeignFd fd;                // our duplicate of the socket
  uint64_t socket_cookie = 0;  // SO_COOKIE: the same over many hand-overs
  FlowTuple tuple;
  IpAddress next_hop;
  bool tracked = false;  // netfilter keeps an entry for it (design D15)
  uint32_t worker_index = 0;
  worker::FlowHandle flow;
  PublishedRecord* record = nullptr;  // in the session's published file
  uint32_t record_slot = 0;
  ConnectionPhase phase = ConnectionPhase::kOffloading;
  // The socket as it was frozen, and later as it goes back.
  kernel::SocketImage image;
  // What the image says of these changed while no worker could be told.
  bool path_changed = false;
  bool neighbor_changed = false;
  // An upload failed and the worker could not go on either, since the
  // connection is over: only the kernel is still to be told, from this image.
  bool cut = false;
  bool cut_by_reset = false;
  // No placeholder holds the tuple yet: being retried (design D2).
  bool placeholder_missing = false;

  // Between tries to make a placeholder, or to go back.
  BackOff placeholder_retry{Duration::Micros(500), Duration::Millis(250)};
  BackOff upload_retry{Duration::Millis(20), Duration::Millis(640)};
  ControlTimers::TimerId placeholder_timer = 0;  // at most one of each
  ControlTimers::TimerId upload_timer = 0;

  // An upload was asked for before it could start.
  bool upload_wanted = false;
  // To answer if the upload fails (kUploaded answers success).
  bool terminate_asked = false;
  uint64_t terminate_request_id = 0;
  // Why the worker asked for it back, if it did.
  offload::UploadReason retrieve_reason = offload::UploadReason::kNone;

  std::unique_ptr<OperationOwner> handover;  // the one in flight
};

// All of them. Control core only.
class ConnectionTable {
 public:
  Connection& Create(Session* session);
  void Remove(uint64_t id);
  Connection* Find(uint64_t id);
  Connection* FindFlow(uint32_t worker_index, worker::FlowHandle flow);
  Connection* FindTuple(const FlowTuple& tuple);
  // Called when the flow and tuple of a connection are known.
  void IndexFlow(Connection& connection);
  void IndexTuple(Connection& connection);
  // Forgets the flow: its worker has let it go.
  void UnindexFlow(Connection& connection);

  size_t size() const { return by_id_.size(); }
  size_t CountOf(const Session* session) const;
  // `visit` must not add or remove connections.
  void ForEach(const std::function<void(Connection&)>& visit);
  void ForEach(const std::function<void(const Connection&)>& visit) const;

 private:
  struct TupleHash {
    size_t operator()(const FlowTuple& tuple) const;
  };
  std::map<uint64_t, std::unique_ptr<Connection>> by_id_;
  std::map<std::pair<uint32_t, uint64_t>, Connection*> by_flow_;
  std::unordered_map<FlowTuple, Connection*, TupleHash> by_tuple_;
  uint64_t last_id_ = 0;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_CONNECTION_H_
