// SPDX-License-Identifier: BSD-3-Clause
// One host process as a worker keeps it, and the sessions of a worker by id.
#ifndef CHIMNEY_WORKER_SESSION_H_
#define CHIMNEY_WORKER_SESSION_H_

#include <cstdint>
#include <vector>

#include "base/intrusive_list.h"
#include "base/slab.h"
#include "worker/flow.h"
#include "worker/lent_ledger.h"
#include "worker/operation.h"
#include "worker/session_port.h"

namespace chimney::worker {

struct BlockedTag {};
struct RingTag {};
struct SweepTag {};

struct Session : ListNode<BlockedTag>,   // flows wait for room in its ring
                 ListNode<RingTag>,      // something was pushed
                 ListNode<SweepTag>,     // its flows are looked for
                 tcp::ConnectionStore {  // of its flows' control blocks
  uint32_t id = 0;
  uint32_t slot = 0;
  SessionPort* port = nullptr;
  // Set by kCloseSession: nothing is told or lent any more. The operation
  // completes with the last flow.
  Operation* closing = nullptr;
  // While closing: how often the sweep has to reach the end of the flows until
  // it has seen all of this session's.
  uint32_t sweeps_left = 0;
  uint32_t flow_count = 0;
  IntrusiveList<Flow, ScheduleTag> waiting;
  // Lent by flows that are gone (R100, R145).
  LentList orphans;
  uint32_t send_records = 0;
  uint32_t posted_receives = 0;
  uint32_t lent_pieces = 0;
  uint32_t untold_flows = 0;  // FlowPhase::kGone
};

// No control block of a flow lives on any other store.
inline Session* Flow::session() const {
  return static_cast<Session*>(tcb.store);
}

// At most `max_sessions` at a time; look-up by id is a scan of one dense array
// that begins with the last hit.
class SessionTable {
 public:
  explicit SessionTable(uint32_t max_sessions);

  Session* Find(uint32_t id);
  // nullptr if the table is full; the id is not in it.
  Session* Add(uint32_t id, SessionPort* port);
  void Remove(Session* session);
  uint32_t size() const { return sessions_.in_use(); }

 private:
  Slab<Session> sessions_;
  std::vector<uint32_t> ids_;  // by slot; only means something if used_
  std::vector<uint8_t> used_;
  uint32_t last_hit_ = 0;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_SESSION_H_
