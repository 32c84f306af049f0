// SPDX-License-Identifier: BSD-3-Clause
// The way of a connection's state back into its kernel socket, shared by an
// upload and by an offload that failed late: restore, open host->wire, thaw,
// tell the kernel what only the peer can tell it, complete (design D2, D3).
#ifndef CHIMNEY_DAEMON_SOCKET_RETURN_H_
#define CHIMNEY_DAEMON_SOCKET_RETURN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/connection.h"
#include "daemon/handover_context.h"
#include "kernel/handover.h"
#include "kernel/inject_plan.h"
#include "worker/operation.h"

namespace chimney::daemon {

// The flow is held or cut by its worker meanwhile, so what the peer sends is
// parked. Uses connection.image as it stands.
class SocketReturn : public OperationOwner {
 public:
  // Called once, as the last act: the owner may destroy this object. On failure
  // the socket is a placeholder, or unconnected (LeavesUnconnected), and
  // silent.
  using Done = std::function<void(kernel::KernelError)>;

  // `reset`: the peer's RST ended the connection; the socket is given it again.
  SocketReturn(HandoverContext& context, HandoverListener& listener,
               Connection& connection, bool reset, Done done);
  ~SocketReturn() override;

  void Start();
  void OnOperationDone(worker::Operation* operation) override;

 private:
  void TryRestore();
  void ThawWhenOpen();
  void Inject();
  void InjectSegment(const kernel::PeerSegment& segment);
  void Complete();
  void OpenWire();
  void InjectAgain();
  void WaitForRoom(Instant now);
  void WaitUntil(Instant when, std::function<void()> action);
  void EndWait();
  void End(kernel::KernelError error);
  void RecordStep(HandoverStep step);

  HandoverContext& context_;
  HandoverListener& listener_;
  Connection& connection_;
  const bool reset_;
  Done done_;

  worker::Operation open_;  // kOpenHost, perhaps later kOpenWire
  std::vector<std::unique_ptr<worker::Operation>> injections_;
  kernel::InjectPlan plan_;
  kernel::UploadProgress progress_;
  ControlTimers::TimerId timer_ = 0;
  uint32_t outstanding_ = 0;
  bool restored_ = false;
  bool thawed_ = false;
  bool wire_opened_ = false;
  bool waits_ = false;
  bool refused_ = false;  // the host port had no room for an injection
  uint32_t repeats_ = 0;
  bool ended_ = false;
  Instant started_at_;
  Instant thawed_at_;
  Instant injected_at_;
  Instant step_started_at_;
  kernel::KernelError error_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_SOCKET_RETURN_H_
