// SPDX-License-Identifier: BSD-3-Clause
// The way of one connection from its kernel socket to a worker (design D2):
// check, hold and fence, freeze, placeholder, initiate. Every path that fails
// leaves the connection working in the kernel.
#ifndef CHIMNEY_DAEMON_OFFLOAD_OPERATION_H_
#define CHIMNEY_DAEMON_OFFLOAD_OPERATION_H_

#include <cstdint>
#include <memory>

#include "daemon/connection.h"
#include "daemon/handover_context.h"
#include "daemon/socket_return.h"
#include "worker/operation.h"

namespace chimney::daemon {

class OffloadOperation : public OperationOwner {
 public:
  // `record` is the connection's slot in its session's published file. All
  // references outlive the operation.
  OffloadOperation(HandoverContext& context, HandoverListener& listener,
                   Connection& connection, uint32_t session_id,
                   PublishedRecord* record);
  ~OffloadOperation() override;

  // Runs to the first wait. May end, and so be destroyed, before it returns.
  void Start();

  void OnOperationDone(worker::Operation* operation) override;

 private:
  enum class Step : uint8_t {
    kHolding,
    kFencing,
    kInitiating,
    kReleasing,
    kWaitingForHole,
  };

  void SubmitMain(worker::Operation::Kind kind);
  void Hold();
  void OnHeld();
  bool FenceSucceeded() const;
  void OnFenced();
  // False: the operation has failed and is on its way out.
  bool FreezeSocket();
  void WaitForHole();
  void RestrictHost();
  void Initiate();
  void OnInitiated();
  // Gives the connection back to the kernel from wherever it is.
  void GiveBack();
  void OnReturned(kernel::KernelError error);
  void Release();
  void Fail(kernel::KernelError error, offload::Status status);
  void End();
  void RecordStep(HandoverStep step);

  HandoverContext& context_;
  HandoverListener& listener_;
  Connection& connection_;
  const uint32_t session_id_;
  PublishedRecord* const record_;

  worker::Operation main_;
  worker::Operation restrict_;
  std::unique_ptr<SocketReturn> return_;
  ControlTimers::TimerId retry_timer_ = 0;
  uint32_t outstanding_ = 0;  // operations the worker has
  Step step_ = Step::kHolding;
  bool timestamps_enabled_ = false;
  bool held_ = false;
  bool frozen_ = false;
  bool placeholder_ = false;
  bool ended_ = false;
  uint32_t fence_attempts_ = 0;
  BackOff give_back_{Duration::Millis(1), Duration::Millis(250)};
  uint32_t hole_waits_ = 0;
  Instant started_at_;
  Instant step_started_at_;
  kernel::KernelError error_;
  offload::Status status_ = offload::Status::kSuccess;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_OFFLOAD_OPERATION_H_
