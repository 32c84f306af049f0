// SPDX-License-Identifier: BSD-3-Clause
// What the hand-overs need of the daemon, and whom they tell when they end.
#ifndef CHIMNEY_DAEMON_HANDOVER_CONTEXT_H_
#define CHIMNEY_DAEMON_HANDOVER_CONTEXT_H_

#include <cstdint>
#include <functional>

#include "base/inet_address.h"
#include "base/time.h"
#include "daemon/connection.h"
#include "daemon/control_timers.h"
#include "daemon/handover_stats.h"
#include "daemon/operation_queue.h"
#include "kernel/conntrack.h"
#include "kernel/eligibility.h"
#include "kernel/handover.h"
#include "kernel/kernel_error.h"

namespace chimney::daemon {

// How long netfilter keeps its entry of a connection that is away: its own
// default for an established one. Refreshed well before it runs out.
inline constexpr uint32_t kConntrackTimeoutSeconds = 432000;

// Lives as long as the control core, which owns everything it points to.
struct HandoverContext {
  OperationQueue* operations = nullptr;
  ControlTimers* timers = nullptr;
  HandoverStats* stats = nullptr;
  std::function<Instant()> now;  // the workers' clock
  // Makes the tuple this connection's until it is forgotten. False: a
  // connection with this tuple is away, or on its way, already.
  std::function<bool(Connection&, const FlowTuple&)> reserve_tuple;
  kernel::EligibilityContext eligibility;
  kernel::HostLimits host_limits;
  MacAddress host_mac;  // of the host interface
  uint32_t port_mtu_bytes = 1500;
  Duration hold_timeout = Duration::Millis(100);
  Duration fence_timeout = Duration::Millis(5);
};

// Told once per hand-over, as its last act: the listener may destroy it.
class HandoverListener {
 public:
  virtual ~HandoverListener() = default;
  // The worker's name for the connection, as soon as there is one: its session
  // may use it before the control core hears that the offload is done. None:
  // the worker has let go of it again.
  virtual void OnFlowNamed(Connection& connection, worker::FlowHandle flow) = 0;
  // The hand-over has nothing to do for milliseconds, or goes on: others may
  // have its place meanwhile.
  virtual void OnHandoverWaits(Connection& connection, bool waits) = 0;
  // `error` is kOk on success. On failure the kernel has the connection as if
  // nothing had happened; `status` is the contract's word for it (R37).
  virtual void OnOffloadDone(Connection& connection, kernel::KernelError error,
                             offload::Status status) = 0;
  // On failure the connection runs on in its worker.
  virtual void OnUploadDone(Connection& connection,
                            kernel::KernelError error) = 0;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_HANDOVER_CONTEXT_H_
